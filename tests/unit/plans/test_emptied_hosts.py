"""A host is disabled only with what empties it: what a plan does if servers stay on its hosts."""

from typing import Any
from uuid import UUID

import pytest

from domain.cluster.compute.disabled_reasons import (
    DISABLED_BY_CONSOLIDATION,
    DISABLED_BY_RESOURCE_CONSOLIDATION,
)
from domain.kernel.aggregate import Event
from domain.kernel.reasons import OWNER_LOST, Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import ActionPlan, ActionState, PlanState
from domain.plans.action_types.migrate import ALREADY_AT_DESTINATION
from domain.plans.emptied_hosts import HOST_KEEPS_SERVERS, SERVERS_LEFT, SERVERS_LEFT_ON_DISABLED
from domain.plans.events import ActionAdded
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.reasons import MIGRATION_FAILED, SOME_ACTIONS_SKIPPED
from tests.given import context, replayed
from tests.unit.plans.test_action_plan import proposed

BROKEN = Cause(MIGRATION_FAILED, {"migration": "m", "server": "s", "status": "error"})
MOVED = Cause(ALREADY_AT_DESTINATION, {"server": "s", "host": "c9"})
WHY = Cause(FREES_HOST)
LOST = Cause(OWNER_LOST, {"owner": "a", "successor": "b"})


def move(server: str, host: str, *parents: int) -> PlannedAction:
    ends: dict[str, object] = {"source_node": host, "destination_node": "c9"}
    return PlannedAction(ProposedAction("migrate", server, ends, WHY), parents)


def switch(
    host: str,
    state: str = "disabled",
    reason: str = DISABLED_BY_CONSOLIDATION,
    parents: tuple[int, ...] = (),
    requires: tuple[int, ...] = (),
) -> PlannedAction:
    given: dict[str, object] = {"state": state, "resource_name": host}
    if state == "disabled":
        given["disabled_reason"] = reason
    action = ProposedAction("change_nova_service_state", f"id-{host}", given, WHY)
    return PlannedAction(action, parents, requires)


class Running:
    """A launched plan, of which users may have skipped some actions, under a claim."""

    def __init__(self, *actions: PlannedAction, skipped: tuple[int, ...] = ()) -> None:
        self.plan: ActionPlan = proposed(*actions)
        for place in skipped:
            self.plan.skip_by_user(context(), list(self.plan.actions)[place], None)
        self.plan.launch(context(1))
        self.epoch = self.plan.claim(context(2), "applier-a", "host-a")

    def id(self, place: int) -> UUID:
        return list(self.plan.actions)[place]

    def start(self, place: int) -> None:
        self.plan.intend_action(context(3), self.epoch, self.id(place), {"before": {}})

    def succeed(self, place: int, **facts: object) -> None:
        self.start(place)
        self.plan.succeed_action(context(4), self.epoch, self.id(place), facts)

    def fail(self, place: int) -> None:
        self.start(place)
        self.plan.fail_action(context(4), self.epoch, self.id(place), BROKEN)

    def skip(self, place: int) -> None:
        self.plan.skip_action(context(4), self.epoch, self.id(place), MOVED)

    def cancel(self) -> None:
        self.plan.move(context(3), PlanState.CANCELLING)
        self.plan.stop(context(3), self.epoch)

    def state(self) -> PlanState:
        return self.plan.state

    def states(self) -> list[str]:
        return [action.state for action in self.plan.actions.values()]

    def added(self) -> dict[str, Any]:
        """The parameters of the only action that the plan added."""
        (found,) = (one for one in self.plan.actions.values() if one.restores)
        assert found.spec.because.reason == HOST_KEEPS_SERVERS
        return found.spec.parameters


class TestDisabledAfterTheMoves:
    """The order of the weight planner."""

    ACTIONS = (move("s", "c1"), move("t", "c1"), switch("c1", parents=(0, 1), requires=(0, 1)))

    def test_an_emptied_host_is_disabled(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0)
        running.skip(1)  # its server is elsewhere already
        running.succeed(2, servers=0)
        assert running.state() is PlanState.SUCCEEDED
        assert running.plan.because == Cause(SOME_ACTIONS_SKIPPED, {"skipped": 1})

    def test_a_move_that_fails_keeps_the_host_enabled(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0)
        running.fail(1)
        assert running.states() == ["SUCCEEDED", "FAILED", "CANCELLED"]
        assert running.state() is PlanState.FAILED
        because = running.plan.because
        assert because is not None
        assert because.reason == SERVERS_LEFT
        assert because.facts["hosts"] == "c1"

    @pytest.mark.parametrize("skipped", [(0,), (0, 1)])
    def test_a_move_that_a_user_skips_keeps_the_host_enabled(
        self, skipped: tuple[int, ...]
    ) -> None:
        """With every move skipped the host was disabled with its servers; the plan SUCCEEDED."""
        running = Running(*self.ACTIONS, skipped=skipped)
        if len(skipped) == 1:
            running.succeed(1)
        assert running.states()[2] == ActionState.CANCELLED
        assert running.state() is PlanState.FAILED
        assert "Servers are left on c1" in str(running.plan.because)

    def test_a_plan_of_which_users_skip_the_disabling_too_succeeds(self) -> None:
        """Nothing was to be emptied then; skips alone do not fail a plan."""
        running = Running(*self.ACTIONS, skipped=(0, 1, 2))
        assert running.state() is PlanState.SUCCEEDED

    def test_a_cancelled_plan_does_not_disable_the_host(self) -> None:
        running = Running(*self.ACTIONS)
        running.start(0)
        running.cancel()
        running.plan.succeed_action(context(4), running.epoch, running.id(0), {})
        assert running.states() == ["SUCCEEDED", "CANCELLED", "CANCELLED"]
        assert running.state() is PlanState.CANCELLED

    def test_a_host_on_which_the_scheduler_placed_a_server_meanwhile_is_enabled_again(
        self,
    ) -> None:
        """All moves took place, but "holds no server once the plan is done" would be untrue."""
        running = Running(*self.ACTIONS)
        running.succeed(0)
        running.succeed(1)
        running.succeed(2, servers=1)
        assert running.state() is PlanState.ONGOING
        running.succeed(3)
        assert running.state() is PlanState.FAILED
        assert "Servers are left on c1, which the plan leaves in service" in str(
            running.plan.because
        )


class TestEmptyBeforeThePlan:
    """Hosts without servers, which consolidation closes without a move."""

    def test_one_that_is_still_empty_stays_disabled(self) -> None:
        running = Running(switch("c1"))
        running.succeed(0, servers=0)
        assert running.state() is PlanState.SUCCEEDED

    def test_one_that_got_a_server_meanwhile_is_enabled_again(self) -> None:
        """The plan SUCCEEDED and left the host disabled with a server."""
        running = Running(switch("c1"), move("s", "c2"), switch("c2", parents=(1,), requires=(1,)))
        running.succeed(0, servers=1)
        running.succeed(1)
        running.succeed(2, servers=0)
        assert running.added()["resource_name"] == "c1"
        running.succeed(3)
        assert running.state() is PlanState.FAILED
        assert "Servers are left on c1, which the plan leaves in service" in str(
            running.plan.because
        )

    @pytest.mark.parametrize(
        ("reason", "facts"),
        [("watcher_maintaining", {}), (DISABLED_BY_CONSOLIDATION, {"already": True})],
    )
    def test_one_that_the_plan_did_not_close_for_being_empty_is_left_alone(
        self, reason: str, facts: dict[str, Any]
    ) -> None:
        running = Running(switch("c1", reason=reason))
        running.succeed(0, servers=1, **facts)
        assert running.state() is PlanState.SUCCEEDED


class TestDisabledBeforeTheMoves:
    """The order of a strategy that wants no new servers on a host that is being emptied."""

    ACTIONS = (switch("c1"), move("s", "c1", 0), move("t", "c1", 0))

    def test_an_emptied_host_stays_disabled(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, servers=2)
        running.succeed(1)
        running.succeed(2)
        assert running.state() is PlanState.SUCCEEDED
        assert len(running.plan.actions) == 3

    @pytest.mark.parametrize(
        "reason", [DISABLED_BY_CONSOLIDATION, DISABLED_BY_RESOURCE_CONSOLIDATION]
    )
    def test_a_host_with_a_failed_move_is_enabled_again(self, reason: str) -> None:
        running = Running(switch("c1", reason=reason), *self.ACTIONS[1:])
        running.succeed(0, servers=2)
        running.succeed(1)
        running.fail(2)
        assert running.state() is PlanState.ONGOING
        assert running.added() == {
            "state": "enabled",
            "resource_name": "c1",
            "resource_id": "id-c1",
            "disabled_reason": reason,
        }
        running.succeed(3)
        assert running.state() is PlanState.FAILED
        assert running.plan.because is not None
        assert running.plan.because.reason == SERVERS_LEFT

    def test_a_host_whose_moves_a_user_skipped_is_enabled_again(self) -> None:
        running = Running(*self.ACTIONS, skipped=(1, 2))
        running.succeed(0, servers=2)
        running.succeed(3)
        assert running.state() is PlanState.FAILED
        assert running.plan.because is not None
        assert running.plan.because.reason == SERVERS_LEFT

    def test_a_cancelled_plan_enables_the_host_again_and_is_cancelled_then(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, servers=2)
        running.start(1)
        running.cancel()
        running.plan.succeed_action(context(4), running.epoch, running.id(1), {})
        assert running.state() is PlanState.CANCELLING
        assert [one.spec.id for one in running.plan.ready()] == [running.id(3)]
        running.plan.stop(context(5), running.epoch)  # the request is carried out once more
        running.succeed(3)
        assert running.states() == ["SUCCEEDED", "SUCCEEDED", "CANCELLED", "SUCCEEDED"]
        assert running.state() is PlanState.CANCELLED

    def test_a_plan_that_is_cancelled_while_it_enables_again_goes_on_with_that(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, servers=2)
        running.fail(1)
        running.succeed(2)
        running.cancel()
        running.succeed(3)
        assert running.state() is PlanState.FAILED, "the request reached no action"

    def test_the_successor_of_a_lost_applier_enables_the_host_again(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, servers=2)
        running.fail(1)
        running.succeed(2)
        running.start(3)
        running.epoch = running.plan.claim(context(5), "applier-b", "host-b", takeover=LOST)
        assert [one.spec.id for one in running.plan.ongoing()] == [running.id(3)]
        running.plan.succeed_action(context(6), running.epoch, running.id(3), {})
        assert running.state() is PlanState.FAILED
        assert len(running.plan.actions) == 4, "it is added once"

    def test_a_host_that_cannot_be_enabled_again_is_named_and_not_tried_for_ever(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, servers=2)
        running.fail(1)
        running.succeed(2)
        running.fail(3)
        assert running.state() is PlanState.FAILED
        because = running.plan.because
        assert because is not None
        assert because.reason == SERVERS_LEFT_ON_DISABLED
        assert because.facts["disabled"] == "c1"

    def test_a_cancelled_plan_names_a_host_that_it_could_not_enable_again(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, servers=2)
        running.cancel()
        running.fail(3)
        assert running.state() is PlanState.CANCELLED
        assert "disabled by the plan: c1" in str(running.plan.because)

    def test_a_host_that_is_to_be_maintained_stays_disabled_and_is_named(self) -> None:
        running = Running(switch("c1", reason="watcher_maintaining"), *self.ACTIONS[1:])
        running.succeed(0, servers=2)
        running.succeed(1)
        running.fail(2)
        assert running.state() is PlanState.FAILED
        assert "disabled by the plan: c1" in str(running.plan.because)

    def test_a_host_that_others_had_disabled_is_left_to_them(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, already=True, servers=2)
        running.fail(1)
        running.succeed(2)
        assert running.state() is PlanState.FAILED
        assert len(running.plan.actions) == 3

    def test_a_host_that_the_plan_itself_enables_later_is_not_enabled_twice(self) -> None:
        running = Running(*self.ACTIONS, switch("c1", "enabled", parents=(1, 2)))
        running.succeed(0, servers=2)
        running.fail(1)
        running.succeed(2)
        running.succeed(3)
        assert running.state() is PlanState.FAILED
        assert len(running.plan.actions) == 4

    def test_the_events_fold_to_the_same_plan(self) -> None:
        running = Running(*self.ACTIONS)
        running.succeed(0, servers=2)
        running.fail(1)
        running.succeed(2)
        events = [one for one in running.plan.collect_events() if isinstance(one, Event)]
        assert isinstance(events[-1], ActionAdded)
        again = replayed(events)
        assert isinstance(again, ActionPlan)
        assert again.actions == running.plan.actions
