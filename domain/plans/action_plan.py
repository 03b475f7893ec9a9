from dataclasses import field
from typing import Final, Self
from uuid import UUID

from domain.kernel.aggregate import Aggregate, Event, JsonObject, evolves
from domain.kernel.errors import DeleteRefused, Fenced, NotFound, NotSkippable, Refusal
from domain.kernel.ids import action_id, plan_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import CANCELLED_BY_USER, OWNER_LOST, Cause
from domain.plans import workflow
from domain.plans.action import IN_PROGRESS, Action, ActionSpec, ActionState
from domain.plans.action_types.change_nova_service_state import CHANGE_SERVICE_STATE
from domain.plans.emptied_hosts import enablings
from domain.plans.events import (
    ActionAcknowledged,
    ActionAdded,
    ActionAnnotated,
    ActionCancelled,
    ActionFailed,
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
from domain.plans.execution_rule import ExecutionRule, not_needed
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
    ALTERNATIVE_NOT_NEEDED,
    PLAN_CANCELLED,
    REQUIREMENT_FAILED,
    SKIPPED_BY_USER,
)

ABORT: Final = "abort"
"""The step that ends an action in progress."""


class ActionPlan(Aggregate):
    """A plan and its actions: one aggregate, so that the next action is chosen consistently."""

    TOPIC = "plan"

    audit_id: UUID
    run_id: UUID
    strategy: str
    planner: str
    record: str
    state: PlanState
    actions: dict[UUID, Action] = field(init=False, default_factory=dict)
    epoch: int = 0
    owner: str | None = None
    host: str | None = None
    because: Cause | None = None
    held: Cause | None = None
    execution_rule: ExecutionRule = ExecutionRule.ALWAYS
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
    ) -> int:
        """Claims the plan for an applier; returns the epoch of the claim.

        Args:
            ctx: time and provenance.
            owner: instance id of the applier.
            host: on which it runs.
            takeover: why the claim of another owner ends.
            rule: the execution rule, if this is the first claim; a plan keeps that one.

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
        )
        self._conclude(ctx)  # users may have skipped every action before the launch
        return self.epoch

    def ready(self) -> tuple[Action, ...]:
        """The actions that may start now; after a cancel request only those that restore."""
        return tuple(one for one in workflow.ready(self.actions) if self.may_run(one))

    def may_run(self, action: Action) -> bool:
        """Whether requests of an action may still be sent, as far as the plan is concerned."""
        return self.state is PlanState.ONGOING or (action.restores and self.state in RUNNING)

    def ongoing(self) -> tuple[Action, ...]:
        """The actions with an intent and no outcome, in plan order."""
        return tuple(a for a in self.actions.values() if a.state in IN_PROGRESS)

    def pending(self) -> tuple[Action, ...]:
        """The actions that a cancel request cancels: not started, in plan order."""
        return tuple(
            a for a in self.actions.values() if a.state is ActionState.PENDING and not a.restores
        )

    def intend_action(self, ctx: Context, epoch: int, action: UUID, intent: JsonObject) -> int:
        """Records that a request to the cloud is about to be sent; returns the attempt.

        Raises:
            Fenced: the epoch is not the current one.
            Refusal: the action may not start now.
        """
        one = self._held(epoch, action)
        fresh = self.may_run(one) and workflow.may_start(self.actions, one)
        if not fresh and one.state not in IN_PROGRESS:
            raise Refusal(f"Action {action} is {one.state} and may not start.")
        attempt = one.attempt + 1
        self._trigger_action(
            ActionIntended, ctx, action, epoch=epoch, attempt=attempt, intent=intent
        )
        return attempt

    def withhold_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Records that the intended request was not sent: the action waits as before."""
        self._ongoing(epoch, action)
        self._trigger_action(ActionWithheld, ctx, action, epoch=epoch, because=because)

    def hold(self, ctx: Context, epoch: int, because: Cause | None) -> None:
        """Records what keeps the ready actions from starting, None for nothing; changes only."""
        if self.state not in RUNNING or because == self.held:
            return
        self._fence(epoch)
        if because is None:
            self._trigger(PlanReleased, ctx, epoch=epoch)
        else:
            self._trigger(PlanHeld, ctx, epoch=epoch, because=because)

    def acknowledge_action(
        self, ctx: Context, epoch: int, action: UUID, receipt: JsonObject
    ) -> None:
        """Records the cloud's response to the request."""
        self._ongoing(epoch, action)
        self._trigger_action(ActionAcknowledged, ctx, action, epoch=epoch, receipt=receipt)

    def isolate_action(self, ctx: Context, epoch: int, action: UUID) -> None:
        """Records that an action is about to be executed alone.

        Raises:
            Fenced: the epoch is not the current one.
            Refusal: the action has ended.
        """
        self._unended(epoch, action)
        self._trigger_action(ActionIsolated, ctx, action, epoch=epoch)

    def intend_step(
        self, ctx: Context, epoch: int, action: UUID, step: str, because: Cause | None = None
    ) -> int:
        """Records that the request of a further step is about to be sent; returns the attempt.

        Args:
            ctx: time and provenance.
            epoch: of the claim.
            action: it is in progress.
            step: its name; ``ABORT`` ends the action.
            because: why the action is aborted.

        Raises:
            Fenced: the epoch is not the current one.
            Refusal: the action is not in progress.
        """
        attempt = self._ongoing(epoch, action).steps.get(step, 0) + 1
        self._trigger_action(
            ActionStepIntended,
            ctx,
            action,
            epoch=epoch,
            step=step,
            attempt=attempt,
            because=because,
        )
        return attempt

    def acknowledge_step(
        self, ctx: Context, epoch: int, action: UUID, step: str, receipt: JsonObject
    ) -> None:
        """Records the cloud's response to the request of a further step."""
        self._ongoing(epoch, action)
        self._trigger_action(
            ActionStepAcknowledged, ctx, action, epoch=epoch, step=step, receipt=receipt
        )

    def succeed_action(self, ctx: Context, epoch: int, action: UUID, facts: JsonObject) -> None:
        """Records that the action succeeded."""
        self._ongoing(epoch, action)
        self._trigger_action(ActionSucceeded, ctx, action, epoch=epoch, facts=facts)
        self._conclude(ctx)

    def fail_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Records that the action failed; actions that require it are cancelled."""
        self._unended(epoch, action)
        self._trigger_action(ActionFailed, ctx, action, epoch=epoch, because=because)
        self._conclude(ctx)

    def cancel_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Records that an action in progress ended because the plan is cancelled."""
        self._ongoing(epoch, action)
        self._trigger_action(ActionCancelled, ctx, action, because=because)
        self._conclude(ctx)

    def skip_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Records that the action was skipped."""
        self._unended(epoch, action)
        self._trigger_action(ActionSkipped, ctx, action, epoch=epoch, because=because, note=None)
        self._conclude(ctx)

    def stop(self, ctx: Context, epoch: int) -> None:
        """Carries out a cancel request: cancels the actions that have not started."""
        self._fence(epoch)
        if self.state is PlanState.CANCELLING:
            self._cancel_pending(ctx, Cause(PLAN_CANCELLED))
            self._conclude(ctx)

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

    # -- helpers ---------------------------------------------------------------------------------

    def _cancel_pending(self, ctx: Context, because: Cause) -> None:
        for action in self.pending():
            self._trigger_action(ActionCancelled, ctx, action.spec.id, because=because)

    def _conclude(self, ctx: Context) -> None:
        self._settle_pending(ctx)
        if self._restore(ctx):
            return
        cancelling = self.state is PlanState.CANCELLING
        match workflow.outcome(self.actions.values(), cancelling=cancelling):
            case workflow.Outcome.SUCCEEDED:
                self._trigger(PlanSucceeded, ctx, because=workflow.skips(self.actions.values()))
            case workflow.Outcome.FAILED:
                self._trigger(PlanFailed, ctx, because=workflow.failures(self.actions.values()))
            case workflow.Outcome.CANCELLED:
                because = workflow.cancellation(self.actions.values())
                self._trigger(PlanCancelled, ctx, because=because)
            case None:
                pass

    def _settle_pending(self, ctx: Context) -> None:
        """Ends the pending actions that what has ended excludes; that may exclude others."""
        while True:
            for action, culprit in (blocked := workflow.blocked(self.actions)):
                because = Cause(REQUIREMENT_FAILED, {"action": self.actions[culprit].spec.what})
                self._trigger_action(ActionCancelled, ctx, action.spec.id, because=because)
            for action, first in (excluded := not_needed(self.actions, self.execution_rule)):
                because = Cause(ALTERNATIVE_NOT_NEEDED, {"action": first.spec.what})
                facts = {"epoch": self.epoch, "because": because, "note": None}
                self._trigger_action(ActionSkipped, ctx, action.spec.id, **facts)
            if not blocked and not excluded:
                return

    def _restore(self, ctx: Context) -> bool:
        """Adds what must be undone before the plan ends; returns whether it added something."""
        if not all(action.ended for action in self.actions.values()):
            return False
        added = list(enablings(self.actions.values()))
        for parameters, because in added:
            number = len(self.actions)
            identity = action_id(self.id, number)
            spec = ActionSpec(identity, CHANGE_SERVICE_STATE, parameters, (), (), because)
            self._trigger(ActionAdded, ctx, action_id=identity, what=spec.what, spec=spec)
        return bool(added)

    def _action(self, action: UUID) -> Action:
        try:
            return self.actions[action]
        except KeyError:
            raise NotFound("Action", action) from None

    def _fence(self, epoch: int) -> None:
        if epoch != self.epoch:
            raise Fenced(f"Action Plan {self.id}", epoch=epoch, current=self.epoch)
        if self.state not in RUNNING:
            raise Refusal(f"Action Plan {self.id} is {self.state}.")

    def _held(self, epoch: int, action: UUID) -> Action:
        self._fence(epoch)
        return self._action(action)

    def _ongoing(self, epoch: int, action: UUID) -> Action:
        one = self._held(epoch, action)
        if one.state not in IN_PROGRESS:
            raise Refusal(f"Action {action} is {one.state}, not ONGOING.")
        return one

    def _unended(self, epoch: int, action: UUID) -> None:
        one = self._held(epoch, action)
        if one.ended:
            raise Refusal(f"Action {action} is {one.state} already.")

    def _trigger_action(
        self, event: type[Event], ctx: Context, action: UUID, **facts: object
    ) -> None:
        what = self.actions[action].spec.what
        self._trigger(event, ctx, action_id=action, what=what, **facts)

    def _trigger(self, event: type[Event], ctx: Context, **facts: object) -> None:
        super()._trigger(event, ctx.correlated(self.run_id), **facts)

    # -- how events change the state -------------------------------------------------------------

    @evolves
    def _proposed(self, event: PlanProposed) -> None:
        self.actions = {spec.id: Action(spec) for spec in event.actions}

    @evolves
    def _launched(self, _: PlanLaunched) -> None:
        self.state = PlanState.PENDING

    @evolves
    def _claimed(self, event: PlanClaimed) -> None:
        self.epoch, self.owner, self.host = event.epoch, event.owner, event.host
        self.state, self.held = event.state, None
        self.execution_rule = event.execution_rule
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
        self.actions[event.action_id] = Action(event.spec, restores=True)

    @evolves
    def _action_isolated(self, event: ActionIsolated) -> None:
        self.losses.suspect = event.action_id

    @evolves
    def _action_intended(self, event: ActionIntended) -> None:
        action = self.actions[event.action_id]
        action.state = ActionState.ONGOING
        action.attempt = event.attempt
        action.intent = event.intent
        action.receipt = None
        action.steps = {}
        action.aborting = None
        action.started_at = action.started_at or event.timestamp

    @evolves
    def _action_withheld(self, event: ActionWithheld) -> None:
        action = self.actions[event.action_id]
        action.state, action.attempt, action.started_at = ActionState.PENDING, 0, None
        action.intent, action.receipt, action.steps = None, None, {}

    @evolves
    def _action_acknowledged(self, event: ActionAcknowledged) -> None:
        self.actions[event.action_id].receipt = event.receipt

    @evolves
    def _action_step_intended(self, event: ActionStepIntended) -> None:
        action = self.actions[event.action_id]
        action.steps[event.step] = event.attempt
        if event.because is not None:
            action.aborting = action.aborting or event.because
            if event.because.reason == ABORTED_BY_CANCEL:
                action.state = ActionState.CANCELLING

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
    def _action_skipped(self, event: ActionSkipped) -> None:
        self._end_action(event, ActionState.SKIPPED, event.because)
        self.actions[event.action_id].note = event.note

    @evolves
    def _action_annotated(self, event: ActionAnnotated) -> None:
        self.actions[event.action_id].note = event.note

    @evolves
    def _action_cancelled(self, event: ActionCancelled) -> None:
        self._end_action(event, ActionState.CANCELLED, event.because)

    def _end(self, state: PlanState, because: Cause | None) -> None:
        self.state, self.because, self.owner = state, because, None

    def _end_action(
        self,
        event: ActionSucceeded | ActionFailed | ActionSkipped | ActionCancelled,
        state: ActionState,
        because: Cause | None,
    ) -> None:
        action = self.actions[event.action_id]
        action.state, action.because, action.ended_at = state, because, event.timestamp
        self.losses.ended(event.action_id)
