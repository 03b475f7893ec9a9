"""The return plans of a plan: who may ask for one, and when a failure asks by itself."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain.kernel.errors import Refusal
from domain.kernel.ids import plan_id, return_run_id
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan, PlanState
from domain.plans.reasons import MIGRATION_FAILED
from domain.plans.returning import effects
from tests.given import context, happened, ident
from tests.world.values import migrations, proposal

BROKEN = Cause(MIGRATION_FAILED, {"migration": "m", "server": "s", "status": "error"})


def claimed(
    *, return_if_failed: bool = False, undoes: UUID | None = None, actions: int = 2
) -> ActionPlan:
    """A plan of independent moves that an applier has claimed."""
    moves = [replace(one, parents=(), requires=()) for one in migrations(actions)]
    plan = ActionPlan.propose(context(), proposal(ident(1), ident(2), moves, undoes=undoes))
    plan.launch(context(1))
    plan.claim(context(2), "applier-a", "host-a", return_if_failed=return_if_failed)
    return plan


def end(plan: ActionPlan, *outcomes: bool) -> ActionPlan:
    """Executes the actions, the last one first: whether each succeeds."""
    for number, (action, succeeds) in enumerate(zip(reversed(plan.actions), outcomes, strict=True)):
        plan.intend_action(context(3 + number), plan.epoch, action, {"before": {}})
        if succeeds:
            plan.succeed_action(context(4 + number), plan.epoch, action, {"host": "cmp-2"})
        else:
            plan.fail_action(context(4 + number), plan.epoch, action, BROKEN)
    return plan


def test_a_plan_that_failed_half_way_can_be_returned() -> None:
    plan = end(claimed(), True, False)
    plan.collect_events()
    wanted = plan.request_return(context(9))
    assert wanted == plan_id(ident(1), return_run_id(plan.id, 1))
    assert happened(plan) == ["plan.return-requested"]
    assert plan.returns.request is not None
    assert not plan.returns.request.automatic


def test_a_request_that_is_open_is_not_repeated() -> None:
    plan = end(claimed(), True, True)
    first = plan.request_return(context(9))
    plan.collect_events()
    assert plan.request_return(context(10)) == first
    assert happened(plan) == []


def test_each_return_plan_has_an_id_of_its_own() -> None:
    plan = end(claimed(), True, True)
    first = plan.request_return(context(9))
    plan.complete_return(context(10), 1)
    assert plan.request_return(context(11)) != first
    assert plan.returns.count == 2


def test_the_end_of_a_request_that_is_over_is_refused() -> None:
    """Two decision engines may compute the same return plan; one of them publishes it."""
    plan = end(claimed(), True, True)
    plan.request_return(context(9))
    plan.complete_return(context(10), 1)
    with pytest.raises(Refusal, match="is over"):
        plan.complete_return(context(11), 1)
    with pytest.raises(Refusal, match="is over"):
        plan.fail_return(context(11), 1, BROKEN)


def test_a_plan_that_is_executed_cannot_be_returned() -> None:
    with pytest.raises(Refusal, match="is ONGOING"):
        claimed().request_return(context(9))


def test_a_plan_that_sent_no_request_cannot_be_returned() -> None:
    plan = claimed()
    plan.move(context(3), PlanState.CANCELLING)
    plan.stop(context(4), plan.epoch)
    with pytest.raises(Refusal, match="nothing to undo"):
        plan.request_return(context(9))


def test_effects_are_listed_the_latest_first() -> None:
    plan = end(claimed(actions=3), True, False, True)
    assert [one.spec.id for one in effects(plan.actions.values())] == list(plan.actions)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_failure_requests_the_return_plan_if_the_applier_is_configured_so(wanted: bool) -> None:
    plan = end(claimed(return_if_failed=wanted), True, False)
    topics = happened(plan)
    assert plan.state is PlanState.FAILED
    assert topics[-1] == ("plan.return-requested" if wanted else "plan.failed")
    assert (plan.returns.request is not None and plan.returns.request.automatic) == wanted


def test_a_failed_return_plan_is_not_returned_by_itself() -> None:
    """The two plans would undo each other without end."""
    plan = end(claimed(return_if_failed=True, undoes=ident(7)), True, False)
    assert happened(plan)[-1] == "plan.failed"
    assert plan.request_return(context(9)) is not None  # but a user may ask


def test_a_failure_without_a_success_requests_nothing() -> None:
    plan = end(claimed(return_if_failed=True), False, False)
    assert happened(plan)[-1] == "plan.failed"


def test_a_takeover_keeps_the_exactly_one_request() -> None:
    """The applier is killed; its successor ends the plan: the failure requests once."""
    plan = claimed(return_if_failed=True)
    plan.claim(context(3), "applier-b", "host-b", takeover=BROKEN, return_if_failed=True)
    assert happened(end(plan, True, False)).count("plan.return-requested") == 1
