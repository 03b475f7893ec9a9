"""Histories of single aggregates, read as far as they are asked about and remembered if long.

An audit that runs each minute has a hundred thousand events within weeks, and whoever looks
through its past asks about one moment after the other. So of a long history it is remembered when
each event was, and what the events up to every thousandth come to: the next answer folds a thousand
at most. The log stays the truth: each question checks that what is known of a history still ends
with the same event (a database may have been restored), and reads what has been added since.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry, RecordedEvent
from application.ports.projections import Projection
from application.replay.folds import Fold
from application.replay.history import ReadOnlyLog
from application.replay.travel import NoSuchMoment, unreadable

Moment = int | datetime
"""A log position, or a time (aware)."""

PAGE = 500
"""Events read at a time: a long history is never held as a whole."""
STEP = 1000
"""Events between two folds that are kept; histories that are shorter are not remembered."""
BUDGET = 32_000_000
"""Bytes, roughly, that a process spends on remembering."""

_SPARSE = 10
"""Events between two kept folds, per row of theirs: copying must stay cheap beside folding."""
_OF_EVENT, _OF_ROW = 16, 4000
"""Bytes, roughly."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = 2**63 - 1
"""The time of an event that cannot be read: no time is later."""


class AggregateHistory:
    """The history of one aggregate. Whoever uses it holds its lock meanwhile.

    Args:
        log: where its events are.
        aggregate_id: which one.
        projection: tells how it looks.
        step: events between two folds that are kept.
    """

    def __init__(
        self, log: ReadOnlyLog, aggregate_id: UUID, projection: Projection, step: int = STEP
    ) -> None:
        self.lock = Lock()
        self._log = log
        self._id = aggregate_id
        self._projection = projection
        self._step = step
        self._forget()

    def _forget(self) -> None:
        self._positions, self._times = array("q"), array("q")
        self._first: dict[str, int] = {}
        self._last: Entry | None = None
        self._readable = True
        self._head = Fold(self._projection)
        self._marks: list[Fold] = []

    @property
    def known(self) -> int:
        """How many events have been seen."""
        return len(self._positions)

    @property
    def weight(self) -> int:
        """Bytes that remembering it takes, roughly."""
        return _OF_EVENT * self.known + _OF_ROW * len(self._head.rows) * (1 + len(self._marks))

    def until(self, moment: Moment) -> int:
        """How many events there are up to a moment.

        Of times, the last event counts that is not later, and all before it: clocks differ.
        """
        if not self._stands():
            self._forget()
        if isinstance(moment, int):
            self._follow(moment)
            return bisect_right(self._positions, moment)
        self._follow(None)
        limit = _microseconds(moment)
        places = range(self.known - 1, -1, -1)
        return next((place + 1 for place in places if self._times[place] <= limit), 0)

    def version_of(self, topic: str) -> int | None:
        """The version of the first event of a topic, as far as the history was followed."""
        return self._first.get(topic)

    def fold(self, version: int) -> Fold:
        """What the events up to a version (which was seen) come to; only to be looked at.

        Raises:
            NoSuchMoment: one of them cannot be read.
        """
        if version == self._head.version:
            return self._head
        place = bisect_right(self._marks, version, key=lambda mark: mark.version)
        fold = self._marks[place - 1].copy() if place else Fold(self._projection)
        while fold.version < version:
            upto = min(version, fold.version + PAGE)
            page = self._log.history(self._id, fold.version, upto)
            if not page:  # they were there a moment ago: the log was exchanged meanwhile
                raise NoSuchMoment(f"{self._id} has no version {version} any more.")
            for entry in page:
                if isinstance(entry, MalformedEntry):
                    raise unreadable(entry)
                fold.take(entry)
        return fold

    def _stands(self) -> bool:
        known = self.known
        return self._last is None or self._log.history(self._id, known - 1, known) == [self._last]

    def _follow(self, upto: int | None) -> None:
        """Reads on, to the end or behind a position."""
        while upto is None or not self._positions or self._positions[-1] < upto:
            page = self._log.history(self._id, self.known, self.known + PAGE)
            for entry in page:
                if upto is not None and entry.position > upto:
                    return
                self._take(entry)
            if len(page) < PAGE:
                return

    def _take(self, entry: Entry) -> None:
        if isinstance(entry, MalformedEntry):
            self._readable, time = False, _NEVER
        else:
            time = _microseconds(entry.event.timestamp)
            if self._readable:
                self._fold_on(entry)
        self._positions.append(entry.position)
        self._times.append(time)
        self._first.setdefault(entry.topic, entry.version)
        self._last = entry

    def _fold_on(self, entry: RecordedEvent) -> None:
        try:
            self._head.take(entry)
        except Exception:
            self._forget()  # it may have been taken in by half
            raise
        before = self._marks[-1].version if self._marks else 0
        if self._head.version - before >= max(self._step, _SPARSE * len(self._head.rows)):
            self._marks.append(self._head.copy())


class HistoryCache:
    """The histories that are remembered, the latest used. Any thread may ask at any time.

    Args:
        log: where events are.
        budget: bytes, roughly, that may be spent on remembering.
        step: events between two folds that are kept.
    """

    def __init__(self, log: ReadOnlyLog, *, budget: int = BUDGET, step: int = STEP) -> None:
        self._log = log
        self._budget = budget
        self._step = step
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, UUID], AggregateHistory] = OrderedDict()

    @contextmanager
    def of(self, aggregate_id: UUID, projection: Projection) -> Iterator[AggregateHistory]:
        """The history of an aggregate; nobody else uses it meanwhile."""
        key = projection.schema.projection, aggregate_id
        with self._lock:
            strand = self._kept.get(key)
            if strand is None:
                strand = AggregateHistory(self._log, aggregate_id, projection, self._step)
        with strand.lock:
            try:
                yield strand
            finally:
                self._remember(key, strand)

    def _remember(self, key: tuple[str, UUID], strand: AggregateHistory) -> None:
        with self._lock:
            self._kept.pop(key, None)
            if strand.known < self._step:
                return
            self._kept[key] = strand
            while sum(one.weight for one in self._kept.values()) > self._budget:
                self._kept.popitem(last=False)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
