"""How long a plan takes: its actions are scheduled as the applier would start them."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.plans.action import ActionSpec
from domain.plans.action_types.migrate import MIGRATE
from domain.plans.action_types.nop import NOP
from domain.plans.action_types.sleep import SLEEP
from domain.plans.pace import Migration, Pace, PaceLimits
from domain.plans.parallelism import Parallelism, Slots

LEAST = 3
"""Observations of a type of action from which on they count more than the prior estimate."""


@dataclass(frozen=True)
class Observed:
    """An action that succeeded.

    Attributes:
        seconds: from its request to its end.
        size: bytes that it copied, None if it copied nothing or that is unknown.
        way: how, such as ``live``; None for types that know one way only.
    """

    seconds: float
    size: int | None = None
    way: str | None = None


def way_of(parameters: JsonObject) -> str | None:
    """How an action of a type with several ways is done: these take different times."""
    way = parameters.get("migration_type")
    return None if way is None else str(way)


@dataclass(frozen=True)
class Durations:
    """What is known of the durations of actions.

    Attributes:
        observed: action type → actions that succeeded lately.
        rate: bytes per second of a live migration, before there are observations.
        overhead: seconds of a live migration beside its copy, likewise.
    """

    observed: Mapping[str, Sequence[Observed]] = field(default_factory=dict)
    rate: float = 500e6
    overhead: float = 5.0

    def seconds(self, action: ActionSpec) -> float | None:
        """The expected duration of an action, None if it is unknown.

        With observations: its size at their mean rate; their median, if the type copies nothing.
        Without: a live migration by the configured rate, a sleep by its parameter.
        """
        way = way_of(action.parameters)
        seen = [one for one in self.observed.get(action.type, ()) if one.way == way]
        sized = [(one.seconds, one.size) for one in seen if one.size]
        if len(sized) >= LEAST and action.size is not None:
            copied = sum(size for _, size in sized)
            return action.size * sum(seconds for seconds, _ in sized) / copied
        if len(seen) >= LEAST and not sized:
            return median(one.seconds for one in seen)
        return self._prior(action)

    def _prior(self, action: ActionSpec) -> float | None:
        is_live = action.type == MIGRATE and way_of(action.parameters) == "live"
        if is_live and action.size is not None:
            return self.overhead + action.size / self.rate
        if action.type == SLEEP:
            given = action.parameters.get("duration")
            return float(given) if isinstance(given, int | float) else None
        return 0.0 if action.type == NOP else None


@dataclass(frozen=True)
class Remaining:
    """An action that has not ended. ``since``: of its request, None if it has not begun."""

    spec: ActionSpec
    since: datetime | None = None


@dataclass(frozen=True)
class ExecutionLimits:
    """The limits under which a plan is executed.

    Attributes:
        max_parallel: actions in progress at once.
        parallelism: of the plan's planner.
        pace: over all plans.
    """

    max_parallel: int
    parallelism: Parallelism = field(default_factory=Parallelism)
    pace: PaceLimits = field(default_factory=PaceLimits)


@dataclass(frozen=True)
class Estimate:
    """How long a plan takes from now on.

    Attributes:
        seconds: until its last action ends, None if that is unknown.
        unknown: the action types with an unknown duration.
    """

    seconds: float | None
    unknown: tuple[str, ...] = ()


def estimate(
    actions: Sequence[Remaining],
    durations: Durations,
    limits: ExecutionLimits,
    now: datetime,
    elsewhere: Iterable[Migration] = (),
) -> Estimate:
    """The time that the rest of a plan takes, by list scheduling under its limits.

    Args:
        actions: those that have not ended, in plan order.
        durations: what is known of their durations.
        limits: under which they are executed.
        now: UTC.
        elsewhere: migrations that began lately, also in other plans; those of other plans that are
            in progress are taken to end now.
    """
    lengths = {one.spec.id: durations.seconds(one.spec) for one in actions}
    unknown = sorted({one.spec.type for one in actions if lengths[one.spec.id] is None})
    if unknown:
        return Estimate(None, tuple(unknown))
    known = {ident: seconds for ident, seconds in lengths.items() if seconds is not None}
    own = {one.spec.id for one in actions}
    ended = [one for one in elsewhere if one.ended_at is not None and one.action not in own]
    pace = Pace(limits.pace.within(limits.parallelism), ended)
    schedule = _Schedule(actions, known, limits, now, pace)
    end = schedule.run()
    return Estimate(None if end is None else max(0.0, (end - now).total_seconds()))


class _Schedule:
    """A simulated execution."""

    def __init__(
        self,
        actions: Sequence[Remaining],
        lengths: Mapping[UUID, float],
        limits: ExecutionLimits,
        now: datetime,
        pace: Pace,
    ) -> None:
        self._specs = {one.spec.id: one.spec for one in actions}
        self._places = {ident: place for place, ident in enumerate(self._specs)}
        self._lengths = lengths
        self._most = limits.max_parallel
        self._now = now
        self._pace = pace
        self._slots = Slots(limits.parallelism, ())
        self._running: list[tuple[datetime, int, UUID]] = []
        self._children: defaultdict[UUID, list[UUID]] = defaultdict(list)
        self._missing: dict[UUID, int] = {}
        for one in actions:
            parents = [parent for parent in one.spec.parents if parent in self._specs]
            self._missing[one.spec.id] = len(parents)
            for parent in parents:
                self._children[parent].append(one.spec.id)
        begun = {one.spec.id: one.since for one in actions if one.since is not None}
        for ident, since in sorted(begun.items(), key=lambda one: one[1]):
            self._begin(ident, since)
        self._ready = [i for i, count in self._missing.items() if not count and i not in begun]

    def run(self) -> datetime | None:
        """Returns the end of the last action, None if something may never begin."""
        while self._ready or self._running:
            until = self._start()
            if self._running:
                until = min((self._running[0][0], *([until] if until else [])))
            if until is None:
                return None
            self._now = max(self._now, until)
            self._end()
        return self._now

    def _start(self) -> datetime | None:
        """Begins what may begin; returns when the first of what is held back may, if known."""
        waiting, untils = [], []
        for place, ident in enumerate(self._ready):
            if len(self._running) >= self._most:
                waiting += self._ready[place:]
                break
            spec = self._specs[ident]
            hold = self._pace.hold(spec, self._now)
            if hold is None and self._slots.has_room(spec):
                self._begin(ident, self._now)
                continue
            waiting.append(ident)
            if hold is not None and hold.until is not None:
                untils.append(hold.until)
        self._ready = waiting
        return min(untils, default=None)

    def _begin(self, ident: UUID, since: datetime) -> None:
        spec = self._specs[ident]
        self._slots.count(spec, 1)
        if spec.type == MIGRATE:
            self._pace.begin(Migration.of(spec, since))
        ends = max(self._now, since + timedelta(seconds=self._lengths[ident]))
        heapq.heappush(self._running, (ends, self._places[ident], ident))

    def _end(self) -> None:
        """Ends what has ended by now; its children become ready in plan order."""
        freed: list[UUID] = []
        while self._running and self._running[0][0] <= self._now:
            at, _, ident = heapq.heappop(self._running)
            spec = self._specs[ident]
            self._slots.count(spec, -1)
            if spec.type == MIGRATE:
                self._pace.end(Migration.of(spec, at), at)
            for child in self._children[ident]:
                self._missing[child] -= 1
                if not self._missing[child]:
                    freed.append(child)
        if freed:
            self._ready = sorted([*self._ready, *freed], key=self._places.__getitem__)
