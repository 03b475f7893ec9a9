"""The inverse of each action, or why there is none."""

from collections.abc import Callable

import pytest

from application.ports.cloud import ActionHandler, Phase
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import NO_INVERSE_ACTION, NOTHING_TO_UNDO, OUTCOME_UNKNOWN
from infrastructure.openstack.actions import validate
from infrastructure.openstack.actions.base import Handler
from tests.conformance.actions.driving import Acts, end, go
from tests.conformance.actions.ground import Ground, host_of, server_of, service_of
from tests.conformance.actions.simulated import SimulatedGround
from tests.world.plugins import ACTION_TYPES, handlers

Read = Callable[[], object]


def _execute(handler: ActionHandler, parameters: JsonObject) -> ProposedAction:
    """Executes an action; returns its inverse."""
    before = go(handler, parameters)
    seen = end(handler, parameters, before, handler.start(parameters, before))
    assert seen.phase is Phase.DONE
    found = handler.compensation(parameters, before, seen.facts)
    assert isinstance(found, ProposedAction), found
    return found


def _assert_there_and_back(acts: Acts, kind: str, parameters: JsonObject, state: Read) -> None:
    """An action changes a state, its inverse restores it; the inverse of that is the action."""
    former = state()
    back = _execute(acts[kind], parameters)
    changed = state()
    assert changed != former
    assert str(back.because).startswith(f"undoes {kind} ")
    again = _execute(acts[back.type], _parameters(back))
    assert state() == former
    _execute(acts[again.type], _parameters(again))
    assert state() == changed
    _execute(acts[back.type], _parameters(back))


def _parameters(action: ProposedAction) -> JsonObject:
    return {**action.parameters, "resource_id": action.resource_id}


@pytest.mark.parametrize("kind", ["live", "cold"])
def test_a_migration_is_undone_by_one_to_the_former_host(
    ground: Ground, acts: Acts, kind: str
) -> None:
    case = ground.movable()
    parameters = case.live() if kind == "live" else case.cold()
    _assert_there_and_back(acts, "migrate", parameters, lambda: host_of(ground.nova, case.server))


def test_a_resize_is_undone_by_one_to_the_former_flavor(ground: Ground, acts: Acts) -> None:
    server, (_, flavor) = ground.movable().server, ground.bigger_flavor()
    parameters: JsonObject = {"resource_id": server, "flavor": flavor}
    _assert_there_and_back(
        acts,
        "resize",
        parameters,
        lambda: server_of(ground.nova, server)["flavor"]["original_name"],
    )


def test_a_host_is_disabled_again_with_its_former_reason(
    ground: Ground, acts: Acts, host: str
) -> None:
    def state() -> object:
        service = service_of(ground.nova, host)
        return service["status"], service["disabled_reason"]

    off: JsonObject = {"resource_id": host, "state": "disabled", "disabled_reason": "watcher_test"}
    _execute(acts["change_nova_service_state"], off)
    on: JsonObject = {"resource_id": host, "state": "enabled"}
    _assert_there_and_back(acts, "change_nova_service_state", on, state)


def test_a_state_that_others_had_set_is_not_undone(acts: Acts) -> None:
    switch = acts["change_nova_service_state"]
    before: JsonObject = {"host": "h", "status": "enabled", "disabled_reason": None}
    parameters: JsonObject = {"resource_id": "h", "state": "disabled"}
    found = switch.compensation(parameters, before, {"host": "h", "already": True})
    assert isinstance(found, Cause)
    assert found.reason == NOTHING_TO_UNDO


def test_a_host_is_enabled_again_only_while_it_is_disabled_for_the_reason_of_the_plan(
    acts: Acts,
) -> None:
    """An operator may have disabled it meanwhile, for maintenance."""
    before: JsonObject = {"host": "h", "status": "enabled", "disabled_reason": None}
    parameters: JsonObject = {
        "resource_id": "h",
        "state": "disabled",
        "disabled_reason": "watcher_disabled",
    }
    found = acts["change_nova_service_state"].compensation(parameters, before, {"host": "h"})
    assert isinstance(found, ProposedAction)
    assert found.parameters["state"] == "enabled"
    assert found.parameters["disabled_reason"] == "watcher_disabled"


def test_a_server_that_is_back_already_or_somewhere_unknown_is_not_moved(acts: Acts) -> None:
    parameters: JsonObject = {"resource_id": "s", "migration_type": "live", "source_node": "a"}
    back = acts["migrate"].compensation(parameters, {"host": "a"}, {"host": "a"})
    unknown = acts["migrate"].compensation(parameters, {"host": "a"}, {"status": "error"})
    assert isinstance(back, Cause)
    assert isinstance(unknown, Cause)
    assert (back.reason, unknown.reason) == (NOTHING_TO_UNDO, OUTCOME_UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("stop", NO_INVERSE_ACTION),
        ("shelve", NO_INVERSE_ACTION),
        ("delete", NO_INVERSE_ACTION),
        ("nop", NOTHING_TO_UNDO),
        ("sleep", NOTHING_TO_UNDO),
    ],
)
def test_an_action_without_an_inverse_says_why(acts: Acts, kind: str, reason: str) -> None:
    found = acts[kind].compensation({"resource_id": "s"}, {}, {})
    assert isinstance(found, Cause)
    assert found.reason == reason
    assert kind in str(found)


def test_handlers_abort_and_undo_what_their_declarations_say(
    simulated_ground: SimulatedGround,
) -> None:
    found = handlers(simulated_ground.connection)
    assert {
        name
        for name, handler in found.items()
        if (type(handler).abort is not Handler.abort) != handler.declaration.abortable
    } == set()
    undone: dict[str, tuple[JsonObject, JsonObject]] = {
        "migrate": ({"migration_type": "live", "source_node": "a"}, {"host": "a"}),
        "resize": ({"flavor": "large"}, {"flavor": "small"}),
        "change_nova_service_state": (
            {"state": "disabled"},
            {"host": "a", "status": "enabled", "disabled_reason": None},
        ),
        "change_node_power_state": ({"state": "off"}, {"node": "n", "state": "on"}),
        "volume_migrate": (
            {"migration_type": "migrate", "destination_node": "s@b#2"},
            {"pool": "s@b#1", "type": "fast"},
        ),
    }
    assert {name for name in found if ACTION_TYPES[name].compensable} == set(undone)
    for name, (parameters, before) in undone.items():
        given: JsonObject = {
            "resource_id": "00000000-0000-4000-8000-000000000000",
            **parameters,
        }
        inverse = found[name].compensation(given, before, {"host": "b"})
        assert isinstance(inverse, ProposedAction)
        validate(found[inverse.type], _parameters(inverse))
