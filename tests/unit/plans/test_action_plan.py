from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.aggregate import Event
from domain.kernel.errors import DeleteRefused, Fenced, IllegalTransition, NotSkippable, Refusal
from domain.kernel.ids import plan_id
from domain.kernel.reasons import OWNER_LOST, Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import Action, ActionPlan, ActionState, PlanState, Proposal
from domain.plans.action import ENDED
from domain.plans.plan_states import DELETABLE, TRANSITIONS, USER_TRANSITIONS
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.reasons import MIGRATION_FAILED, SERVER_NOT_FOUND, SOME_ACTIONS_SKIPPED
from tests.given import context, happened, ident, replayed

LOST = Cause(OWNER_LOST, {"owner": "a", "successor": "b"})
BROKEN = Cause(MIGRATION_FAILED, {"migration": "m", "server": "s", "status": "error"})
FINAL = {PlanState.SUCCEEDED, PlanState.FAILED, PlanState.CANCELLED, PlanState.SUPERSEDED}


def planned(parents: tuple[int, ...] = (), requires: tuple[int, ...] = ()) -> PlannedAction:
    action = ProposedAction("nop", "r", {"message": "hi"}, Cause(FREES_HOST))
    return PlannedAction(action, parents, requires)


def proposed(*actions: PlannedAction) -> ActionPlan:
    proposal = Proposal(
        audit_id=ident(1),
        run_id=ident(2),
        goal="dummy",
        strategy="dummy",
        planner="weight",
        record="d" * 64,
        explanation="e" * 64,
        actions=actions,
    )
    return ActionPlan.propose(context(), proposal)


def running(*actions: PlannedAction) -> tuple[ActionPlan, int, list[UUID]]:
    plan = proposed(*actions)
    plan.launch(context(1))
    epoch = plan.claim(context(2), "applier-a", "host-a")
    plan.collect_events()
    return plan, epoch, list(plan.actions)


def succeed(plan: ActionPlan, epoch: int, action: UUID) -> None:
    plan.intend_action(context(3), epoch, action, {"before": {}})
    plan.succeed_action(context(4), epoch, action, {})


def state_of(plan: ActionPlan, action: UUID) -> ActionState:
    return plan.actions[action].state


def only(actions: tuple[Action, ...]) -> list[UUID]:
    return [action.spec.id for action in actions]


def test_a_run_has_one_plan_whose_id_follows_from_audit_and_run() -> None:
    assert proposed(planned()).id == plan_id(ident(1), ident(2))


def test_a_plan_appears_whole_in_one_event() -> None:
    plan = proposed(planned(), planned((0,)), planned((1,), (0,)))
    assert happened(plan) == ["plan.proposed"]
    first, second, third = plan.actions.values()
    assert second.spec.parents == (first.spec.id,)
    assert third.spec.requires == (first.spec.id,)


def test_a_plan_with_nothing_to_do_has_succeeded() -> None:
    assert proposed().state is PlanState.SUCCEEDED


def test_children_wait_until_their_parents_have_ended() -> None:
    plan, epoch, (first, second) = running(planned(), planned((0,)))
    assert only(plan.ready()) == [first]
    succeed(plan, epoch, first)
    assert only(plan.ready()) == [second]


def test_the_requests_of_a_further_step_are_counted_anew_for_each_attempt() -> None:
    plan, epoch, (one,) = running(planned())
    with pytest.raises(Refusal):
        plan.intend_step(context(3), epoch, one, "confirm")
    plan.intend_action(context(3), epoch, one, {})
    assert plan.intend_step(context(4), epoch, one, "confirm") == 1
    plan.acknowledge_step(context(5), epoch, one, "confirm", {"request_id": "req-2"})
    assert plan.intend_step(context(6), epoch, one, "confirm") == 2
    assert plan.intend_step(context(6), epoch, one, "clean up") == 1
    plan.intend_action(context(7), epoch, one, {})
    assert plan.actions[one].steps == {}
    assert happened(plan)[1:3] == ["plan.action-step-intended", "plan.action-step-acknowledged"]


def test_steps_of_an_older_claim_are_refused() -> None:
    plan, epoch, (one,) = running(planned())
    plan.intend_action(context(3), epoch, one, {})
    plan.claim(context(4), "applier-b", "host-b", takeover=LOST)
    with pytest.raises(Fenced):
        plan.intend_step(context(5), epoch, one, "confirm")
    with pytest.raises(Fenced):
        plan.acknowledge_step(context(5), epoch, one, "confirm", {})


def test_a_plan_succeeds_with_its_last_action() -> None:
    plan, epoch, (only_one,) = running(planned())
    succeed(plan, epoch, only_one)
    assert plan.state is PlanState.SUCCEEDED
    assert happened(plan)[-1] == "plan.succeeded"


def test_a_failure_cancels_what_requires_it_and_nothing_else() -> None:
    plan, epoch, (bad, child, grandchild, bystander) = running(
        planned(), planned((0,), (0,)), planned((1,), (1,)), planned((0,))
    )
    plan.intend_action(context(3), epoch, bad, {})
    plan.fail_action(context(4), epoch, bad, BROKEN)
    assert state_of(plan, child) is ActionState.CANCELLED
    assert state_of(plan, grandchild) is ActionState.CANCELLED
    assert only(plan.ready()) == [bystander]
    succeed(plan, epoch, bystander)
    assert plan.state is PlanState.FAILED


def test_a_plan_whose_actions_were_all_skipped_succeeds_and_says_so() -> None:
    plan, epoch, (one,) = running(planned())
    plan.skip_action(context(3), epoch, one, Cause(SERVER_NOT_FOUND))
    assert plan.state is PlanState.SUCCEEDED
    assert plan.because is not None
    assert plan.because.reason == SOME_ACTIONS_SKIPPED


def test_a_plan_that_users_skipped_wholly_ends_when_it_is_claimed() -> None:
    plan = proposed(planned())
    plan.skip_by_user(context(1), next(iter(plan.actions)), None)
    plan.launch(context(2))
    plan.claim(context(3), "a", "h")
    assert plan.state is PlanState.SUCCEEDED


def test_a_launched_plan_has_one_owner() -> None:
    plan, _, _ = running(planned())
    with pytest.raises(Refusal, match="held by applier-a"):
        plan.claim(context(3), "applier-b", "host-b")


@pytest.mark.parametrize("state", [PlanState.RECOMMENDED, *sorted(FINAL), PlanState.DELETED])
def test_a_plan_that_is_not_launched_is_not_executed(state: PlanState) -> None:
    """The original ran plans in any state but CANCELLED (hazards B1, D4)."""
    plan = proposed(planned())
    plan.state = state
    with pytest.raises(Refusal, match="nothing to execute"):
        plan.claim(context(3), "applier-a", "host-a")


def test_the_former_owner_is_fenced_off_after_a_takeover() -> None:
    plan, old, (one,) = running(planned())
    plan.intend_action(context(3), old, one, {})
    new = plan.claim(context(4), "applier-b", "host-b", takeover=LOST)
    with pytest.raises(Fenced):
        plan.succeed_action(context(5), old, one, {})
    plan.succeed_action(context(6), new, one, {})
    assert plan.state is PlanState.SUCCEEDED


def test_an_action_that_has_ended_does_not_run_again() -> None:
    plan, epoch, (one, _) = running(planned(), planned((0,)))
    succeed(plan, epoch, one)
    with pytest.raises(Refusal, match="may not start"):
        plan.intend_action(context(5), epoch, one, {})


def test_an_intent_without_effect_may_be_repeated_and_is_counted() -> None:
    plan, epoch, (one,) = running(planned())
    assert plan.intend_action(context(3), epoch, one, {}) == 1
    assert plan.intend_action(context(4), epoch, one, {}) == 2


def test_cancelling_lets_running_actions_end_and_starts_no_other() -> None:
    plan, epoch, (one, two) = running(planned(), planned())
    plan.intend_action(context(3), epoch, one, {})
    plan.move(context(4), PlanState.CANCELLING)
    assert plan.ready() == ()
    plan.stop(context(5), epoch)
    assert state_of(plan, two) is ActionState.CANCELLED
    assert not plan.pending()
    plan.succeed_action(context(6), epoch, one, {})
    assert plan.state is PlanState.CANCELLED
    assert state_of(plan, one) is ActionState.SUCCEEDED


def test_a_cancel_that_reaches_no_action_leaves_the_plan_what_its_actions_make_it() -> None:
    plan, epoch, (one,) = running(planned())
    plan.intend_action(context(3), epoch, one, {})
    plan.move(context(4), PlanState.CANCELLING)
    plan.stop(context(5), epoch)
    plan.succeed_action(context(6), epoch, one, {})
    assert plan.state is PlanState.SUCCEEDED


def test_cancelling_before_the_start_cancels_every_pending_action_and_no_skipped_one() -> None:
    """The original overwrote SKIPPED with CANCELLED (hazard D6)."""
    plan = proposed(planned(), planned())
    skipped, pending = plan.actions
    plan.skip_by_user(context(1), skipped, "not now")
    plan.move(context(2), PlanState.CANCELLED)
    assert state_of(plan, skipped) is ActionState.SKIPPED
    assert state_of(plan, pending) is ActionState.CANCELLED


def test_users_skip_only_pending_actions_of_plans_that_have_not_started() -> None:
    plan, _, (one,) = running(planned())
    with pytest.raises(NotSkippable, match="State transition not allowed"):
        plan.skip_by_user(context(3), one, None)


def test_only_a_skipped_action_is_annotated() -> None:
    plan = proposed(planned())
    one = next(iter(plan.actions))
    with pytest.raises(NotSkippable):
        plan.annotate(context(1), one, "why")
    plan.skip_by_user(context(2), one, None)
    plan.annotate(context(3), one, "why")
    assert plan.actions[one].note == "why"


@pytest.mark.parametrize("old", sorted(PlanState))
@pytest.mark.parametrize("new", sorted(PlanState))
def test_a_user_moves_a_plan_exactly_along_the_contracts_arrows(
    old: PlanState, new: PlanState
) -> None:
    plan = proposed(planned())
    plan.state = old
    if USER_TRANSITIONS.allows(old, new):
        plan.move(context(1), new)
        assert plan.state is new
        assert TRANSITIONS.allows(old, new)
    else:
        with pytest.raises(IllegalTransition, match="State transition not allowed"):
            plan.move(context(1), new)


@pytest.mark.parametrize("state", sorted(PlanState))
def test_deletion_is_allowed_exactly_where_the_contract_says(state: PlanState) -> None:
    plan = proposed(planned())
    plan.state = state
    if state in DELETABLE:
        plan.delete(context(1))
        assert plan.state is PlanState.DELETED
    else:
        with pytest.raises(DeleteRefused, match="Couldn't delete when state is"):
            plan.delete(context(1))


Edges = list[tuple[list[int], list[int]]]


@st.composite
def graphs(draw: Any) -> list[PlannedAction]:
    size = draw(st.integers(1, 7))
    actions = []
    for place in range(size):
        earlier = st.lists(st.integers(0, place - 1), unique=True, max_size=3)
        parents = tuple(draw(earlier)) if place else ()
        requires = tuple(parent for parent in parents if draw(st.booleans()))
        actions.append(planned(parents, requires))
    return actions


def may_start(plan: ActionPlan) -> Iterator[Action]:
    """By a look at all actions; the plan follows them event by event."""
    ended = {one.spec.id for one in plan.actions.values() if one.ended}
    for one in plan.actions.values():
        if one.state is ActionState.PENDING and ended.issuperset(one.spec.parents):
            yield one


def can_take_place(plan: ActionPlan, one: Action) -> bool:
    lost = {ActionState.FAILED, ActionState.CANCELLED}
    return lost.isdisjoint(plan.actions[required].state for required in one.spec.requires)


@given(graph=graphs(), fates=st.lists(st.sampled_from("sfkx"), min_size=40, max_size=40))
def test_whatever_happens_a_plan_ends_with_all_of_its_actions_ended(
    graph: list[PlannedAction], fates: list[str]
) -> None:
    """Any graph, any fates (success, failure, skip, cancel): it ends, and legally."""
    plan, epoch, _ = running(*graph)
    for fate in fates:
        if plan.state in FINAL:
            break
        if plan.state is PlanState.ONGOING:
            assert list(plan.ready()) == list(may_start(plan))
        assert not [one for one in plan.pending() if not can_take_place(plan, one)]
        if fate == "x" and plan.state is PlanState.ONGOING:
            plan.move(context(3), PlanState.CANCELLING)
            plan.stop(context(4), epoch)
            continue
        todo = plan.ongoing() or plan.ready()
        one = todo[-1].spec.id
        if fate == "k" and state_of(plan, one) is ActionState.PENDING:
            plan.skip_action(context(5), epoch, one, Cause(SERVER_NOT_FOUND))
        elif state_of(plan, one) is ActionState.PENDING:
            plan.intend_action(context(6), epoch, one, {})
        elif fate == "f":
            plan.fail_action(context(7), epoch, one, BROKEN)
        else:
            plan.succeed_action(context(8), epoch, one, {})
    assert plan.state in FINAL
    assert all(action.state in ENDED for action in plan.actions.values())
    events = cast("list[Event]", plan.collect_events())
    assert events  # the claim's own events were collected before


def test_the_events_fold_to_the_state_that_decided_them() -> None:
    plan = proposed(planned(), planned((0,), (0,)))
    plan.launch(context(1))
    epoch = plan.claim(context(2), "a", "h")
    one = next(iter(plan.actions))
    plan.intend_action(context(3), epoch, one, {"before": {"host": "x"}})
    plan.acknowledge_action(context(4), epoch, one, {"migration": "m"})
    plan.fail_action(context(5), epoch, one, BROKEN)
    events = cast("list[Event]", plan.collect_events())
    assert vars(replayed(events)) == vars(plan)
