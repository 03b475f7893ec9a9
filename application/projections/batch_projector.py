import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from application.ports.clock import Clock
from application.ports.event_log import Entry, EventLogUnavailable, MalformedEntry
from application.ports.projections import (
    Overtaken,
    Projection,
    ProjectionCheckpoint,
    ProjectionStore,
    StoreUnavailable,
    Target,
)
from application.ports.read_models import QuarantinedEvent

OUTAGES = (StoreUnavailable, EventLogUnavailable)
"""Errors that no event causes: the caller tries again, nothing is quarantined."""

LOGGED = 20
"""Quarantined events that are logged one by one; after that, every doubling."""
ERROR_LENGTH = 1000
"""Maximum number of characters of a stored error text."""

_log = logging.getLogger(__name__)


class BatchProjector:
    """Applies batches of events to all generations of read tables that are at their beginning.

    If a batch fails, it is divided, generation by generation and half by half, until the failing
    event is found. That event is quarantined and the others are applied.

    Args:
        store: holds the tables.
        projections: the projections to apply.
        clock: sets the time of quarantine entries.
    """

    def __init__(
        self, store: ProjectionStore, projections: Iterable[Projection], clock: Clock
    ) -> None:
        self._store = store
        self._clock = clock
        self._projections = {one.schema.projection: one for one in projections}
        self._quarantined = 0
        self._schemas = {name: one.schema for name, one in self._projections.items()}

    @property
    def projections(self) -> Mapping[str, Projection]:
        """The projections by name."""
        return self._projections

    def applies_to(self, checkpoint: ProjectionCheckpoint) -> bool:
        """Whether a generation has the version of this code."""
        schema = self._schemas.get(checkpoint.projection)
        return schema is not None and schema.version == checkpoint.version

    def apply(
        self,
        after: int,
        entries: Sequence[Entry],
        only: Collection[ProjectionCheckpoint] | None = None,
    ) -> bool:
        """Applies entries to the generations at a position.

        Args:
            after: the position.
            entries: the entries after it, without a gap.
            only: these generations; by default all at the position.

        Returns:
            False if another projector has applied them already.

        Raises:
            StoreUnavailable: nothing was applied.
        """
        try:
            return self._write(after, entries, only)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - the failing event is found and quarantined
            _log.info("a batch of %d events failed and is divided: %r", len(entries), error)
        chosen = self._store.checkpoints() if only is None else only
        checkpoints = [one for one in chosen if only is not None or one.position == after]
        results = [
            self._isolate(one, after, entries) for one in checkpoints if self.applies_to(one)
        ]
        return any(results)

    def _isolate(self, one: ProjectionCheckpoint, after: int, entries: Sequence[Entry]) -> bool:
        try:
            return self._write(after, entries, [one])
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - any failure of an event quarantines it
            if len(entries) == 1:
                return self._quarantine(one, after, entries[0], error)
        middle = len(entries) // 2
        first, second = entries[:middle], entries[middle:]
        return self._isolate(one, after, first) and self._isolate(one, first[-1].position, second)

    def _write(
        self, after: int, entries: Sequence[Entry], only: Collection[ProjectionCheckpoint] | None
    ) -> bool:
        def apply(target: Target) -> None:
            self._apply(self._projections[target.projection], target, entries)

        return self._advance(after, entries[-1].position, only, apply)

    def _advance(
        self,
        after: int,
        upto: int,
        only: Collection[ProjectionCheckpoint] | None,
        apply: Callable[[Target], None],
    ) -> bool:
        """Advances the generations; returns whether no other projector was faster."""
        try:
            with self._store.advance(after, upto, self._schemas, only) as targets:
                for target in targets:
                    apply(target)
        except Overtaken:
            return False
        return bool(targets)

    def _apply(self, projection: Projection, target: Target, entries: Sequence[Entry]) -> None:
        topics, handle, tables = projection.topics, projection.handle, target.tables
        for entry in entries:
            if topics is not None and entry.topic not in topics:
                continue
            if isinstance(entry, MalformedEntry):
                self._put_in_quarantine(target, entry, entry.error)
            else:
                handle(entry, tables)

    def _quarantine(
        self, one: ProjectionCheckpoint, after: int, entry: Entry, error: Exception
    ) -> bool:
        def put(target: Target) -> None:
            self._put_in_quarantine(target, entry, f"{type(error).__name__}: {error}")

        return self._advance(after, entry.position, [one], put)

    def _put_in_quarantine(self, target: Target, entry: Entry, error: str) -> None:
        self._quarantined += 1
        if _should_log(self._quarantined):
            _log.error(
                "projection %s quarantines event %d (%s of %s), %d events so far: %s",
                target.projection,
                entry.position,
                entry.topic,
                entry.aggregate_id,
                self._quarantined,
                error,
            )
        place = target.projection, entry.position, entry.topic, entry.aggregate_id
        target.quarantine(QuarantinedEvent(*place, error[:ERROR_LENGTH], self._clock.now()))


def _should_log(count: int) -> bool:
    """A defect that affects thousands of events must not flood the log."""
    return count <= LOGGED or count & (count - 1) == 0
