from collections.abc import Iterable
from datetime import datetime
from typing import Self
from uuid import UUID

from domain.kernel.aggregate import Aggregate, JsonObject
from domain.kernel.errors import DeleteRefused, Fenced, NotFound, NotSkippable, Refusal
from domain.kernel.ids import plan_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause, Reason
from domain.kernel.transitions import Transitions
from domain.plans import workflow
from domain.plans.action import Action, ActionSpec, ActionState
from domain.plans.events import (
    ActionAcknowledged,
    ActionAnnotated,
    ActionCancelled,
    ActionFailed,
    ActionIntended,
    ActionSkipped,
    ActionSucceeded,
    PlanCancelled,
    PlanCancelRequested,
    PlanClaimed,
    PlanDeleted,
    PlanFailed,
    PlanLaunched,
    PlanProposed,
    PlanState,
    PlanSucceeded,
    PlanSuperseded,
)
from domain.plans.proposal import Proposal

TRANSITIONS = Transitions[PlanState](
    "Action Plan",
    {
        PlanState.RECOMMENDED: {
            PlanState.PENDING,
            PlanState.CANCELLED,
            PlanState.SUPERSEDED,
            PlanState.DELETED,
        },
        PlanState.PENDING: {PlanState.ONGOING, PlanState.CANCELLED},
        PlanState.ONGOING: {PlanState.SUCCEEDED, PlanState.FAILED, PlanState.CANCELLING},
        PlanState.CANCELLING: {PlanState.CANCELLED, PlanState.SUCCEEDED, PlanState.FAILED},
        PlanState.SUCCEEDED: {PlanState.DELETED},
        PlanState.FAILED: {PlanState.DELETED},
        PlanState.CANCELLED: {PlanState.DELETED},
        PlanState.SUPERSEDED: {PlanState.DELETED},
    },
)
"""Everything that can ever happen to the state of a plan."""

USER_TRANSITIONS = Transitions[PlanState](
    "Action Plan",
    {
        PlanState.RECOMMENDED: {PlanState.PENDING, PlanState.CANCELLED},
        PlanState.PENDING: {PlanState.CANCELLED},
        PlanState.ONGOING: {PlanState.CANCELLING},
    },
)
"""The part of it that a user may ask for (rest-api 3.3.1)."""

DELETABLE = frozenset(
    {
        PlanState.RECOMMENDED,
        PlanState.SUCCEEDED,
        PlanState.FAILED,
        PlanState.SUPERSEDED,
        PlanState.CANCELLED,
    }
)
RUNNING = frozenset({PlanState.ONGOING, PlanState.CANCELLING})
SKIPPABLE = frozenset({PlanState.RECOMMENDED, PlanState.PENDING})


class ActionPlan(Aggregate):
    """A plan and its actions: the boundary within which "what may run next" is consistent."""

    TOPIC = "plan"

    def __init__(self) -> None:
        self.state = PlanState.RECOMMENDED
        self.audit_id = UUID(int=0)
        self.run_id = UUID(int=0)
        self.strategy = ""
        self.record = ""
        self.actions: dict[UUID, Action] = {}
        self.epoch = 0
        self.owner: str | None = None
        self.host: str | None = None
        self.because: Cause | None = None

    # -- the life of the plan --------------------------------------------------------------------

    @classmethod
    def propose(cls, ctx: Context, proposal: Proposal) -> Self:
        """The plan of a run. Its id is a function of audit and run: a run has one plan at most."""
        plan = plan_id(proposal.audit_id, proposal.run_id)
        specs = proposal.specs(plan)
        return cls._born(
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
        """Asks for its execution."""
        TRANSITIONS.check(self.state, PlanState.PENDING)
        self._record(PlanLaunched, ctx.correlated(self.run_id))

    def move(self, ctx: Context, state: PlanState) -> None:
        """What a user asks for with ``replace /state``.

        Raises:
            IllegalTransition: the API has no such arrow.
        """
        USER_TRANSITIONS.check(self.state, state)
        if state is PlanState.PENDING:
            self.launch(ctx)
        elif state is PlanState.CANCELLED:
            self.cancel(ctx, Cause(Reason.CANCELLED_BY_USER))
        else:
            self._record(PlanCancelRequested, ctx.correlated(self.run_id))

    def cancel(self, ctx: Context, because: Cause) -> None:
        """Ends a plan that has not started, with all of its actions."""
        if self.state not in {PlanState.RECOMMENDED, PlanState.PENDING}:
            TRANSITIONS.check(self.state, PlanState.CANCELLED)
        self._cancel_pending(ctx, Cause(Reason.PLAN_CANCELLED))
        self._record(PlanCancelled, ctx.correlated(self.run_id), because=because)

    def supersede(self, ctx: Context, because: Cause) -> None:
        """Ends a recommended plan that is too old."""
        TRANSITIONS.check(self.state, PlanState.SUPERSEDED)
        self._cancel_pending(ctx, because)
        self._record(PlanSuperseded, ctx.correlated(self.run_id), because=because)

    def delete(self, ctx: Context) -> None:
        """Takes it out of sight.

        Raises:
            DeleteRefused: it is waiting or running.
        """
        if self.state not in DELETABLE:
            raise DeleteRefused(self.state)
        self._record(PlanDeleted, ctx.correlated(self.run_id))

    # -- the applier's side ----------------------------------------------------------------------

    def claim(self, ctx: Context, owner: str, host: str, *, takeover: Cause | None = None) -> int:
        """Takes the plan for an applier; returns the epoch that fences its events.

        Raises:
            Refusal: it is not launched, or held by another without a takeover.
        """
        if self.state is not PlanState.PENDING and self.state not in RUNNING:
            raise Refusal(f"Action Plan {self.id} is {self.state}: there is nothing to execute.")
        held = self.owner is not None
        if held and takeover is None:
            raise Refusal(f"Action Plan {self.id} is held by {self.owner}.")
        state = PlanState.ONGOING if self.state is PlanState.PENDING else self.state
        self._record(
            PlanClaimed,
            ctx.correlated(self.run_id),
            epoch=self.epoch + 1,
            owner=owner,
            host=host,
            state=state,
            because=takeover if held else None,
        )
        self._conclude(ctx)  # users may have skipped every action before the launch
        return self.epoch

    def ready(self) -> tuple[Action, ...]:
        """The actions that may start now; none once a cancel was requested."""
        return workflow.ready(self.actions) if self.state is PlanState.ONGOING else ()

    def ongoing(self) -> tuple[Action, ...]:
        """The actions with an intent and no outcome, in plan order."""
        return tuple(a for a in self.actions.values() if a.state is ActionState.ONGOING)

    def pending(self) -> tuple[Action, ...]:
        """The actions that have not been started, in plan order."""
        return tuple(a for a in self.actions.values() if a.state is ActionState.PENDING)

    def intend_action(self, ctx: Context, epoch: int, action: UUID, intent: JsonObject) -> int:
        """Notes that an effect is about to be had; returns the attempt.

        Raises:
            Fenced: the epoch is not the current one.
            Refusal: the action may not run (now).
        """
        one = self._held(epoch, action)
        running = self.state is PlanState.ONGOING
        fresh = running and workflow.may_start(self.actions, one)
        if not fresh and one.state is not ActionState.ONGOING:
            raise Refusal(f"Action {action} is {one.state} and may not start.")
        self._record(
            ActionIntended,
            ctx.correlated(self.run_id),
            action_id=action,
            what=self.actions[action].spec.what,
            epoch=epoch,
            attempt=one.attempt + 1,
            intent=intent,
        )
        return one.attempt

    def acknowledge_action(
        self, ctx: Context, epoch: int, action: UUID, receipt: JsonObject
    ) -> None:
        """Notes what the cloud answered to the effect."""
        self._ongoing(epoch, action)
        self._record(
            ActionAcknowledged,
            ctx.correlated(self.run_id),
            action_id=action,
            what=self.actions[action].spec.what,
            epoch=epoch,
            receipt=receipt,
        )

    def succeed_action(self, ctx: Context, epoch: int, action: UUID, facts: JsonObject) -> None:
        """Notes that the effect is there."""
        self._ongoing(epoch, action)
        self._record(
            ActionSucceeded,
            ctx.correlated(self.run_id),
            action_id=action,
            what=self.actions[action].spec.what,
            epoch=epoch,
            facts=facts,
        )
        self._conclude(ctx)

    def fail_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Notes that the effect is not, or not known to be, there; dependants will not run."""
        self._unended(epoch, action)
        self._record(
            ActionFailed,
            ctx.correlated(self.run_id),
            action_id=action,
            what=self.actions[action].spec.what,
            epoch=epoch,
            because=because,
        )
        self._conclude(ctx)

    def skip_action(self, ctx: Context, epoch: int, action: UUID, because: Cause) -> None:
        """Notes that there is nothing to do for an action."""
        self._unended(epoch, action)
        self._record(
            ActionSkipped,
            ctx.correlated(self.run_id),
            action_id=action,
            what=self.actions[action].spec.what,
            epoch=epoch,
            because=because,
            note=None,
        )
        self._conclude(ctx)

    def stop(self, ctx: Context, epoch: int) -> None:
        """Carries out a requested cancel as far as it reaches: what has not started will not."""
        self._fence(epoch)
        if self.state is PlanState.CANCELLING:
            self._cancel_pending(ctx, Cause(Reason.PLAN_CANCELLED))
            self._conclude(ctx)

    # -- a user's word on single actions ---------------------------------------------------------

    def skip_by_user(self, ctx: Context, action: UUID, note: str | None) -> None:
        """Takes an action out of a plan that has not started.

        Raises:
            NotSkippable: plan or action are past that.
        """
        one = self._action(action)
        if one.state is not ActionState.PENDING or self.state not in SKIPPABLE:
            raise NotSkippable(
                f"Action {action} is {one.state} in a plan that is {self.state}: "
                f"State transition not allowed: ({one.state} -> SKIPPED)"
            )
        self._record(
            ActionSkipped,
            ctx.correlated(self.run_id),
            action_id=action,
            what=self.actions[action].spec.what,
            epoch=None,
            because=Cause(Reason.SKIPPED_BY_USER),
            note=note,
        )

    def annotate(self, ctx: Context, action: UUID, note: str | None) -> None:
        """Changes what is said about a skipped action.

        Raises:
            NotSkippable: it is not skipped.
        """
        if self._action(action).state is not ActionState.SKIPPED:
            raise NotSkippable(f"Action {action} is not SKIPPED: its message cannot be changed.")
        self._record(
            ActionAnnotated,
            ctx.correlated(self.run_id),
            action_id=action,
            what=self.actions[action].spec.what,
            note=note,
        )

    # -- helpers ---------------------------------------------------------------------------------

    def _cancel_pending(self, ctx: Context, because: Cause) -> None:
        for action in list(self.actions.values()):
            if action.state is ActionState.PENDING:
                self._record(
                    ActionCancelled,
                    ctx.correlated(self.run_id),
                    action_id=action.spec.id,
                    what=action.spec.what,
                    because=because,
                )

    def _conclude(self, ctx: Context) -> None:
        tied = ctx.correlated(self.run_id)
        for action, culprit in workflow.doomed(self.actions):
            because = Cause(Reason.REQUIREMENT_FAILED, {"action": str(culprit)})
            one = action.spec
            self._record(ActionCancelled, tied, action_id=one.id, what=one.what, because=because)
        cancelling = self.state is PlanState.CANCELLING
        match workflow.outcome(self.actions.values(), cancelling=cancelling):
            case workflow.Outcome.SUCCEEDED:
                self._record(PlanSucceeded, tied, because=workflow.skips(self.actions.values()))
            case workflow.Outcome.FAILED:
                self._record(PlanFailed, tied, because=workflow.failures(self.actions.values()))
            case workflow.Outcome.CANCELLED:
                self._record(PlanCancelled, tied, because=Cause(Reason.CANCELLED_BY_USER))
            case None:
                pass

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

    def _ongoing(self, epoch: int, action: UUID) -> None:
        one = self._held(epoch, action)
        if one.state is not ActionState.ONGOING:
            raise Refusal(f"Action {action} is {one.state}, not ONGOING.")

    def _unended(self, epoch: int, action: UUID) -> None:
        one = self._held(epoch, action)
        if one.ended:
            raise Refusal(f"Action {action} is {one.state} already.")

    # -- assignments, called by events only ------------------------------------------------------

    def hold(self, specs: Iterable[ActionSpec]) -> None:
        """Assigns the actions."""
        self.actions = {spec.id: Action(spec) for spec in specs}

    def intend(self, action: UUID, attempt: int, intent: JsonObject, at: datetime) -> None:
        """Assigns an intent."""
        one = self.actions[action]
        one.state, one.attempt, one.intent, one.receipt = ActionState.ONGOING, attempt, intent, None
        one.started_at = one.started_at or at

    def end(self, action: UUID, state: ActionState, because: Cause | None, at: datetime) -> None:
        """Assigns an outcome."""
        one = self.actions[action]
        one.state, one.because, one.ended_at = state, because, at

    def finish(self, state: PlanState, because: Cause | None) -> None:
        """Assigns the end of the plan."""
        self.state, self.because, self.owner = state, because, None
