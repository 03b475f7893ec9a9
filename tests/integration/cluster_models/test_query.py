"""Collected models as the API and the command line ask for them."""

import pytest

from application.cluster_models.kinds import COMPUTE
from application.kernel.errors import Unavailable
from domain.kernel.errors import InvalidValue
from tests.given import ident
from tests.integration.cluster_models.modelling import a_moment, models
from tests.world.engine import EngineWorld
from tests.world.values import host, id_of, server
from tests.world.world import CLOCK


def test_without_a_model_there_are_no_rows(world: EngineWorld) -> None:
    with pytest.raises(Unavailable, match="No cluster model"):
        models(world).rows()
    with pytest.raises(Unavailable):
        models(world).at(COMPUTE, 1)
    assert models(world).status() == []


def test_rows_are_those_of_the_latest_model(world: EngineWorld) -> None:
    world.cloud.servers = [server("1", "a"), server("2", "a")]
    world.collector().collect()
    rows = models(world).rows()
    assert [(row["node_hostname"], row.get("server_name")) for row in rows] == [
        ("a", "1"),
        ("a", "2"),
        ("b", None),
        ("c", None),
    ]


def test_an_audit_restricts_the_rows_to_its_scope(world: EngineWorld) -> None:
    world.cloud.hosts = [host("a"), host("b", zone="other")]
    world.cloud.servers = [server("1", "a"), server("2", "a"), server("3", "b")]
    world.collector().collect()
    scope = [
        {
            "compute": [
                {"availability_zones": [{"name": "z"}]},
                {"exclude": [{"instances": [{"uuid": id_of("2")}]}]},
            ]
        }
    ]
    audit = world.request(scope=scope)
    rows = models(world).rows(audit)
    assert [(row["server_name"], row["server_watcher_exclude"]) for row in rows] == [
        ("1", False),
        ("2", True),
    ]
    with pytest.raises(InvalidValue, match="audit"):
        models(world).rows(ident(7))


def test_the_model_can_be_asked_for_as_it_was(world: EngineWorld) -> None:
    collector = world.collector()
    collector.collect()
    position = world.log.end()
    between = CLOCK.now()
    a_moment()
    world.cloud.servers.pop()
    collector.collect()
    found = models(world, stale_after=0.0)
    assert len(found.at(COMPUTE, position).model.servers) == 4
    assert len(found.at(COMPUTE, between).model.servers) == 4
    assert len(found.at(COMPUTE, world.log.end()).model.servers) == 3
    assert found.at(COMPUTE, position).age is None
    assert len(found.rows(at=position)) == 4
    assert len(found.latest(COMPUTE).model.servers) == 3
    assert found.latest(COMPUTE).position == world.log.end()
