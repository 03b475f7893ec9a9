"""How long a plan takes: its actions are scheduled as the applier would start them."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Final
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.plans.action import ActionSpec
from domain.plans.action_types.migrate import MIGRATE
from domain.plans.action_types.nop import NOP
from domain.plans.action_types.sleep import SLEEP
from domain.plans.pace import Migration, Pace, PaceLimits
from domain.plans.parallelism import Parallelism, Slots, hosts_of

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


_Where = tuple[str, str]
"""A type of action, and the host, server or group that has no room for it; empty: everywhere."""
_ANYWHERE: Final = ("", "")


class _Waiting:
    """The actions whose parents have ended, by their places in the plan.

    One that is refused waits at what has no room for it, with all others that are refused there,
    and they are asked again in their order when there may be room. So none is asked at each event.
    """

    def __init__(self) -> None:
        self._queues: defaultdict[_Where, list[int]] = defaultdict(list)
        self._open: set[_Where] = set()
        self._timers: list[tuple[datetime, _Where]] = []

    def __bool__(self) -> bool:
        return any(self._queues.values())

    def add(self, place: int) -> None:
        """Adds an action."""
        heapq.heappush(self._queues[_ANYWHERE], place)
        self._open.add(_ANYWHERE)

    def take(self) -> int | None:
        """Removes the first action that may begin; None if there is none."""
        self._open = {where for where in self._open if self._queues[where]}
        if not self._open:
            return None
        return heapq.heappop(self._queues[min(self._open, key=lambda one: self._queues[one][0])])

    def refuse(self, place: int, where: _Where, until: datetime | None) -> None:
        """Puts an action back: there is no room for it, until a time if that is known."""
        heapq.heappush(self._queues[where], place)
        self._open.discard(where)
        if until is not None:
            heapq.heappush(self._timers, (until, where))

    def open(self, *wheres: _Where) -> None:
        """There may be room again at some places."""
        self._open.update(wheres)

    def pass_time(self, now: datetime) -> None:
        """There may be room again where it was refused until now."""
        while self._timers and self._timers[0][0] <= now:
            self._open.add(heapq.heappop(self._timers)[1])

    @property
    def until(self) -> datetime | None:
        """When there may be room again next, None if no time is known."""
        return self._timers[0][0] if self._timers else None


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
        self._order = list(self._specs.values())
        self._places = {ident: place for place, ident in enumerate(self._specs)}
        self._waiting = _Waiting()
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
        for place, spec in enumerate(self._order):
            if not self._missing[spec.id] and spec.id not in begun:
                self._waiting.add(place)

    def run(self) -> datetime | None:
        """Returns the end of the last action, None if something may never begin."""
        while self._waiting or self._running:
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
        self._waiting.pass_time(self._now)
        while len(self._running) < self._most and (place := self._waiting.take()) is not None:
            spec = self._order[place]
            hold = self._pace.hold(spec, self._now)
            at = self._slots.full(spec) if hold is None else hold.at
            if at is None:
                self._begin(spec.id, self._now)
            else:
                self._waiting.refuse(place, (spec.type, at), None if hold is None else hold.until)
        return self._waiting.until

    def _begin(self, ident: UUID, since: datetime) -> None:
        spec = self._specs[ident]
        self._slots.count(spec, 1)
        if spec.type == MIGRATE:
            self._pace.begin(Migration.of(spec, since))
        ends = max(self._now, since + timedelta(seconds=self._lengths[ident]))
        heapq.heappush(self._running, (ends, self._places[ident], ident))

    def _end(self) -> None:
        """Ends what has ended by now; children whose parents have all ended wait from now on."""
        while self._running and self._running[0][0] <= self._now:
            at, _, ident = heapq.heappop(self._running)
            spec = self._specs[ident]
            self._slots.count(spec, -1)
            if spec.type == MIGRATE:
                self._pace.end(Migration.of(spec, at), at)
            freed = ("", *hosts_of(spec.parameters), *spec.groups)
            self._waiting.open(*((spec.type, one) for one in freed))
            for child in self._children[ident]:
                self._missing[child] -= 1
                if not self._missing[child]:
                    self._waiting.add(self._places[child])
