import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from application.kernel.errors import Unavailable
from application.ports.clock import Clock
from application.ports.event_log import ReadOnlyLog, RecordedEvent
from application.ports.progress import Progress, ProgressBoard
from application.ports.read_models import ActionPlanView, ActionView, ReadModels
from domain.plans.estimate import Durations, Estimate, ExecutionLimits, Remaining, estimate
from domain.plans.events import PlanProposed, PlanState

log = logging.getLogger(__name__)

SEEN = 100
"""Latest actions of a type whose durations count."""
SPARE = 20
"""A viewer estimates a plan again when this many times as long has passed as that takes."""
_OPEN = {PlanState.RECOMMENDED, PlanState.PENDING, PlanState.ONGOING, PlanState.CANCELLING}


@dataclass(frozen=True)
class RunningAction:
    """A running action.

    Attributes:
        size: bytes that it copies, copied: that it has copied, None if unknown; as ``percent``.
    """

    uuid: UUID
    action_type: str
    size: int | None
    percent: float | None
    copied: int | None


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
        running = self._running(plan.uuid)
        if plan.state not in _OPEN:
            return PlanEstimate(None, 0, running)
        proposed, now = self._proposed(plan.uuid), self._clock.now()
        begun = self._read.unended_actions(plan.uuid)
        rest = [Remaining(spec, begun[spec.id]) for spec in proposed.actions if spec.id in begun]
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

    def _running(self, plan: UUID) -> tuple[RunningAction, ...]:
        ongoing = self._read.running_actions(plan)
        shown = self._progress.of([one.uuid for one in ongoing])
        return tuple(_running(one, shown.get(one.uuid)) for one in ongoing)


def _running(one: ActionView, shown: Progress | None) -> RunningAction:
    percent, copied = (shown.percent, shown.copied) if shown else (None, None)
    return RunningAction(one.uuid, one.action_type, one.size, percent, copied)


class RecentEstimates:
    """What is left of plans, for a viewer that asks each second.

    A plan of thousands of actions takes long to estimate: that is done again after ``SPARE`` times
    as long, or in another state; meanwhile the time that passes is subtracted.

    Args:
        estimates: how long plans take.
        clock: measures.
    """

    def __init__(self, estimates: PlanEstimates, clock: Clock) -> None:
        self._estimates = estimates
        self._now = clock.monotonic
        self._known: dict[UUID, _Known] = {}

    def rest(self, plan: ActionPlanView) -> Estimate | None:
        """How long the rest of a plan takes, None if it has ended.

        Raises:
            EventLogUnavailable, StoreUnavailable: the database cannot be reached.
        """
        known = self._known.get(plan.uuid)
        if known is None or known.state != plan.state or self._now() >= known.until:
            began = self._now()
            rest = self._estimated(plan)
            at = self._now()
            known = _Known(plan.state, rest, at, at + SPARE * (at - began))
            self._known[plan.uuid] = known
        rest, passed = known.rest, self._now() - known.at
        if rest is None or rest.seconds is None:
            return rest
        return replace(rest, seconds=max(0.0, rest.seconds - passed))

    def _estimated(self, plan: ActionPlanView) -> Estimate | None:
        try:
            return self._estimates.of(plan).rest
        except Unavailable as error:
            log.warning("plan %s is not estimated, the others are: %s", plan.uuid, error)
            return Estimate(None)


@dataclass(frozen=True)
class _Known:
    """An estimate that was made in a state of the plan, at a time; it is used until another one."""

    state: str
    rest: Estimate | None
    at: float
    until: float
