"""What `vigil replay bisect` and `diff` know of a cloud: collections, and Vigil's moves since."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.record import encode_model
from domain.audits import Audit
from domain.cluster.compute.model import ComputeModel
from domain.cluster_models import ClusterModel, CompleteCollection
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan
from infrastructure.event_log import SqlEventLog
from tests.given import context, ident
from tests.integration.cli.conftest import Cli
from tests.integration.cli.test_replay_files import served
from tests.world.values import definition, host, id_of, planned, proposal, server
from tests.world.world import World

pytestmark = pytest.mark.usefixtures("settings")


@dataclass(frozen=True)
class Cloud:
    """Positions: of two collections, and of the end of a migration of vm-1 between them."""

    first: int
    moved: int
    second: int


def collected(world: World, model: ClusterModel, **on: str) -> int:
    hosts = [host("c1"), host("c2"), *([host("c3")] if "c3" in on.values() else [])]
    built, _ = ComputeModel.build(hosts, [server(f"vm-{one[1:]}", at) for one, at in on.items()])
    digest = world.records.put(encode_model(COMPUTE, built, ()))
    model.record_collection(
        context(),
        CompleteCollection(digest=digest, sizes={}, calls=1, seconds=1.0, problems=(), changes={}),
    )
    return world.save(model)


def migrated(world: World) -> int:
    """vm-1 from c1 to c2; a second action fails."""
    audit = Audit.request(context(), ident(1), definition())
    assert audit.run is not None
    actions = [
        planned(
            "migrate",
            id_of(name),
            {"resource_name": name, "source_node": "c1", "destination_node": "c2"},
        )
        for name in ("vm-1", "vm-2")
    ]
    plan = ActionPlan.propose(context(), proposal(audit.id, audit.run.id, actions))
    plan.launch(context())
    epoch = plan.claim(context(), "applier/1", "ctl-1")
    one, other = plan.actions
    plan.intend_action(context(), epoch, one, {})
    plan.succeed_action(context(), epoch, one, {})
    position = world.save(audit, plan)
    plan.intend_action(context(), epoch, other, {})
    plan.fail_action(context(), epoch, other, Cause("x.y"))
    world.save(plan)
    return position


@pytest.fixture
def cloud(event_database: str, event_log: SqlEventLog) -> Iterator[Cloud]:
    with World(event_database, event_log) as world:
        model = ClusterModel.open(context(), "default", "compute")
        first = collected(world, model, s1="c1", s2="c1", s3="c2")
        moved = migrated(world)
        yield Cloud(first, moved, collected(world, model, s1="c2", s2="c1", s4="c3"))


def found(cli: Cli, expression: str, *words: str, code: int = 0) -> object:
    return json.loads(cli.ends(code, "bisect", expression, *words, "--json"))["position"]


def test_a_fact_of_the_cloud_changes_by_a_collection_or_by_a_migration(
    cli: Cli, cloud: Cloud
) -> None:
    assert found(cli, 'server["vm-1"].host == "c1"') == cloud.first
    for condition in (
        'server["vm-1"].host == "c2"',
        f'server["{id_of("vm-1")}"].host != "c1" and len(host["c1"].servers) == 1',
        'host["c2"].vcpus.percent > 20',
        'host["c2"].allocated_percent > 20 and "vm-3" in host["c2"].servers',
    ):
        assert found(cli, condition, "--since", str(cloud.first + 1)) == cloud.moved, condition
    assert found(cli, 'server["vm-2"].host == "c2"', code=1) is None, "it failed"
    assert found(cli, "cluster.hosts == 3") == cloud.second
    assert found(cli, 'server["vm-4"].host == "c3" and server["vm-3"].id == null') == cloud.second


def test_the_cloud_at_two_moments_is_compared_host_by_host(cli: Cli, cloud: Cloud) -> None:
    c1, c2 = json.loads(cli.text("diff", "--cluster", f"{cloud.first}..{cloud.moved}", "--json"))[
        "hosts"
    ]
    assert (c1["went"], c2["came"]) == ({"vm-1": "c2"}, {"vm-1": "c1"})
    assert (c1["before"]["vcpus"]["percent"], c1["after"]["vcpus"]["percent"]) == (25.0, 12.5)
    shown = cli.text("diff", "--cluster", f"{cloud.moved}..").splitlines()
    assert shown[1].startswith("hosts 2 -> 3")
    assert shown[shown.index("c2") + 2] == "  - vm-3  gone"
    assert shown[shown.index("c3  new") + 2] == "  + vm-4  new"
    assert "No cluster model" in cli.fails("diff", "--cluster", "0..1")


@pytest.mark.slow
def test_the_api_of_the_past_has_the_hosts_and_servers_of_then(cloud: Cloud) -> None:
    for position, place in ((cloud.first, "c1"), (cloud.second, "c2")):
        with served("--at", str(position)) as url:
            found = requests.get(f"{url}/v1/servers/vm-1", timeout=30).json()
            assert found["host"] == place
            hosts = requests.get(f"{url}/v1/hosts", timeout=30).json()["hosts"]
            assert [one["name"] for one in hosts][:2] == ["c1", "c2"]
            health = requests.get(f"{url}/v1/overview", timeout=30).json()["health"]
            assert [one["code"] for one in health["problems"]] == ["past"]


def resized(world: World) -> int:
    """vm-2 gets another flavor; Nova's scheduler brings it to c2."""
    audit = Audit.request(context(), ident(3), definition(name="resizing"))
    assert audit.run is not None
    action = planned("resize", id_of("vm-2"), {"flavor": "large"})
    plan = ActionPlan.propose(context(), proposal(audit.id, audit.run.id, [action]))
    plan.launch(context())
    epoch = plan.claim(context(), "applier/1", "ctl-1")
    (one,) = plan.actions
    plan.intend_action(context(), epoch, one, {})
    plan.succeed_action(context(), epoch, one, {"host": "c2"})
    return world.save(audit, plan) - 1  # the end of the plan follows


def test_a_host_that_only_the_outcome_names_is_found(
    cli: Cli, event_database: str, event_log: SqlEventLog
) -> None:
    with World(event_database, event_log) as world:
        first = collected(world, ClusterModel.open(context(), "default", "compute"), s2="c1")
        ended = resized(world)
    since = ("--since", str(first + 1))
    assert found(cli, '"vm-2" in host["c2"].servers', *since) == ended
    assert found(cli, 'server["vm-2"].flavor == "large"', *since) == ended
    assert found(cli, "cluster.hosts_in_use == 1") == first
