"""What executed actions change in a recorded model."""

from dataclasses import replace
from typing import Any

import pytest

from application.replay.executed_actions import ExecutedAction
from application.replay.model_after import ModelAfter
from domain.cluster.compute.flavor import Flavor, flavor_record
from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans.action import ActionSpec
from tests.given import ident
from tests.world.plugins import ACTION_TYPES
from tests.world.values import host, id_of, server

LARGE: dict[str, Any] = {"flavor": "large", "vcpus": 8, "memory_mb": 16384, "disk_gb": 80}


def model() -> ComputeModel:
    """vm-1 and vm-2 on c1, vm-3 with a large flavor on c2, none on c3, which is down."""
    hosts = [host("c1"), host("c2"), replace(host("c3"), state="down")]
    servers = [server("vm-1", "c1"), server("vm-2", "c1"), replace(server("vm-3", "c2"), **LARGE)]
    return ComputeModel.build(hosts, servers)[0]


def action(
    kind: str, resource: str, observed: dict[str, object], **parameters: object
) -> ExecutedAction:
    given = {"resource_id": id_of(resource), **parameters}
    spec = ActionSpec(ident(1), kind, given, (), (), Cause(FREES_HOST))
    return ExecutedAction(7, spec, observed)


def migration(
    observed: dict[str, object], destination: str | None, kind: str = "live"
) -> ExecutedAction:
    source = {"migration_type": kind, "source_node": "c1"}
    return action("migrate", "vm-1", observed, **source, destination_node=destination)


def switch(kind: str, state: str, place: str = "c1") -> ExecutedAction:
    return action(kind, place, {"status": state}, resource_name=place, state=state)


MOVES = {
    "live, as planned": (migration({"host": "c2", "status": "completed"}, "c2"), "c2"),
    "live, nothing observed": (migration({}, "c2"), "c2"),
    "live, to another host": (migration({"host": "c3"}, "c2"), "c3"),
    "cold, to a host that Nova chose": (migration({"host": "c2"}, None, "cold"), "c2"),
    "cold, as planned": (migration({"host": "c2", "status": "confirmed"}, "c2", "cold"), "c2"),
    "resized": (action("resize", "vm-1", {"host": "c2"}, flavor="large"), "c2"),
    "to an unknown host": (migration({"host": "c9"}, "c9"), None),
    "shelved, off its host": (action("shelve", "vm-1", {"status": "SHELVED_OFFLOADED"}), None),
    "deleted": (action("delete", "vm-1", {"status": "DELETED"}), None),
    "deleted softly": (action("delete", "vm-1", {"status": "SOFT_DELETED"}), None),
}


@pytest.mark.parametrize(("done", "at"), MOVES.values(), ids=MOVES.keys())
def test_a_server_is_where_it_was_observed(done: ExecutedAction, at: str | None) -> None:
    after = ModelAfter(model(), ACTION_TYPES)
    changed = after.add(done)
    now = after.model()
    names = now.hosts.name
    assert {names[one] for one in changed} == {"c1"} | ({at} & set(names))
    where = {ident: names[now.servers.host[row]] for ident, row in now.server_places.items()}
    assert where.pop(id_of("vm-1"), None) == at
    assert where == {id_of("vm-2"): "c1", id_of("vm-3"): "c2"}


def test_a_server_that_stays_on_its_host_changes_its_host_only_by_its_size() -> None:
    after = ModelAfter(model(), ACTION_TYPES)
    assert after.add(action("shelve", "vm-1", {"status": "SHELVED"})) == frozenset()
    assert after.add(migration({"host": "c1"}, "c1")) == frozenset()
    assert after.add(action("resize", "vm-1", {"host": "c1"}, flavor="large")) == {0}


def test_a_resized_server_has_the_size_of_others_with_its_flavor() -> None:
    before, after = model(), ModelAfter(model(), ACTION_TYPES)
    after.add(action("resize", "vm-1", {"host": "c3"}, flavor="large"))
    now = after.model()
    assert Flavor.of(now.servers, now.server_places[id_of("vm-1")]).memory_mb == 16384
    used = now.allocated[now.resources.index("memory_mb")]
    assert used.tolist()[2] == 16384
    assert used.sum() > before.allocated[before.resources.index("memory_mb")].sum()
    after.add(action("resize", "vm-2", {"host": "c1"}, flavor="unknown"))
    now = after.model()
    assert Flavor.of(now.servers, now.server_places[id_of("vm-2")]) == replace(
        Flavor.of(before.servers, before.server_places[id_of("vm-2")]), name="unknown"
    )


def test_hosts_are_enabled_disabled_and_switched() -> None:
    after = ModelAfter(model(), ACTION_TYPES)
    assert after.add(switch("change_nova_service_state", "disabled")) == {0}
    assert after.add(switch("change_node_power_state", "off", "c2")) == {1}
    assert after.add(switch("change_node_power_state", "on", "c3")) == {2}
    now = after.model()
    assert now.enabled.tolist() == [False, True, True]
    assert now.up.tolist() == [True, False, True]
    after.add(switch("change_nova_service_state", "enabled"))
    assert after.model().enabled.all()


def test_states_of_servers_change_and_what_is_not_known_changes_nothing() -> None:
    after = ModelAfter(model(), ACTION_TYPES)
    assert after.add(action("stop", "vm-1", {"status": "SHUTOFF"})) == frozenset()
    for odd in (
        action("migrate", "vm-9", {"host": "c2"}, source_node="c1", destination_node="c2"),
        action("acme.unknown", "vm-2", {"host": "c2"}),
        action("nop", "vm-2", {}, message="hello"),
        switch("change_nova_service_state", "disabled", "c9"),
    ):
        assert after.add(odd) == frozenset()
    now = after.model()
    assert now.servers.state[now.server_places[id_of("vm-1")]] == "stopped"
    assert now.servers_per_host.tolist() == [2, 1, 0]
    assert len(now.servers) == 3


def test_steps_that_a_decision_began_with_are_changes_too() -> None:
    after = ModelAfter(model(), ACTION_TYPES)
    after.replay(
        [
            ["move", id_of("vm-1"), id_of("c2")],
            ["resize", id_of("vm-2"), flavor_record(Flavor("tiny", 1, 512))],
            ["stop", id_of("vm-3")],
            ["disable", id_of("c1")],
            ["power-on", id_of("c3")],
            ["move-volume", "v", "pool"],
        ]
    )
    now = after.model()
    assert now.servers_per_host.tolist() == [1, 2, 0]
    assert now.servers.memory_mb[now.server_places[id_of("vm-2")]] == 512
    assert now.servers.state[now.server_places[id_of("vm-3")]] == "stopped"
    assert now.enabled.tolist() == [False, True, True]
    assert now.up.all()
