"""host_maintenance: the conformance vectors, and what it does about their undesirable parts."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest

from application.kernel.typed_values import typed
from domain.cluster.compute.records import HostRow, ServerRow
from domain.kernel.errors import InvalidValue
from domain.optimization.context import StepBudget, StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.host_maintenance import (
    BACKUP_NOT_USED,
    MAINTENANCE_INCOMPLETE,
    HostMaintenance,
    MaintenanceParameters,
)
from tests.unit.cluster.build import host, model, server
from tests.world.optimization import strategy_context, weigh
from tests.world.plugins import STRATEGIES
from vigil.testing import StrategyConformance, generated_cluster

MAINTENANCE = STRATEGIES["host_maintenance"]
STATES = ("active", "paused", "stopped", "error", "shelved")
FIVE = [server(number, 0, state=state) for number, state in enumerate(STATES)]
USUAL = [host(0), host(1), host(2)]


class TestHostMaintenance(StrategyConformance):
    strategy = HostMaintenance
    parameters: ClassVar[Mapping[str, object]] = {
        "maintenance_node": generated_cluster()["hosts"][0]["name"]
    }

    def test_an_empty_cloud_is_no_error(self) -> None:
        """But the parameters name a host that it does not have."""
        with pytest.raises(InvalidValue):
            super().test_an_empty_cloud_is_no_error()


def context(
    hosts: Sequence[HostRow], servers: Sequence[ServerRow], **parameters: object
) -> StrategyContext[MaintenanceParameters]:
    cloud = model(list(hosts), list(servers))
    given = {"maintenance_node": "c0", **parameters}
    return strategy_context(MAINTENANCE, cloud, parameters=given)


def solve(hosts: Sequence[HostRow], servers: Sequence[ServerRow], **parameters: object) -> Solution:
    found: Solution = MAINTENANCE.solve(context(hosts, servers, **parameters))
    return found


def brief(solution: Solution) -> list[str]:
    """The actions in plan order."""
    found = []
    for planned in weigh(solution):
        action, given = planned.action, planned.action.parameters
        match action.type:
            case "migrate":
                found.append(f"{given['resource_name']} {given['migration_type']}")
            case "change_nova_service_state":
                found.append(f"{given['state']} {given['resource_name']}")
            case kind:
                found.append(f"{kind} {action.resource_id}")
    return found


def test_vector_h1_only_what_nova_migrates_is_migrated() -> None:
    """The original also migrates paused, failed and shelved servers cold, which Nova refuses."""
    solution = solve(USUAL, FIVE)
    assert brief(solution) == ["disabled c0", "vm0 live", "vm2 cold"]
    closing = solution.actions[0]
    assert closing.resource_id == "h0"
    assert closing.parameters["disabled_reason"] == "watcher_maintaining"
    assert [note.reason for note in solution.notes] == [MAINTENANCE_INCOMPLETE]
    assert solution.notes[0].facts["left"] == 3


def test_vector_h2_the_backup_is_enabled_and_gets_all() -> None:
    spare = [host(0), host(1), host(2, status="disabled")]
    solution = solve(spare, FIVE, backup_node="c2")
    assert brief(solution) == ["enabled c2", "disabled c0", "vm0 live", "vm2 cold"]
    destinations = {action.parameters.get("destination_node") for action in solution.actions}
    assert destinations == {None, "c2"}


def test_moves_to_a_backup_that_could_not_be_opened_are_cancelled() -> None:
    spare = [host(0), host(1, status="disabled")]
    planned = weigh(solve(spare, [server(0, 0)], backup_node="c1"))
    assert [one.action.type for one in planned][-1] == "migrate"
    assert planned[-1].requires == (0,)


def test_vector_h3_without_any_migration_active_servers_are_stopped() -> None:
    never = {"disable_live_migration": True, "disable_cold_migration": True}
    assert brief(solve(USUAL, FIVE, **never)) == ["disabled c0", "stop s0"]


def test_vector_h4_without_live_migration_all_move_cold() -> None:
    solution = solve(USUAL, FIVE, disable_live_migration=True)
    assert brief(solution) == ["disabled c0", "vm0 cold", "vm2 cold"]


def test_vector_h5_an_empty_host_in_maintenance_is_not_closed_again() -> None:
    closed = host(0, status="disabled", disabled_reason="watcher_maintaining")
    assert brief(solve([closed, host(1)], [])) == []


def test_a_backup_that_is_too_small_is_named_and_not_opened() -> None:
    """The original ignores it silently."""
    small = host(2, memory_mb=3000, status="disabled")
    solution = solve([host(0), host(1), small], [server(0, 0), server(1, 0)], backup_node="c2")
    assert brief(solution) == ["disabled c0", "vm0 live", "vm1 live"]
    note = solution.notes[1]
    assert note.reason == BACKUP_NOT_USED
    assert (note.facts["server"], note.facts["rule"]) == ("vm1", "capacity-short")


@pytest.mark.parametrize("parameter", ["maintenance_node", "backup_node"])
def test_a_host_that_does_not_exist_is_refused(parameter: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        solve(USUAL, FIVE, **{parameter: "c9"})
    assert caught.value.field == parameter
    assert "'c9'" in caught.value.rule


def test_a_host_cannot_be_its_own_backup() -> None:
    given = typed({"maintenance_node": "c0", "backup_node": "c0"}, MaintenanceParameters)
    with pytest.raises(InvalidValue) as caught:
        MAINTENANCE.requirements(given)
    assert caught.value.field == "backup_node"


def test_a_move_says_how_full_its_destination_becomes_and_which_emptier_host_was_refused() -> None:
    hosts = [host(0), host(1, status="disabled"), host(2)]
    solution = solve(hosts, [server(0, 0, vcpus=4), server(1, 2, vcpus=8), server(2, 0)])
    facts = solution.actions[1].because.facts
    figures = {key: facts[key] for key in ("left", "resource", "before", "after", "refused")}
    assert figures == {
        "left": 1,
        "resource": "vcpus",
        "before": 50.0,
        "after": 75.0,
        "refused": [{"reason": "host-disabled", "host": "c1"}],
    }


def test_a_run_without_steps_left_closes_the_host_and_says_what_stays() -> None:
    cloud = model(USUAL, [server(0, 0), server(1, 0)])
    found = StrategyContext(
        parameters=MaintenanceParameters("c0"), compute=cloud, budget=StepBudget(1)
    )
    solution = MAINTENANCE.solve(found)
    assert brief(solution)[0] == "disabled c0"
    assert solution.notes[0].reason == MAINTENANCE_INCOMPLETE
    details = [str(one.because.facts["detail"]) for one in found.alternatives.kept]
    assert set(details) == {"the step budget was spent"}
