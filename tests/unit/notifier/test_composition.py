"""What notifications say: states before and after, faults, order, ids."""

from typing import Any

import pytest

from domain.audits import Audit
from domain.kernel.reasons import CANCELLED_BY_USER, Cause
from tests.given import context
from tests.unit.notifier import lives
from tests.world.notifications import composed
from tests.world.world import World


def data(payload: Any) -> dict[str, Any]:
    """The fields of a versioned object."""
    found: dict[str, Any] = payload["watcher_object.data"]
    return found


def types(world: World, about: object, *, after: int = 0) -> list[str]:
    """The types of the notifications about an object, in order."""
    return [one.event_type for one in composed(world.log, after=after) if one.about == about]


def updates(world: World, about: object) -> list[tuple[str | None, str | None]]:
    """The transitions that the updates of an object report."""
    return [
        (data(data(one.payload)["state_update"])["old_state"], data(one.payload)["state"])
        for one in composed(world.log)
        if one.about == about and one.event_type.endswith(".update")
    ]


def test_a_run_starts_its_strategy_once_and_ends_it_once(world: World) -> None:
    audit, _ = lives.plan(world.log, 1)
    assert types(world, audit.id) == [
        "audit.create",
        "audit.update",
        "audit.strategy.start",
        "audit.strategy.end",
        "audit.planner.start",
        "audit.planner.end",
        "audit.update",
    ]
    assert updates(world, audit.id) == [("PENDING", "ONGOING"), ("ONGOING", "SUCCEEDED")]


def test_a_run_that_another_engine_takes_over_starts_its_strategy_once(world: World) -> None:
    audit = lives.audit(world.log, 1)
    assert audit.run is not None
    run = audit.run.id
    audit.claim_run(context(2), run, "engine/1", "host-1")
    lost = Cause("owner-lost", {"owner": "engine/1", "successor": "engine/2"}, "lost")
    epoch = audit.claim_run(context(3), run, "engine/2", "host-2", takeover=lost)
    audit.fail_run(context(4), run, epoch, lives.STRATEGY_BROKE)
    world.log.save(audit)
    found = types(world, audit.id)
    assert found.count("audit.strategy.start") == found.count("audit.strategy.error") == 1
    assert updates(world, audit.id) == [
        ("PENDING", "ONGOING"),
        (None, "ONGOING"),  # the state did not change
        ("ONGOING", "FAILED"),
    ]


def test_the_strategy_ends_in_the_state_in_which_it_ran(world: World) -> None:
    audit, _ = lives.plan(world.log, 1)
    states = {
        one.event_type: data(one.payload)["state"]
        for one in composed(world.log)
        if one.about == audit.id
    }
    assert states["audit.strategy.start"] == states["audit.strategy.end"] == "ONGOING"
    assert states["audit.planner.end"] == "ONGOING"


@pytest.mark.parametrize(
    ("because", "ends"),
    [
        (lives.STRATEGY_BROKE, ["audit.strategy.error"]),
        (lives.PLAN_REFUSED, ["audit.strategy.end", "audit.planner.start", "audit.planner.error"]),
    ],
)
def test_the_fault_names_what_failed_and_why(world: World, because: Cause, ends: list[str]) -> None:
    audit = lives.failed_run(world.log, 1, because)
    sent = [one for one in composed(world.log) if one.about == audit.id]
    assert [one.event_type for one in sent][-len(ends) - 1 :] == [*ends, "audit.update"]
    fault = data(data(sent[-2].payload)["fault"])
    assert fault["exception"] == because.reason
    assert fault["exception_message"] == str(because)
    assert fault["function_name"] == "audit.run-failed"


def test_only_errors_have_a_fault(world: World) -> None:
    lives.every_life(world.log)
    for one in composed(world.log):
        fault = data(one.payload).get("fault")
        assert (fault is not None) == one.event_type.endswith(".error"), one.event_type


def test_an_executed_plan_and_its_actions_report_each_step(world: World) -> None:
    plan = lives.executed(world.log, 1, None, lives.FAILED)
    assert types(world, plan.id) == [
        "action_plan.create",
        "action_plan.update",
        "action_plan.update",
        "action_plan.execution.start",
        "action_plan.update",
        "action_plan.execution.error",
    ]
    assert updates(world, plan.id) == [
        ("RECOMMENDED", "PENDING"),
        ("PENDING", "ONGOING"),
        ("ONGOING", "FAILED"),
    ]
    _, second = plan.actions
    assert types(world, second) == [
        "action.create",
        "action.update",
        "action.execution.start",
        "action.update",
        "action.execution.error",
    ]
    assert updates(world, second) == [("PENDING", "ONGOING"), ("ONGOING", "FAILED")]


def test_a_cancelled_plan_reports_its_cancellation_and_those_of_its_actions(world: World) -> None:
    plan = lives.cancelled(world.log, 1, first=None)
    assert types(world, plan.id)[-4:] == [
        "action_plan.update",
        "action_plan.cancel.start",
        "action_plan.update",
        "action_plan.cancel.end",
    ]
    _, second = plan.actions
    assert types(world, second) == [
        "action.create",
        "action.cancel.start",
        "action.update",
        "action.cancel.end",
    ]
    assert updates(world, second) == [("PENDING", "CANCELLED")]


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        (lives.ABORTED, ["cancel.end"]),
        (None, ["execution.end", "cancel.end"]),
        (lives.FAILED, ["cancel.error"]),
    ],
)
def test_each_cancellation_that_starts_ends(
    world: World, outcome: Cause | None, ends: list[str]
) -> None:
    plan = lives.cancelled_too_late(world.log, 1, outcome)
    for kind, about in (("action_plan", plan.id), ("action", *plan.actions)):
        found = types(world, about)
        assert found.count(f"{kind}.cancel.start") == 1
        assert found[-len(ends) :] == [f"{kind}.{one}" for one in ends]


def test_a_plan_that_was_never_started_is_cancelled_by_an_update_only(world: World) -> None:
    _, plan = lives.plan(world.log, 1)
    end = world.log.end()
    plan.cancel(context(9), Cause(CANCELLED_BY_USER))
    world.log.save(plan)
    assert types(world, plan.id, after=end) == ["action_plan.update"]


def test_a_deleted_plan_takes_its_actions_along(world: World) -> None:
    plan = lives.executed(world.log, 1, None)
    end = world.log.end()
    plan.delete(context(20))
    world.log.save(plan)
    sent = composed(world.log, after=end)
    assert [one.event_type for one in sent] == [
        "action.delete",
        "action_plan.update",
        "action_plan.delete",
    ]
    for one in sent:
        assert data(one.payload)["state"] == "DELETED"
        assert data(one.payload)["deleted_at"] == "2026-11-24T12:00:20Z"


def test_a_payload_shows_the_moment_of_its_event_not_today(world: World) -> None:
    """Sent an hour late, a notification must not show what became of the object since."""
    audit, plan = lives.plan(world.log, 1)
    audit.change(context(30), {"name": "renamed"})
    world.log.save(audit)
    plan.cancel(context(31), Cause(CANCELLED_BY_USER))
    world.log.save(plan)
    created = next(one for one in composed(world.log) if one.event_type == "action_plan.create")
    assert data(created.payload)["state"] == "RECOMMENDED"
    assert data(data(created.payload)["audit"])["name"] == "audit 1"


def test_a_goal_is_shown_as_it_was_registered(world: World) -> None:
    lives.catalogue(world.log)
    audit = lives.audit(world.log, 1)
    (created,) = [one for one in composed(world.log) if one.about == audit.id]
    goal = data(data(created.payload)["goal"])
    assert (goal["name"], goal["display_name"]) == ("server_consolidation", "Server_Consolidation")
    assert goal["created_at"] == "2026-11-24T12:00:00Z"


def test_ids_differ_within_a_log_and_stay_the_same(world: World) -> None:
    lives.every_life(world.log)
    first, second = composed(world.log), composed(world.log)
    assert len({one.message_id for one in first}) == len(first)
    assert first == second


def test_the_level_leaves_out_what_is_below_it(world: World) -> None:
    lives.every_life(world.log)
    everything = composed(world.log)
    errors = [one for one in everything if one.priority == "ERROR"]
    warnings = [one for one in everything if one.priority in {"ERROR", "WARN"}]
    assert len(warnings) > len(errors) > 0
    assert composed(world.log, level="error") == errors
    assert composed(world.log, level="warning") == warnings
    assert composed(world.log, level="critical") == []
    assert composed(world.log, level="debug") == everything


def test_a_later_change_of_an_audit_that_nobody_sees_is_no_update(world: World) -> None:
    audit: Audit = lives.audit(world.log, 1)
    assert types(world, audit.id) == ["audit.create"]  # the request of its run is no change


def test_a_service_that_fails_is_a_warning_and_its_return_is_not(world: World) -> None:
    service = lives.service(world.log)
    failed, returned = [one for one in composed(world.log) if one.about == service.id]
    assert (failed.priority, returned.priority) == ("WARN", "INFO")
    shown = data(failed.payload)
    assert (shown["sevice_host"], shown["name"]) == ("host-1", "watcher-applier")
    assert shown["last_seen_up"] == "2026-11-24T12:00:50Z"
    assert data(shown["status_update"]) == {"old_state": "ACTIVE", "state": "FAILED"}
    assert data(data(returned.payload)["status_update"]) == {
        "old_state": "FAILED",
        "state": "ACTIVE",
    }
