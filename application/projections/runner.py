import logging
import threading
from collections.abc import Iterable

from application.kernel.retry import RetryPolicy
from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.projections import Projection, ProjectionCheckpoint, ProjectionStore
from application.projections.batch import OUTAGES, BatchProjector, few_collections
from application.projections.rebuild import Rebuilder, RebuildReport

BATCH = 500
"""Events per transaction."""
FLOOR = 1.0
"""Seconds after which the log is looked at even if nothing announced an event."""
OUTAGE_RETRY = RetryPolicy(first_pause=0.1, longest_pause=5.0)
"""Pauses while a database cannot be reached."""
ALL = "all"

_log = logging.getLogger(__name__)


class Projector:
    """Keeps read tables up to date with the log. Any number may run at once.

    All projections share one pass over the log and one transaction per batch. An outage of a
    database is waited out. A projection whose code is newer than its shown tables is built anew
    beside them, and shown when it has caught up.

    Args:
        log: what is followed.
        store: where the tables are.
        projections: what is folded.
        clock: dates quarantine entries.
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
        self._folder = BatchProjector(store, projections, clock)
        self._rebuilder = Rebuilder(log, store, self._folder, clock, batch)

    def prepare(self) -> None:
        """Makes the tables that are missing."""
        self._store.prepare(one.schema for one in self._folder.projections.values())
        end = self._log.end()
        for one in self._store.checkpoints():
            if one.active and one.position > end:
                _log.error(
                    "projection %s stands at %d, beyond the end of the log (%d): the log was put "
                    "back to an earlier state; rebuild the projections",
                    one.projection,
                    one.position,
                    end,
                )

    def run(self, stop: threading.Event) -> None:
        """Follows the log until told to stop; outages are waited out."""
        with few_collections():
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
                _log.warning("projections wait %.1f s for a database: %s", pause, outage)
                stop.wait(pause)

    def catch_up(self) -> int:
        """Takes in everything that the log holds; returns the position reached.

        Raises:
            StoreUnavailable, EventLogUnavailable: a database cannot be reached.
        """
        self.prepare()
        with few_collections():
            while self.step():
                pass
        return self._reached()

    def step(self) -> bool:
        """Takes in one batch per position at which tables stand; returns whether there was one."""
        checkpoints = self._store.checkpoints()
        shown = {one.projection: one for one in checkpoints if one.active}
        moved = False
        for after in sorted({one.position for one in shown.values() if self._folder.folds(one)}):
            entries = self._log.read(after, self._batch)
            if entries:
                self._folder.fold(after, entries)
                moved = True
        for one in checkpoints:
            live = shown.get(one.projection)
            if self._folder.folds(one) and live is not None and live.version < one.version:
                self._grow(one)
                moved = True
        return moved

    def rebuild(self, name: str = ALL) -> RebuildReport:
        """Folds a projection (or all, in one pass) anew, compares it with what is shown, switches.

        Queries are served all the while, and other projectors may go on.

        Raises:
            KeyError: there is no such projection.
            RebuildRefused: what is shown was built by newer code.
            RebuildLost: another rebuild of it began meanwhile.
            StoreUnavailable, EventLogUnavailable: a database cannot be reached.
        """
        self.prepare()
        known = self._folder.projections
        chosen = list(known.values()) if name == ALL else [known[name]]
        with few_collections():
            return self._rebuilder.rebuild([one.schema for one in chosen])

    def _grow(self, built: ProjectionCheckpoint) -> None:
        entries = self._log.read(built.position, self._batch)
        if entries:
            self._folder.fold(built.position, entries, [built])
        elif self._store.activate(self._folder.projections[built.projection].schema, built):
            _log.info(
                "projection %s now shows version %d (generation %d)",
                built.projection,
                built.version,
                built.generation,
            )

    def _reached(self) -> int:
        """The least position of what this projector keeps up to date."""
        checkpoints = self._store.checkpoints()
        mine = [one.position for one in checkpoints if one.active and self._folder.folds(one)]
        return min(mine) if mine else self._log.end()
