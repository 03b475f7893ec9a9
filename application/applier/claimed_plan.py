import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Concatenate, ParamSpec
from uuid import UUID

from application.applier.aggregate_session import AggregateSession
from application.applier.legality import MoveLegality
from application.ports.read_models import ServerMove
from domain.kernel.errors import Fenced
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.plans import Action, ActionPlan, ActionSpec, ActionState, PlanState
from domain.plans.action_types import MIGRATE
from domain.plans.events import PlanClaimed

P = ParamSpec("P")


def _move(action: Action, started_at: datetime) -> ServerMove:
    named = ("resource_id", "source_node", "destination_node")
    server, source, destination = (str(action.spec.parameters.get(name) or "") for name in named)
    return ServerMove(server, source, destination, started_at, action.ended_at)


class ClaimedPlan:
    """A plan under a claim. Many threads may use it: one lock orders what they read and append.

    Args:
        session: the plan; used by this object only.
        epoch: of the claim.
    """

    def __init__(self, session: AggregateSession[ActionPlan], epoch: int) -> None:
        self._session = session
        self._epoch = epoch
        self._lock = threading.RLock()

    def state(self, *, refresh: bool) -> PlanState:
        """The state of the plan; a cancel request is carried out.

        Args:
            refresh: whether to read from the log what other processes appended.

        Raises:
            Fenced: another applier claimed the plan.
        """
        with self._lock:
            plan = self._session.refresh() if refresh else self._session.state
            if plan.epoch != self._epoch:
                raise Fenced(f"Action Plan {plan.id}", epoch=self._epoch, current=plan.epoch)
            if plan.state is PlanState.CANCELLING and plan.pending():
                self._session.run(lambda plan, ctx: plan.stop(ctx, self._epoch))
            return self._session.state.state

    def may_run(self, action: UUID) -> bool:
        """Whether requests of an action may still be sent, after a fresh read of the log.

        Raises:
            Fenced: another applier claimed the plan.
        """
        with self._lock:
            self.state(refresh=True)
            plan = self._session.state
            return plan.may_run(plan.actions[action])

    def action(self, action: UUID) -> Action:
        """A copy of an action."""
        with self._lock:
            return replace(self._session.state.actions[action])

    def ongoing(self) -> tuple[Action, ...]:
        """The actions with an intent and no outcome, in plan order."""
        with self._lock:
            return self._session.state.ongoing()

    def why_illegal(self, action: ActionSpec, legality: MoveLegality) -> Cause | None:
        """Why an action of the plan has become illegal since it was made, None if it has not."""
        with self._lock:
            audit = self._session.state.audit_id
        return legality.why_illegal(action, audit, self._moves_since)

    def _moves_since(self, since: datetime) -> list[ServerMove]:
        """The migrations of the plan that are in progress, or that succeeded after a time."""
        with self._lock:
            plan = self._session.state
            ended = [one for one in plan.ended_since(since) if one.state is ActionState.SUCCEEDED]
            return [
                _move(one, one.started_at)
                for one in (*plan.ongoing(), *ended)
                if one.spec.type == MIGRATE and one.started_at is not None
            ]

    def one_at_a_time(self) -> bool:
        """Whether actions are to be executed one at a time."""
        with self._lock:
            return self._session.state.losses.one_at_a_time

    def deadly(self, losses: int) -> tuple[Action, ...]:
        """The actions with that many lost appliers or more, and no outcome."""
        with self._lock:
            actions = self._session.state.actions.values()
            return tuple(one for one in actions if one.losses >= losses and not one.ended)

    def ready(self) -> tuple[Action, ...]:
        """The actions that may start now, in plan order."""
        with self._lock:
            return self._session.state.ready()

    def hold(self, because: Cause | None) -> None:
        """Records what keeps the ready actions from starting, None for nothing; changes only.

        Raises:
            Fenced, Refusal: another applier claimed the plan, or it has ended.
        """
        with self._lock:
            if because != self._session.state.held:
                self._session.run(lambda plan, ctx: plan.hold(ctx, self._epoch, because))

    def append(
        self,
        decide: Callable[Concatenate[ActionPlan, Context, int, UUID, P], object],
        action: UUID,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> int:
        """Decides about an action by a method of the plan; returns the plan's version after it.

        Raises:
            Fenced: another applier claimed the plan.
            Refusal: the method refused.
        """
        with self._lock:
            self._session.run(
                lambda plan, ctx: decide(plan, ctx, self._epoch, action, *args, **kwargs)
            )
            return self._session.state.version

    def check_fence(self, version: int) -> None:
        """Checks by a read of the log that no other applier claimed the plan after a version.

        Raises:
            Fenced: another applier claimed it.
        """
        self._session.check_fence(version, PlanClaimed)
