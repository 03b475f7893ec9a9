from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from application.kernel.errors import Unavailable
from application.ports.clock import Clock
from application.ports.event_log import ReadOnlyLog, RecordedEvent
from application.ports.progress import ProgressBoard
from application.ports.read_models import ActionPlanView, ActionView, Page, ReadModels
from domain.plans.action import ENDED, ActionState
from domain.plans.estimate import Durations, Estimate, ExecutionLimits, Remaining, estimate
from domain.plans.events import PlanProposed, PlanState

SEEN = 100
"""Latest actions of a type whose durations count."""
_ALL = Page(limit=1_000_000)
_OPEN = {PlanState.RECOMMENDED, PlanState.PENDING, PlanState.ONGOING, PlanState.CANCELLING}


@dataclass(frozen=True)
class RunningAction:
    """A running action. ``size``: bytes that it copies; None if unknown, as ``percent``."""

    uuid: UUID
    action_type: str
    size: int | None
    percent: float | None


@dataclass(frozen=True)
class PlanEstimate:
    """How long the rest of a plan takes, and its running actions.

    Attributes:
        rest: None if the plan has ended.
        observed: number of past actions that the estimate rests on.
    """

    rest: Estimate | None
    observed: int
    running: tuple[RunningAction, ...]


class PlanEstimates:
    """Estimates how long plans take.

    Args:
        log: has the plans.
        read, progress, clock: collaborators.
        limits: planner → the limits under which its plans are executed.
        rate: bytes per second of a migration, before there are observations.
        overhead: seconds of a migration beside its copy, likewise.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        read: ReadModels,
        progress: ProgressBoard,
        clock: Clock,
        limits: Callable[[str], ExecutionLimits],
        *,
        rate: float,
        overhead: float,
    ) -> None:
        self._log = log
        self._read = read
        self._progress = progress
        self._clock = clock
        self._limits = limits
        self._rate = rate
        self._overhead = overhead

    def of(self, plan: ActionPlanView) -> PlanEstimate:
        """The estimate of a plan.

        Raises:
            Unavailable: the plan cannot be read from the log.
            EventLogUnavailable, StoreUnavailable: the database cannot be reached.
        """
        actions = self._read.actions(_ALL, {"action_plan_uuid": str(plan.uuid)})
        running = self._running(actions)
        if plan.state not in _OPEN:
            return PlanEstimate(None, 0, running)
        proposed, now = self._proposed(plan.uuid), self._clock.now()
        views = {one.uuid: one for one in actions}
        rest = [
            Remaining(spec, views[spec.id].started_at)
            for spec in proposed.actions
            if spec.id in views and views[spec.id].state not in ENDED
        ]
        types = sorted({one.spec.type for one in rest})
        seen = {kind: self._read.durations(kind, SEEN) for kind in types}
        limits = self._limits(proposed.planner)
        found = estimate(
            rest,
            Durations(seen, self._rate, self._overhead),
            limits,
            now,
            self._read.migrations(now - limits.pace.memory),
        )
        return PlanEstimate(found, sum(map(len, seen.values())), running)

    def _proposed(self, plan: UUID) -> PlanProposed:
        for entry in self._log.history(plan, 0, 1):
            if isinstance(entry, RecordedEvent) and isinstance(entry.event, PlanProposed):
                return entry.event
        raise Unavailable(f"Action plan {plan} cannot be read from the event log.")

    def _running(self, actions: Sequence[ActionView]) -> tuple[RunningAction, ...]:
        ongoing = [one for one in actions if one.state == ActionState.ONGOING]
        shown = self._progress.of([one.uuid for one in ongoing])
        return tuple(
            RunningAction(
                one.uuid,
                one.action_type,
                one.size,
                shown[one.uuid].percent if one.uuid in shown else None,
            )
            for one in ongoing
        )
