"""Whether an action may begin now, over all plans and appliers of the installation."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from application.kernel.actuation import actuation_view
from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.read_models import ReadModels
from domain.kernel.reasons import Cause, Reason
from domain.plans.action import Action, ActionSpec
from domain.plans.action_types.migrate import MIGRATE
from domain.plans.pace import Hold, Migration, Pace, PaceLimits
from domain.plans.parallelism import Parallelism

LIMITS_UNCHECKED = Reason(
    "limits-unchecked",
    "the read models are not up to date, so that migrations of other plans cannot be counted",
)
LOOK = 1.0
"""Seconds within which a plan that is held back notices that it may go on."""
PATIENCE = 5.0
"""Seconds to wait for the read models to show an intent."""


class HeldBack(Exception):
    """An action may not begin now. Nothing was sent.

    Args:
        because: what holds it back.
    """

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


class StartGate:
    """Decides whether actions of a plan may begin.

    Args:
        log: has the actuation switch.
        read: has the migrations of all plans.
        clock: the present time.
        limits: over all plans.
    """

    def __init__(self, log: EventLog, read: ReadModels, clock: Clock, limits: PaceLimits) -> None:
        self._log = log
        self._read = read
        self._clock = clock
        self._limits = limits

    def within(self, parallelism: Parallelism) -> "StartGate":
        """The gate of a plan with such limits."""
        return StartGate(self._log, self._read, self._clock, self._limits.within(parallelism))

    def survey(self, running: Collection[ActionSpec]) -> "Survey":
        """What holds the actions of a plan back now.

        Args:
            running: the actions of the plan that are being executed here.

        Raises:
            UnreadableEvent, EventLogUnavailable, StoreUnavailable: it cannot be decided.
        """
        off = actuation_view(self._log).hold
        if off is not None:
            return Survey(self._clock, Hold(off, everything=True), None)
        return Survey(self._clock, Pace(self._limits), partial(self._pace, running))

    def check(self, action: Action) -> None:
        """The last check before a request, after its intent: exact over all appliers.

        Each intent has a place in the log. An applier counts the migrations whose intents come
        before its own, when the read models show them: of two that exceed a limit together, the
        later one is held back.

        Raises:
            HeldBack: the action may not begin.
            UnreadableEvent, EventLogUnavailable, StoreUnavailable: it cannot be decided.
        """
        pace: Pace | Hold = Pace(self._limits)
        if action.spec.type == MIGRATE:
            pace = self._pace((), before=action.spec)
        hold = _hold(pace, action, self._clock.now())
        if hold is not None:
            raise HeldBack(hold.because)
        off = actuation_view(self._log).hold  # last: the switch is to act at once
        if off is not None:
            raise HeldBack(off)

    def _pace(
        self, running: Collection[ActionSpec], before: ActionSpec | None = None
    ) -> Pace | Hold:
        """What began lately in all plans.

        Args:
            running: further actions that began, if the read models do not show them yet.
            before: only what began before its intent.
        """
        if not self._limits.count_migrations:
            return Pace(self._limits)
        if not self._read.await_position(self._log.end(), PATIENCE):
            return Hold(Cause(LIMITS_UNCHECKED))
        now = self._clock.now()
        found = {one.action: one for one in self._read.migrations(now - self._limits.memory)}
        for spec in running:
            if spec.type == MIGRATE:
                found.setdefault(spec.id, Migration.of(spec, now))
        if before is None:
            return Pace(self._limits, found.values())
        own = found.pop(before.id, None)
        return Pace(self._limits, (one for one in found.values() if _is_earlier(one, own)))


class Survey:
    """What holds actions back at one moment.

    Args:
        clock: the present time.
        pace: what holds actions of any type back.
        read: returns what migrations began lately; called for the first migration.
    """

    def __init__(
        self, clock: Clock, pace: Pace | Hold, read: Callable[[], Pace | Hold] | None
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._read = read

    def hold(self, action: Action) -> Hold | None:
        """Why an action may not begin, None if it may; it is counted then."""
        is_migration = action.spec.type == MIGRATE
        if is_migration and self._read is not None:
            self._pace, self._read = self._read(), None
        now = self._clock.now()
        hold = _hold(self._pace, action, now)
        if hold is None and is_migration and isinstance(self._pace, Pace):
            self._pace.begin(Migration.of(action.spec, now))
        return hold


def _hold(pace: Pace | Hold, action: Action, now: datetime) -> Hold | None:
    if isinstance(pace, Pace):
        return pace.hold(action.spec, now, restores=action.restores)
    return pace if pace.everything or action.spec.type == MIGRATE else None


def _is_earlier(one: Migration, own: Migration | None) -> bool:
    if own is None or own.position is None or one.position is None:
        return True
    return one.position < own.position
