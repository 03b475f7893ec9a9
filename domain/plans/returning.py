"""The return plans of a plan: which of its actions changed the cloud, and who asks to undo them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.kernel.aggregate import Aggregate, Event, evolves
from domain.kernel.errors import Refusal
from domain.kernel.ids import plan_id, return_run_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.plans.action import Action, ActionState
from domain.plans.events import (
    PlanReturned,
    PlanReturnFailed,
    PlanReturnRequested,
    PlanState,
)

RETURNABLE = frozenset({PlanState.FAILED, PlanState.SUCCEEDED, PlanState.CANCELLED})
"""The states of a plan that has ended and may have changed something."""
_TRIED = frozenset({ActionState.SUCCEEDED, ActionState.FAILED})


class ReturnState(StrEnum):
    """What became of the request for a return plan, as shown in the API."""

    REQUESTED = "REQUESTED"
    MADE = "MADE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class ReturnRequest:
    """A return plan that was requested and is not made yet.

    Attributes:
        run_id: under which it is computed.
        automatic: whether the failure of the plan requested it; it is then launched at once.
    """

    number: int
    run_id: UUID
    return_plan: UUID
    automatic: bool
    requested_at: datetime


@dataclass(frozen=True)
class Returns:
    """The return plans of a plan.

    Attributes:
        if_failed: whether the applier that executes the plan wants one if it fails.
        count: how many were requested so far.
        latest: id of the latest one.
        request: the open request, if any.
        failure: why the latest one could not be made.
    """

    if_failed: bool = False
    count: int = 0
    latest: UUID | None = None
    request: ReturnRequest | None = None
    failure: Cause | None = None


def effects(actions: Iterable[Action]) -> list[Action]:
    """The actions whose request was sent, the latest effect first."""
    sent = [one for one in actions if one.state in _TRIED and one.intent is not None]
    ended = sorted(sent, key=lambda one: one.ended_at.timestamp() if one.ended_at else 0.0)
    return ended[::-1]


class Returnable(Aggregate):
    """The part of an action plan that concerns its return plans.

    Attributes:
        undoes: the plan that this one undoes, if it is a return plan.
        returns: its return plans.
    """

    audit_id: UUID
    run_id: UUID
    state: PlanState
    actions: dict[UUID, Action] = field(init=False, default_factory=dict)
    undoes: UUID | None = field(init=False, default=None)
    returns: Returns = field(init=False, default_factory=Returns)

    def request_return(self, ctx: Context, *, automatic: bool = False) -> UUID:
        """Requests a plan that undoes what this one changed; returns the id it will have.

        Does nothing if one is requested and not made yet.

        Raises:
            Refusal: the plan has not ended, or sent no request to the cloud.
        """
        if self.state not in RETURNABLE:
            raise Refusal(
                f"Action Plan {self.id} is {self.state}: a plan can be returned when it has ended "
                f"as {', '.join(sorted(RETURNABLE))}."
            )
        if not effects(self.actions.values()):
            raise Refusal(
                f"Action Plan {self.id} sent no request to the cloud: there is nothing to undo."
            )
        if self.returns.request is not None:
            return self.returns.request.return_plan
        number = self.returns.count + 1
        plan = plan_id(self.audit_id, return_run_id(self.id, number))
        facts = {"number": number, "return_plan": plan, "automatic": automatic}
        self._trigger(PlanReturnRequested, ctx, **facts)
        return plan

    def complete_return(self, ctx: Context, number: int) -> None:
        """Records that the requested return plan is published.

        Raises:
            Refusal: it is not the open request.
        """
        return_plan = self._requested(number).return_plan
        self._trigger(PlanReturned, ctx, number=number, return_plan=return_plan)

    def fail_return(self, ctx: Context, number: int, because: Cause) -> None:
        """Records that the requested return plan could not be made.

        Raises:
            Refusal: it is not the open request.
        """
        self._requested(number)
        self._trigger(PlanReturnFailed, ctx, number=number, because=because)

    def _return_after_failure(self, ctx: Context) -> None:
        """Requests the return plan of a failed plan, if so configured.

        A failed return plan is not returned: the two plans would undo each other without end.
        """
        changed = any(one.state is ActionState.SUCCEEDED for one in effects(self.actions.values()))
        if self.returns.if_failed and self.undoes is None and changed:
            self.request_return(ctx, automatic=True)

    def _trigger(self, event: type[Event], ctx: Context, **facts: object) -> None:
        super()._trigger(event, ctx.correlated(self.run_id), **facts)

    def _requested(self, number: int) -> ReturnRequest:
        request = self.returns.request
        if request is None or request.number != number:
            raise Refusal(f"Return {number} of Action Plan {self.id} is over.")
        return request

    @evolves
    def _return_requested(self, event: PlanReturnRequested) -> None:
        run, plan = return_run_id(self.id, event.number), event.return_plan
        request = ReturnRequest(event.number, run, plan, event.automatic, event.timestamp)
        self.returns = Returns(self.returns.if_failed, event.number, plan, request)

    @evolves
    def _returned(self, _: PlanReturned) -> None:
        self.returns = replace(self.returns, request=None)

    @evolves
    def _return_failed(self, event: PlanReturnFailed) -> None:
        self.returns = replace(self.returns, request=None, failure=event.because)
