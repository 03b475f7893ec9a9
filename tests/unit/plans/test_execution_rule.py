"""The execution rule ANY, and that no rule leaves an action pending under a plan that has ended."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.reasons import OWNER_RETIRED, Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import ActionPlan, ActionState, PlanState, Proposal
from domain.plans.action import ENDED
from domain.plans.execution_rule import ExecutionRule
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.reasons import (
    ALTERNATIVE_NOT_NEEDED,
    MIGRATION_FAILED,
    REQUIREMENT_FAILED,
    SERVER_NOT_FOUND,
)
from tests.given import context, ident

BROKEN = Cause(MIGRATION_FAILED, {"migration": "m", "server": "s", "status": "error"})
GONE = Cause(SERVER_NOT_FOUND, {"server": "s"})
DONE, FAILED = ActionState.SUCCEEDED, ActionState.FAILED
SKIPPED, CANCELLED = ActionState.SKIPPED, ActionState.CANCELLED
ANY = ExecutionRule.ANY


def planned(parents: tuple[int, ...] = (), requires: tuple[int, ...] = ()) -> PlannedAction:
    parameters: dict[str, object] = {"message": "hi", "resource_name": "vm-1"}
    action = ProposedAction("nop", "r", parameters, Cause(FREES_HOST))
    return PlannedAction(action, parents, requires)


def claimed(
    *actions: PlannedAction, rule: ExecutionRule = ANY
) -> tuple[ActionPlan, int, list[UUID]]:
    proposal = Proposal(ident(1), ident(2), "dummy", "dummy", "weight", "d" * 64, "e" * 64, actions)
    plan = ActionPlan.propose(context(), proposal)
    plan.launch(context(1))
    return plan, plan.claim(context(2), "a", "h", rule=rule), list(plan.actions)


def finish(plan: ActionPlan, epoch: int, action: UUID, state: ActionState) -> None:
    if state is SKIPPED:
        plan.skip_action(context(3), epoch, action, GONE)
        return
    plan.intend_action(context(3), epoch, action, {})
    if state is FAILED:
        plan.fail_action(context(4), epoch, action, BROKEN)
    else:
        plan.succeed_action(context(4), epoch, action, {})


def states(plan: ActionPlan) -> list[ActionState]:
    return [one.state for one in plan.actions.values()]


@pytest.mark.parametrize("first", [DONE, SKIPPED])
def test_an_alternative_is_skipped_with_what_follows_if_the_first_did_not_fail(
    first: ActionState,
) -> None:
    """The predecessor left them PENDING under a plan that had SUCCEEDED."""
    plan, epoch, (one, two, three) = claimed(planned(), planned((0,)), planned((1,)))
    finish(plan, epoch, one, first)
    assert states(plan) == [first, SKIPPED, SKIPPED]
    assert plan.state is PlanState.SUCCEEDED
    because = [plan.actions[action].because for action in (two, three)]
    assert [cause and cause.reason for cause in because] == [ALTERNATIVE_NOT_NEEDED] * 2
    assert str(because[0]).startswith("nop vm-1 did not fail")


def test_an_alternative_is_executed_if_the_first_failed() -> None:
    plan, epoch, (one, two) = claimed(planned(), planned((0,)))
    finish(plan, epoch, one, FAILED)
    assert [action.spec.id for action in plan.ready()] == [two]
    finish(plan, epoch, two, DONE)
    assert (states(plan), plan.state) == ([FAILED, DONE], PlanState.FAILED)


def test_always_executes_what_follows_a_failure() -> None:
    plan, epoch, (one, two) = claimed(planned(), planned((0,)), rule=ExecutionRule.ALWAYS)
    finish(plan, epoch, one, FAILED)
    assert [action.spec.id for action in plan.ready()] == [two]


@pytest.mark.parametrize("rule", ExecutionRule)
def test_no_rule_executes_what_requires_a_failed_action(rule: ExecutionRule) -> None:
    """A failed move made no room; the predecessor executed the next move all the same."""
    plan, epoch, (one, two) = claimed(planned(), planned((0,), (0,)), rule=rule)
    finish(plan, epoch, one, FAILED)
    assert states(plan) == [FAILED, CANCELLED]
    because = plan.actions[two].because
    assert because is not None
    assert because.reason == REQUIREMENT_FAILED
    assert "nop vm-1" in str(because), "by name, not by the uuid of an action"


def test_an_alternative_to_a_cancelled_action_is_skipped() -> None:
    plan, epoch, (one, *_) = claimed(planned(), planned((0,), (0,)), planned((1,)))
    finish(plan, epoch, one, FAILED)
    assert states(plan) == [FAILED, CANCELLED, SKIPPED]
    assert plan.state is PlanState.FAILED


def test_a_plan_keeps_the_rule_of_its_first_claim() -> None:
    plan, _, _ = claimed(planned(), planned((0,)))
    takeover = Cause(OWNER_RETIRED, {"owner": "a", "successor": "b"})
    plan.claim(context(3), "b", "h", takeover=takeover, rule=ExecutionRule.ALWAYS)
    assert plan.execution_rule is ANY


@given(st.data(), st.sampled_from(ExecutionRule), st.integers(1, 7))
def test_a_plan_that_has_ended_has_only_ended_actions(
    data: Any, rule: ExecutionRule, count: int
) -> None:
    actions = []
    for place in range(count):
        edges = data.draw(st.sets(st.integers(0, max(place - 1, 0)), max_size=min(place, 3)))
        parents = tuple(sorted(edges)) if place else ()
        actions.append(planned(parents, parents[:1] if data.draw(st.booleans()) else ()))
    plan, epoch, _ = claimed(*actions, rule=rule)
    while ready := plan.ready():
        state = data.draw(st.sampled_from([DONE, FAILED, SKIPPED]))
        finish(plan, epoch, data.draw(st.sampled_from(ready)).spec.id, state)
    assert plan.state in {PlanState.SUCCEEDED, PlanState.FAILED}
    assert ENDED.issuperset(states(plan))
    assert (plan.state is PlanState.SUCCEEDED) == {DONE, SKIPPED}.issuperset(states(plan))
