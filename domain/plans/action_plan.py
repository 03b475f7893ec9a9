from dataclasses import field, replace
from typing import Self
from uuid import UUID

from domain.kernel.aggregate import evolves
from domain.kernel.errors import DeleteRefused, NotSkippable, Refusal
from domain.kernel.ids import plan_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import CANCELLED_BY_USER, OWNER_LOST, Cause
from domain.plans.action import Action, ActionState
from domain.plans.events import (
    ActionAcknowledged,
    ActionAdded,
    ActionAnnotated,
    ActionCancelled,
    ActionFailed,
    ActionFollowedUp,
    ActionIntended,
    ActionIsolated,
    ActionSkipped,
    ActionStepAcknowledged,
    ActionStepIntended,
    ActionSucceeded,
    ActionWithheld,
    PlanCancelled,
    PlanCancelRequested,
    PlanClaimed,
    PlanDeleted,
    PlanFailed,
    PlanHeld,
    PlanLaunched,
    PlanProposed,
    PlanReleased,
    PlanState,
    PlanSucceeded,
    PlanSuperseded,
)
from domain.plans.execution_rule import ExecutionRule
from domain.plans.following import Followed
from domain.plans.losses import Losses
from domain.plans.plan_states import (
    DELETABLE,
    RUNNING,
    SKIPPABLE,
    TRANSITIONS,
    USER_TRANSITIONS,
)
from domain.plans.proposal import Proposal
from domain.plans.reasons import (
    ABORTED_BY_CANCEL,
    PLAN_CANCELLED,
    SKIPPED_BY_USER,
)


class ActionPlan(Followed):
    """A plan and its actions: one aggregate, so that the next action is chosen consistently."""

    TOPIC = "plan"

    strategy: str
    planner: str
    record: str
    owner: str | None = None
    host: str | None = None
    because: Cause | None = None
    losses: Losses = field(init=False, default_factory=Losses)

    # -- the life of the plan --------------------------------------------------------------------

    @classmethod
    def propose(cls, ctx: Context, proposal: Proposal) -> Self:
        """Creates the plan of a run; the id, from audit and run, allows one plan per run."""
        plan = plan_id(proposal.audit_id, proposal.run_id)
        specs = proposal.specs(plan)
        return cls._new(
            PlanProposed,
            ctx.correlated(proposal.run_id),
            plan,
            audit_id=proposal.audit_id,
            run_id=proposal.run_id,
            goal=proposal.goal,
            strategy=proposal.strategy,
            planner=proposal.planner,
            record=proposal.record,
            explanation=proposal.explanation,
            actions=specs,
            indicators=proposal.indicators,
            global_efficacy=proposal.global_efficacy,
            notes=proposal.notes,
            undoes=proposal.undoes,
            state=PlanState.RECOMMENDED if specs else PlanState.SUCCEEDED,
        )

    def launch(self, ctx: Context) -> None:
        """Requests the execution of the plan."""
        TRANSITIONS.check(self.state, PlanState.PENDING)
        self._trigger(PlanLaunched, ctx)

    def move(self, ctx: Context, state: PlanState) -> None:
        """Changes the state at a user's request (``replace /state``).

        Raises:
            IllegalTransition: users may not request this transition.
        """
        USER_TRANSITIONS.check(self.state, state)
        if state is PlanState.PENDING:
            self.launch(ctx)
        elif state is PlanState.CANCELLED:
            self.cancel(ctx, Cause(CANCELLED_BY_USER))
        else:
            self._trigger(PlanCancelRequested, ctx)

    def cancel(self, ctx: Context, because: Cause) -> None:
        """Cancels a plan that has not started, and its actions."""
        if self.state not in {PlanState.RECOMMENDED, PlanState.PENDING}:
            TRANSITIONS.check(self.state, PlanState.CANCELLED)
        self._cancel_pending(ctx, Cause(PLAN_CANCELLED))
        self._trigger(PlanCancelled, ctx, because=because)

    def supersede(self, ctx: Context, because: Cause) -> None:
        """Marks a recommended plan as superseded and cancels its actions."""
        TRANSITIONS.check(self.state, PlanState.SUPERSEDED)
        self._cancel_pending(ctx, because)
        self._trigger(PlanSuperseded, ctx, because=because)

    def delete(self, ctx: Context) -> None:
        """Marks it as deleted.

        Raises:
            DeleteRefused: it is pending or running.
        """
        if self.state not in DELETABLE:
            raise DeleteRefused(self.state)
        self._trigger(PlanDeleted, ctx)

    # -- the applier's side ----------------------------------------------------------------------

    def claim(
        self,
        ctx: Context,
        owner: str,
        host: str,
        *,
        takeover: Cause | None = None,
        rule: ExecutionRule = ExecutionRule.ALWAYS,
        return_if_failed: bool = False,
    ) -> int:
        """Claims the plan for an applier; returns the epoch of the claim.

        Args:
            ctx: time and provenance.
            owner: instance id of the applier.
            host: on which it runs.
            takeover: why the claim of another owner ends.
            rule: the execution rule, if this is the first claim; a plan keeps that one.
            return_if_failed: whether to request a return plan if the plan fails.

        Raises:
            Refusal: it is not launched, or has another owner and no takeover.
        """
        if self.state is not PlanState.PENDING and self.state not in RUNNING:
            raise Refusal(f"Action Plan {self.id} is {self.state}: there is nothing to execute.")
        held = self.owner is not None
        if held and takeover is None:
            raise Refusal(f"Action Plan {self.id} is held by {self.owner}.")
        state = PlanState.ONGOING if self.state is PlanState.PENDING else self.state
        self._trigger(
            PlanClaimed,
            ctx,
            epoch=self.epoch + 1,
            owner=owner,
            host=host,
            state=state,
            because=takeover if held else None,
            execution_rule=self.execution_rule if self.epoch else rule,
            return_if_failed=return_if_failed,
        )
        ended = [one for one in self.actions.values() if one.ended]
        self._conclude(ctx, ended)  # users may have skipped every action before the launch
        return self.epoch

    # -- requests of users for single actions ----------------------------------------------------

    def skip_by_user(self, ctx: Context, action: UUID, note: str | None) -> None:
        """Skips an action of a plan that has not started.

        Raises:
            NotSkippable: the plan or the action has started.
        """
        one = self._action(action)
        if one.state is not ActionState.PENDING or self.state not in SKIPPABLE:
            raise NotSkippable(
                f"Action {action} is {one.state} in a plan that is {self.state}: "
                f"State transition not allowed: ({one.state} -> SKIPPED)"
            )
        self._trigger_action(
            ActionSkipped, ctx, action, epoch=None, because=Cause(SKIPPED_BY_USER), note=note
        )

    def annotate(self, ctx: Context, action: UUID, note: str | None) -> None:
        """Changes the remark on a skipped action.

        Raises:
            NotSkippable: it is not skipped.
        """
        if self._action(action).state is not ActionState.SKIPPED:
            raise NotSkippable(f"Action {action} is not SKIPPED: its message cannot be changed.")
        self._trigger_action(ActionAnnotated, ctx, action, note=note)

    # -- how events change the state -------------------------------------------------------------

    @evolves
    def _proposed(self, event: PlanProposed) -> None:
        self.undoes = event.undoes
        for spec in event.actions:
            self._add_action(Action(spec))

    @evolves
    def _launched(self, _: PlanLaunched) -> None:
        self.state = PlanState.PENDING

    @evolves
    def _claimed(self, event: PlanClaimed) -> None:
        self.epoch, self.owner, self.host = event.epoch, event.owner, event.host
        self.state, self.held = event.state, None
        self.execution_rule = event.execution_rule
        self.returns = replace(self.returns, if_failed=event.return_if_failed)
        if event.because is not None and event.because.reason == OWNER_LOST:
            suspect = self.losses.lost()
            if suspect is not None:
                self.actions[suspect].losses += 1

    @evolves
    def _held_back(self, event: PlanHeld) -> None:
        self.held = event.because

    @evolves
    def _released(self, _: PlanReleased) -> None:
        self.held = None

    @evolves
    def _cancel_requested(self, _: PlanCancelRequested) -> None:
        self.state = PlanState.CANCELLING

    @evolves
    def _cancelled(self, event: PlanCancelled) -> None:
        self._end(PlanState.CANCELLED, event.because)

    @evolves
    def _superseded(self, event: PlanSuperseded) -> None:
        self._end(PlanState.SUPERSEDED, event.because)

    @evolves
    def _succeeded(self, event: PlanSucceeded) -> None:
        self._end(PlanState.SUCCEEDED, event.because)

    @evolves
    def _failed(self, event: PlanFailed) -> None:
        self._end(PlanState.FAILED, event.because)

    @evolves
    def _deleted(self, _: PlanDeleted) -> None:
        self.state = PlanState.DELETED

    @evolves
    def _action_added(self, event: ActionAdded) -> None:
        self._add_action(Action(event.spec, restores=True))

    @evolves
    def _action_isolated(self, event: ActionIsolated) -> None:
        self.losses.suspect = event.action_id

    @evolves
    def _action_intended(self, event: ActionIntended) -> None:
        action = self.actions[event.action_id]
        self._enter(action, ActionState.ONGOING)
        action.attempt = event.attempt
        action.intent = event.intent
        action.receipt = None
        action.steps = {}
        action.aborting = None
        action.started_at = action.started_at or event.timestamp

    @evolves
    def _action_withheld(self, event: ActionWithheld) -> None:
        action = self.actions[event.action_id]
        self._enter(action, ActionState.PENDING)
        action.attempt, action.started_at = 0, None
        action.intent, action.receipt, action.steps = None, None, {}

    @evolves
    def _action_acknowledged(self, event: ActionAcknowledged) -> None:
        self.actions[event.action_id].receipt = event.receipt

    @evolves
    def _action_step_intended(self, event: ActionStepIntended) -> None:
        action = self.actions[event.action_id]
        action.steps[event.step] = event.attempt
        action.late_steps += action.ended
        if event.because is not None:
            action.aborting = action.aborting or event.because
            if event.because.reason == ABORTED_BY_CANCEL:
                self._enter(action, ActionState.CANCELLING)

    @evolves
    def _action_step_acknowledged(self, _: ActionStepAcknowledged) -> None:
        """Changes nothing: observations show what became of a step."""

    @evolves
    def _action_succeeded(self, event: ActionSucceeded) -> None:
        self._end_action(event, ActionState.SUCCEEDED, None)
        self.actions[event.action_id].outcome = event.facts

    @evolves
    def _action_failed(self, event: ActionFailed) -> None:
        self._end_action(event, ActionState.FAILED, event.because)

    @evolves
    def _action_followed_up(self, event: ActionFollowedUp) -> None:
        self.actions[event.action_id].followed_up = True

    @evolves
    def _action_skipped(self, event: ActionSkipped) -> None:
        self._end_action(event, ActionState.SKIPPED, event.because)
        self.actions[event.action_id].note = event.note

    @evolves
    def _action_annotated(self, event: ActionAnnotated) -> None:
        self.actions[event.action_id].note = event.note

    @evolves
    def _action_cancelled(self, event: ActionCancelled) -> None:
        self._end_action(event, ActionState.CANCELLED, event.because)

    def _add_action(self, action: Action) -> None:
        self.actions[action.spec.id] = action
        self._workflow.add(action)

    def _enter(self, action: Action, state: ActionState) -> None:
        before, action.state = action.state, state
        self._workflow.follow(action, before)

    def _end(self, state: PlanState, because: Cause | None) -> None:
        self.state, self.because, self.owner = state, because, None

    def _end_action(
        self,
        event: ActionSucceeded | ActionFailed | ActionSkipped | ActionCancelled,
        state: ActionState,
        because: Cause | None,
    ) -> None:
        action = self.actions[event.action_id]
        self._enter(action, state)
        action.because, action.ended_at = because, event.timestamp
        self.losses.ended(event.action_id)
