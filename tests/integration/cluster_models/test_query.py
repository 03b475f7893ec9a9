"""Collected models as the API and the command line ask for them."""

from collections.abc import Iterator

import pytest

from application.cluster_models.kinds import COMPUTE
from application.kernel.errors import Unavailable
from application.ports.event_log import EventLog
from domain.kernel.errors import InvalidValue
from tests.given import ident
from tests.integration.cluster_models.modelling import a_moment, models
from tests.integration.workshop import CLOCK, Workshop, host, server


@pytest.fixture
def shop(event_database: str, event_log: EventLog) -> Iterator[Workshop]:
    shop = Workshop(event_database, event_log)
    yield shop
    shop.close()


def test_without_a_model_there_are_no_rows(shop: Workshop) -> None:
    with pytest.raises(Unavailable, match="No cluster model"):
        models(shop).rows()
    with pytest.raises(Unavailable):
        models(shop).at(COMPUTE, 1)
    assert models(shop).status() == []


def test_rows_are_those_of_the_latest_model(shop: Workshop) -> None:
    shop.cloud.servers = [server("1", "a"), server("2", "a")]
    shop.collector().collect()
    rows = models(shop).rows()
    assert [(row["node_hostname"], row.get("server_name")) for row in rows] == [
        ("a", "1"),
        ("a", "2"),
        ("b", None),
        ("c", None),
    ]


def test_an_audit_restricts_the_rows_to_its_scope(shop: Workshop) -> None:
    shop.cloud.hosts = [host("a"), host("b", zone="other")]
    shop.cloud.servers = [server("1", "a"), server("2", "a"), server("3", "b")]
    shop.collector().collect()
    scope = [
        {
            "compute": [
                {"availability_zones": [{"name": "z"}]},
                {"exclude": [{"instances": [{"uuid": "id-2"}]}]},
            ]
        }
    ]
    audit = shop.request(scope=scope)
    rows = models(shop).rows(audit)
    assert [(row["server_name"], row["server_watcher_exclude"]) for row in rows] == [
        ("1", False),
        ("2", True),
    ]
    with pytest.raises(InvalidValue, match="audit"):
        models(shop).rows(ident(7))


def test_the_model_can_be_asked_for_as_it_was(shop: Workshop) -> None:
    collector = shop.collector()
    collector.collect()
    position = shop.log.end()
    between = CLOCK.now()
    a_moment()
    shop.cloud.servers.pop()
    collector.collect()
    found = models(shop, stale_after=0.0)
    assert len(found.at(COMPUTE, position).model.servers) == 4
    assert len(found.at(COMPUTE, between).model.servers) == 4
    assert len(found.at(COMPUTE, shop.log.end()).model.servers) == 3
    assert found.at(COMPUTE, position).age is None
    assert len(found.rows(at=position)) == 4
    assert len(found.latest(COMPUTE).model.servers) == 3
    assert found.latest(COMPUTE).position == shop.log.end()
