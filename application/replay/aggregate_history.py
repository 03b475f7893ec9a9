"""The state of an aggregate at a log position or a time: the one implementation of time travel.

An audit that runs every minute has a hundred thousand events within weeks, and a user who looks
through its past asks for many moments. So for a long history the process keeps the position and
time of each event, and the folded state after about every thousandth event: the next question folds
a thousand events at most. Each question first checks that the last known event is still in the log
(the database may have been restored) and reads what was appended since.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry, Moment, ReadOnlyLog, RecordedEvent
from application.ports.projections import Projection
from application.replay.aggregate_fold import AggregateFold

PAGE = 5000
"""Events read at a time."""
STEP = 1000
"""Events between two kept folds; shorter histories are not cached."""
BUDGET = 32_000_000
"""Approximate bytes that a process spends on the cache."""

_SPARSE = 10
"""Events between two kept folds, per row of the fold: copying must stay cheap next to folding."""
_BYTES_PER_EVENT, _BYTES_PER_ROW = 16, 4000
"""Approximate."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = 2**63 - 1
"""The time of an event that cannot be read: later than every time."""


class NoSuchMoment(LookupError):
    """The aggregate did not exist then, or its history cannot be read up to then."""


class AggregateHistory:
    """The events of one aggregate and its states after them. Hold ``lock`` while using it.

    Args:
        log: the event log.
        aggregate_id: the aggregate.
        projection: fills the rows of the folds, None for no rows.
        step: events between two kept folds.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        aggregate_id: UUID,
        projection: Projection | None = None,
        step: int = STEP,
    ) -> None:
        self.lock = Lock()
        self._log = log
        self._id = aggregate_id
        self._projection = projection
        self._step = step
        self._reset()

    def _reset(self) -> None:
        self._positions, self._times = array("q"), array("q")
        self._first: dict[str, int] = {}
        self._last: Entry | None = None
        self._can_fold = True
        self._head = AggregateFold(self._projection)
        self._kept: list[AggregateFold] = []

    @property
    def length(self) -> int:
        """The number of events read so far."""
        return len(self._positions)

    @property
    def first_position(self) -> int | None:
        """The log position of the first event, None if no event was read."""
        return self._positions[0] if self._positions else None

    @property
    def weight(self) -> int:
        """The approximate size in memory, bytes."""
        rows = len(self._head.rows) * (1 + len(self._kept))
        return _BYTES_PER_EVENT * self.length + _BYTES_PER_ROW * rows

    def read_all(self) -> int:
        """Reads all events; returns their number."""
        self._read_to(None)
        return self.length

    def version_at(self, moment: Moment) -> int:
        """The number of events up to a moment.

        For a time, the last event that is not later counts, with all events before it: the clocks
        of hosts differ.
        """
        if not self._is_unchanged():
            self._reset()
        if isinstance(moment, int):
            self._read_to(moment)
            return bisect_right(self._positions, moment)
        self._read_to(None)
        limit = _microseconds(moment)
        places = range(self.length - 1, -1, -1)
        return next((place + 1 for place in places if self._times[place] <= limit), 0)

    def first_version(self, topic: str) -> int | None:
        """The version of the first event of a topic among the events read so far."""
        return self._first.get(topic)

    def fold(self, version: int) -> AggregateFold:
        """The fold of the events up to a version that was read. Do not modify it.

        Raises:
            NoSuchMoment: one of the events cannot be read or does not follow the others.
        """
        if version == self._head.version:
            return self._head
        place = bisect_right(self._kept, version, key=lambda kept: kept.version)
        fold = self._kept[place - 1].copy() if place else AggregateFold(self._projection)
        while fold.version < version:
            upto = min(version, fold.version + PAGE)
            page = self._log.history(self._id, fold.version, upto)
            if not page:  # the log was replaced between two reads
                raise NoSuchMoment(f"{self._id} has no version {version} any more.")
            for entry in page:
                if isinstance(entry, MalformedEntry):
                    raise NoSuchMoment(
                        f"version {entry.version} of {self._id} cannot be read: {entry.error}; "
                        f"earlier versions can be shown"
                    )
                self._apply(fold, entry)
        return fold

    def _apply(self, fold: AggregateFold, entry: RecordedEvent) -> None:
        try:
            fold.apply(entry)
        except Exception as error:
            raise NoSuchMoment(
                f"version {entry.version} of {self._id}, {entry.topic}, does not follow the events "
                f"before it ({error!r}); earlier versions can be shown"
            ) from error

    def _is_unchanged(self) -> bool:
        length = self.length
        return self._last is None or self._log.history(self._id, length - 1, length) == [self._last]

    def _read_to(self, position: int | None) -> None:
        """Reads on, to the end or until an event is after a position."""
        while position is None or not self._positions or self._positions[-1] < position:
            page = self._log.history(self._id, self.length, self.length + PAGE)
            for entry in page:
                if position is not None and entry.position > position:
                    return
                self._add(entry)
            if len(page) < PAGE:
                return

    def _add(self, entry: Entry) -> None:
        if isinstance(entry, MalformedEntry):
            self._can_fold, time = False, _NEVER
        else:
            time = _microseconds(entry.event.timestamp)
            if self._can_fold:
                self._advance_head(entry)
        self._positions.append(entry.position)
        self._times.append(time)
        self._first.setdefault(entry.topic, entry.version)
        self._last = entry

    def _advance_head(self, entry: RecordedEvent) -> None:
        try:
            self._head.apply(entry)
        except Exception:  # noqa: BLE001 - ``fold`` raises it for the versions that it concerns
            self._can_fold = False  # and the event may be half applied
            self._head = self._kept[-1].copy() if self._kept else AggregateFold(self._projection)
            return
        before = self._kept[-1].version if self._kept else 0
        if self._head.version - before >= max(self._step, _SPARSE * len(self._head.rows)):
            self._kept.append(self._head.copy())


class HistoryCache:
    """The histories of the most recently used long aggregates. Thread-safe.

    Args:
        log: the event log.
        budget: approximate bytes that the cache may use.
        step: events between two kept folds.
    """

    def __init__(self, log: ReadOnlyLog, *, budget: int = BUDGET, step: int = STEP) -> None:
        self._log = log
        self._budget = budget
        self._step = step
        self._lock = Lock()
        self._cached: OrderedDict[tuple[str, UUID], AggregateHistory] = OrderedDict()

    @contextmanager
    def open(self, aggregate_id: UUID, projection: Projection) -> Iterator[AggregateHistory]:
        """The history of an aggregate, locked until the block ends."""
        key = projection.schema.projection, aggregate_id
        with self._lock:
            history = self._cached.get(key)
            if history is None:
                history = AggregateHistory(self._log, aggregate_id, projection, self._step)
        with history.lock:
            try:
                yield history
            finally:
                self._store(key, history)

    def _store(self, key: tuple[str, UUID], history: AggregateHistory) -> None:
        with self._lock:
            self._cached.pop(key, None)
            if history.length < self._step:
                return
            self._cached[key] = history
            while sum(one.weight for one in self._cached.values()) > self._budget:
                self._cached.popitem(last=False)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
