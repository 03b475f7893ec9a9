import logging
import threading
from collections.abc import Iterable

from application.kernel.garbage import rare_garbage_collection
from application.kernel.retry import RetryPolicy
from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.projections import Projection, ProjectionCheckpoint, ProjectionStore
from application.projections.batch_projector import OUTAGES, BatchProjector
from application.projections.rebuild import Rebuilder, RebuildReport

BATCH = 500
"""Events per transaction."""
REBUILD_BATCHES = 4
"""Batches per transaction of a rebuild: rows that change often are written once."""
FLOOR = 1.0
"""Seconds after which the log is read even without a notification of new events."""
OUTAGE_RETRY = RetryPolicy(first_pause=0.1, longest_pause=5.0)
"""Pauses while a database cannot be reached."""

_log = logging.getLogger(__name__)


class Projector:
    """Keeps the read tables up to date with the log. Any number of projectors may run.

    All projections share one pass over the log and one transaction per batch. During an outage of a
    database the projector retries. If the version of a projection is newer than its active tables,
    new tables are built next to them and activated when they are up to date.

    Args:
        log: the event log.
        store: holds the tables.
        projections: the projections to apply.
        clock: sets the time of quarantine entries.
        batch: events per transaction.
    """

    def __init__(
        self,
        log: EventLog,
        store: ProjectionStore,
        projections: Iterable[Projection],
        clock: Clock,
        *,
        batch: int = BATCH,
    ) -> None:
        self._log = log
        self._store = store
        self._batch = batch
        self._batches = BatchProjector(store, projections, clock)
        self._rebuilder = Rebuilder(log, store, self._batches, clock, REBUILD_BATCHES * batch)

    def prepare(self) -> None:
        """Creates missing tables."""
        self._store.prepare(one.schema for one in self._batches.projections.values())
        end = self._log.end()
        for one in self._store.checkpoints():
            if one.active and one.position > end:
                _log.error(
                    "projection %s is at position %d, beyond the end of the log (%d): an older log "
                    "was restored; rebuild the projections",
                    one.projection,
                    one.position,
                    end,
                )

    def run(self, stop: threading.Event) -> None:
        """Follows the log until ``stop`` is set; retries during outages."""
        with rare_garbage_collection():
            self._run(stop)

    def _run(self, stop: threading.Event) -> None:
        failures = 0
        prepared = False
        while not stop.is_set():
            try:
                if not prepared:
                    self.prepare()
                    prepared = True
                if not self.step():
                    self._log.wait(self._reached(), FLOOR)
                failures = 0
            except OUTAGES as outage:
                failures += 1
                pause = OUTAGE_RETRY.delay(failures)
                _log.warning("projections retry in %.1f s: %s", pause, outage)
                stop.wait(pause)

    def catch_up(self) -> int:
        """Applies all events of the log; returns the position reached.

        Raises:
            StoreUnavailable, EventLogUnavailable: a database cannot be reached.
        """
        self.prepare()
        with rare_garbage_collection():
            while self.step():
                pass
        return self._reached()

    def step(self) -> bool:
        """Applies one batch per position of the tables; returns whether there was one."""
        checkpoints = self._store.checkpoints()
        active = {one.projection: one for one in checkpoints if one.active}
        applied = False
        for after in sorted(
            {one.position for one in active.values() if self._batches.applies_to(one)}
        ):
            entries = self._log.read(after, self._batch)
            if entries:
                self._batches.apply(after, entries)
                applied = True
        for one in checkpoints:
            live = active.get(one.projection)
            if self._batches.applies_to(one) and live is not None and live.version < one.version:
                self._continue_build(one)
                applied = True
        return applied

    def rebuild(self, *names: str) -> RebuildReport:
        """Rebuilds the tables of some projections (none named: of all) in one pass; activates them.

        The new tables are compared with the active ones first. Queries and other projectors are not
        interrupted.

        Raises:
            KeyError: there is no such projection.
            RebuildRefused: the active tables were built by newer code.
            RebuildLost: another rebuild of the projection began meanwhile.
            StoreUnavailable, EventLogUnavailable: a database cannot be reached.
        """
        self.prepare()
        known = self._batches.projections
        chosen = [known[name] for name in names or known]
        with rare_garbage_collection():
            return self._rebuilder.rebuild([one.schema for one in chosen])

    def _continue_build(self, built: ProjectionCheckpoint) -> None:
        entries = self._log.read(built.position, self._batch)
        if entries:
            self._batches.apply(built.position, entries, [built])
        elif self._store.activate(self._batches.projections[built.projection].schema, built):
            _log.info(
                "projection %s: version %d is active (generation %d)",
                built.projection,
                built.version,
                built.generation,
            )

    def _reached(self) -> int:
        """The lowest position of the active tables that this projector updates."""
        checkpoints = self._store.checkpoints()
        mine = [one.position for one in checkpoints if one.active and self._batches.applies_to(one)]
        return min(mine) if mine else self._log.end()
