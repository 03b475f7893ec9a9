"""What an applier decides about a plan that it has claimed, action by action."""

from collections.abc import Iterator, Sequence
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.kernel.aggregate import Event, JsonObject
from domain.kernel.errors import Fenced, NotFound, Refusal
from domain.kernel.ids import action_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.plans import workflow
from domain.plans.action import IN_PROGRESS, Action, ActionSpec
from domain.plans.action_types.change_nova_service_state import CHANGE_SERVICE_STATE
from domain.plans.emptied_hosts import enablings
from domain.plans.events import (
    ActionAcknowledged,
    ActionAdded,
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
    PlanFailed,
    PlanHeld,
    PlanReleased,
    PlanState,
    PlanSucceeded,
)
from domain.plans.execution_rule import ExecutionRule
from domain.plans.plan_states import RUNNING
from domain.plans.reasons import ALTERNATIVE_NOT_NEEDED, PLAN_CANCELLED, REQUIREMENT_FAILED
from domain.plans.returning import Returnable
from domain.plans.workflow import Workflow

ABORT: Final = "abort"
"""The step that ends an action in progress."""


class PlanInExecution(Returnable):
    """The part of an action plan that appliers use.

    Attributes:
        epoch: of the latest claim.
        held: what keeps the ready actions from starting.
        execution_rule: whether actions depend on the outcome of their parents.
    """

    epoch: int = field(kw_only=True, default=0)
    held: Cause | None = field(kw_only=True, default=None)
    execution_rule: ExecutionRule = field(kw_only=True, default=ExecutionRule.ALWAYS)
    _workflow: Workflow = field(init=False, default_factory=Workflow)

    def ready(self) -> tuple[Action, ...]:
        """The actions that may start now; after a cancel request only those that restore."""
        ready = self._workflow.ready()
        if self.state is PlanState.ONGOING:
            return ready
        return tuple(one for one in ready if self.may_run(one))

    def may_run(self, action: Action) -> bool:
        """Whether requests of an action may still be sent, as far as the plan is concerned."""
        return self.state is PlanState.ONGOING or (action.restores and self.state in RUNNING)

    def ongoing(self) -> tuple[Action, ...]:
        """The actions with an intent and no outcome, in plan order."""
        return self._workflow.ongoing()

    def ended_since(self, since: datetime) -> Iterator[Action]:
        """The actions that ended at a time or later, the latest first."""
        return self._workflow.ended_since(since)

    def pending(self) -> tuple[Action, ...]:
        """The actions that a cancel request cancels: not started, in plan order."""
        return tuple(one for one in self._workflow.pending() if not one.restores)

    def intend_action(self, ctx: Context, epoch: int, action: UUID, intent: JsonObject) -> int:
        """Records that a request to the cloud is about to be sent; returns the attempt.

        Raises:
            Fenced: the epoch is not the current one.
            Refusal: the action may not start now.
        """
        one = self._held(epoch, action)
        fresh = self.may_run(one) and self._workflow.may_start(one)
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
        self._conclude(ctx, [self.actions[action]])

    def fail_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Records that the action failed; actions that require it are cancelled."""
        self._unended(epoch, action)
        self._trigger_action(ActionFailed, ctx, action, epoch=epoch, because=because)
        self._conclude(ctx, [self.actions[action]])

    def cancel_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Records that an action in progress ended because the plan is cancelled."""
        self._ongoing(epoch, action)
        self._trigger_action(ActionCancelled, ctx, action, because=because)
        self._conclude(ctx, [self.actions[action]])

    def skip_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Records that the action was skipped."""
        self._unended(epoch, action)
        self._trigger_action(ActionSkipped, ctx, action, epoch=epoch, because=because, note=None)
        self._conclude(ctx, [self.actions[action]])

    def stop(self, ctx: Context, epoch: int) -> None:
        """Carries out a cancel request: cancels the actions that have not started."""
        self._fence(epoch)
        if self.state is PlanState.CANCELLING:
            self._conclude(ctx, self._cancel_pending(ctx, Cause(PLAN_CANCELLED)))

    # -- what follows from an outcome ------------------------------------------------------------

    def _cancel_pending(self, ctx: Context, because: Cause) -> tuple[Action, ...]:
        pending = self.pending()
        for action in pending:
            self._trigger_action(ActionCancelled, ctx, action.spec.id, because=because)
        return pending

    def _conclude(self, ctx: Context, ended: Sequence[Action]) -> None:
        """Ends what cannot take place since some actions ended, and the plan after its last one."""
        self._settle_pending(ctx, ended)
        if self._restore(ctx):
            return
        actions = self.actions.values()
        match self._workflow.outcome(cancelling=self.state is PlanState.CANCELLING):
            case workflow.Outcome.SUCCEEDED:
                self._trigger(PlanSucceeded, ctx, because=workflow.skips(actions))
            case workflow.Outcome.FAILED:
                self._trigger(PlanFailed, ctx, because=workflow.failures(actions))
                self._return_after_failure(ctx)
            case workflow.Outcome.CANCELLED:
                self._trigger(PlanCancelled, ctx, because=workflow.cancellation(actions))
            case None:
                pass

    def _settle_pending(self, ctx: Context, ended: Sequence[Action]) -> None:
        """Ends the pending actions that what has ended excludes; that may exclude others."""
        while ended:
            ended = self._skip_not_needed(ctx, [*ended, *self._cancel_blocked(ctx, ended)])

    def _cancel_blocked(self, ctx: Context, ended: Sequence[Action]) -> Iterator[Action]:
        for action, culprit in self._workflow.blocked(ended):
            because = Cause(REQUIREMENT_FAILED, {"action": culprit.spec.what})
            self._trigger_action(ActionCancelled, ctx, action.spec.id, because=because)
            yield action

    def _skip_not_needed(self, ctx: Context, ended: Sequence[Action]) -> list[Action]:
        skipped: list[Action] = []
        if self.execution_rule is ExecutionRule.ANY:
            for action, first in self._workflow.not_needed(ended):
                because = Cause(ALTERNATIVE_NOT_NEEDED, {"action": first.spec.what})
                facts = {"epoch": self.epoch, "because": because, "note": None}
                self._trigger_action(ActionSkipped, ctx, action.spec.id, **facts)
                skipped.append(action)
        return skipped

    def _restore(self, ctx: Context) -> bool:
        """Adds what must be undone before the plan ends; returns whether it added something."""
        if not self._workflow.has_ended():
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
