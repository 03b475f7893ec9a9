import gc
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from application.ports.clock import Clock
from application.ports.event_log import Entry, EventLogUnavailable, MalformedEntry
from application.ports.projections import (
    Projection,
    ProjectionCheckpoint,
    ProjectionStore,
    StoreUnavailable,
    Target,
    quarantined,
)

OUTAGES = (StoreUnavailable, EventLogUnavailable)
"""What is waited out, and never held against an event."""

COLLECT = 100_000
"""Objects made before the cycle collector looks at them while much is folded."""
LINES = 20
"""Quarantined events that get a log line each."""

_log = logging.getLogger(__name__)


@contextmanager
def few_collections() -> Iterator[None]:
    """Keeps the cycle collector from searching thousands of events for cycles that they lack.

    They are freed by their reference counts after their batch; the searches took a quarter of the
    time of a rebuild.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], COLLECT), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class BatchProjector:
    """Folds batches of the log into every generation that stands where they begin.

    A batch that fails is taken apart, generation by generation and half by half, until the one
    event is found that cannot be taken in; that one is quarantined and the others proceed.

    Args:
        store: where the tables are.
        projections: what is folded.
        clock: dates quarantine entries.
    """

    def __init__(
        self, store: ProjectionStore, projections: Iterable[Projection], clock: Clock
    ) -> None:
        self._store = store
        self._clock = clock
        self._projections = {one.schema.projection: one for one in projections}
        self._put_aside_so_far = 0
        self._schemas = {name: one.schema for name, one in self._projections.items()}

    @property
    def projections(self) -> Mapping[str, Projection]:
        """What is folded, by name."""
        return self._projections

    def folds(self, checkpoint: ProjectionCheckpoint) -> bool:
        """Whether a generation is of the version that this code folds."""
        schema = self._schemas.get(checkpoint.projection)
        return schema is not None and schema.version == checkpoint.version

    def fold(
        self,
        after: int,
        entries: Sequence[Entry],
        only: Collection[ProjectionCheckpoint] | None = None,
    ) -> bool:
        """Moves what stands at ``after`` over some entries.

        Args:
            after: a position.
            entries: what follows it in the log, without a gap.
            only: some generations; all that stand there by default.

        Returns:
            Whether anything was moved (False: another projector was faster).

        Raises:
            StoreUnavailable: nothing was moved.
        """
        try:
            return self._write(after, entries, only)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is found and quarantined
            _log.info("a batch of %d events failed, taking it apart: %r", len(entries), error)
        chosen = self._store.checkpoints() if only is None else only
        checkpoint = [one for one in chosen if only is not None or one.position == after]
        results = [self._isolate(one, after, entries) for one in checkpoint if self.folds(one)]
        return any(results)

    def _isolate(self, one: ProjectionCheckpoint, after: int, entries: Sequence[Entry]) -> bool:
        try:
            return self._write(after, entries, [one])
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - an event's failure of any kind is its quarantine
            if len(entries) == 1:
                return self._quarantine(one, after, entries[0], error)
        middle = len(entries) // 2
        first, second = entries[:middle], entries[middle:]
        return self._isolate(one, after, first) and self._isolate(one, first[-1].position, second)

    def _write(
        self, after: int, entries: Sequence[Entry], only: Collection[ProjectionCheckpoint] | None
    ) -> bool:
        with self._store.advance(after, entries[-1].position, self._schemas, only) as targets:
            for target in targets:
                self._take_in(self._projections[target.projection], target, entries)
        return bool(targets)

    def _take_in(self, projection: Projection, target: Target, entries: Sequence[Entry]) -> None:
        topics, handle, tables = projection.topics, projection.handle, target.tables
        for entry in entries:
            if topics is not None and entry.topic not in topics:
                continue
            if isinstance(entry, MalformedEntry):
                self._put_aside(target, entry, entry.error)
            else:
                handle(entry, tables)

    def _quarantine(
        self, one: ProjectionCheckpoint, after: int, entry: Entry, error: Exception
    ) -> bool:
        with self._store.advance(after, entry.position, self._schemas, [one]) as targets:
            for target in targets:
                self._put_aside(target, entry, f"{type(error).__name__}: {error}")
        return bool(targets)

    def _put_aside(self, target: Target, entry: Entry, error: str) -> None:
        self._put_aside_so_far += 1
        if _worth_a_line(self._put_aside_so_far):
            _log.error(
                "projection %s quarantines event %d (%s of %s), its %d., and goes on: %s",
                target.projection,
                entry.position,
                entry.topic,
                entry.aggregate_id,
                self._put_aside_so_far,
                error,
            )
        at = self._clock.now()
        target.quarantine(
            quarantined(
                target.projection, entry.position, entry.topic, entry.aggregate_id, error, at
            )
        )


def _worth_a_line(count: int) -> bool:
    """A defect that meets thousands of events must not drown the log: each doubling is told."""
    return count <= LINES or count & (count - 1) == 0
