import logging
import threading

from application.kernel.periodic import PeriodicJob
from application.ports.clock import Clock
from application.ports.seal import Anchor, Seal, Seals, Signer, StoredEntries, StoredEntry
from application.seal import leaves, merkle
from application.seal.statement import DOMAIN, FIRST_PREVIOUS, Statement, digest, parse

log = logging.getLogger(__name__)

BATCH = 1024
"""Most entries of one seal."""


class AnchorAhead(Exception):
    """The anchor has seals that the database lacks: somebody removed them, or restored a backup."""


class Sealer:
    """Seals the entries of the event log that have no seal. Any number of processes may do so.

    Of two that seal at the same time one stores its seal; the other goes on after it.

    Args:
        entries: the event log.
        seals: those there are.
        signer: signs.
        anchor: gets the statements, too; None: there is none.
        clock: for the time of a seal.
        batch: most entries of one seal.
    """

    def __init__(
        self,
        entries: StoredEntries,
        seals: Seals,
        signer: Signer,
        anchor: Anchor | None,
        clock: Clock,
        batch: int = BATCH,
    ) -> None:
        self._entries = entries
        self._seals = seals
        self._signer = signer
        self._anchor = anchor
        self._clock = clock
        self._batch = batch
        self._anchored: int | None = None

    def seal(self) -> int:
        """Seals what has no seal; returns the number of entries.

        Raises:
            AnchorAhead: seals are missing; nothing was sealed.
            BadStatement: the newest seal is damaged; nothing was sealed.
            AnchorUnavailable: the anchor lacks some statements; the next call adds them.
            EventLogUnavailable: the database cannot be reached.
        """
        newest, count = self._seals.last(), 0
        self._check_anchor(newest)
        while found := self._entries.entries(_end(newest), self._batch):
            made = self._sealed(newest, found)
            if self._seals.add(made, found[-1].position):
                newest, count = made, count + len(found)
            else:  # another sealer was faster
                newest = self._seals.last()
        self._add_to_anchor()
        return count

    def _sealed(self, newest: Seal | None, found: list[StoredEntry]) -> Seal:
        hashed = [(entry.position, merkle.leaf(entry)) for entry in found]
        statement = Statement(
            number=1 if newest is None else newest.number + 1,
            after=_end(newest),
            first=found[0].position,
            last=found[-1].position,
            count=len(found),
            root=merkle.root(leaves.hashes(hashed)).hex(),
            previous=FIRST_PREVIOUS if newest is None else digest(newest.statement),
            sealed_at=self._clock.now().isoformat(),
            key=self._signer.key,
        )
        encoded = statement.encoded()
        signature = self._signer.sign(DOMAIN + encoded)
        return Seal(statement.number, encoded, signature, leaves.packed(hashed))

    def _check_anchor(self, newest: Seal | None) -> None:
        if self._anchor is None:
            return
        if self._anchored is None:
            self._anchored = len(self._anchor.statements())
        there = 0 if newest is None else newest.number
        if self._anchored > there:
            raise AnchorAhead(f"the anchor has {self._anchored} seals, the database {there}")

    def _add_to_anchor(self) -> None:
        while self._anchor is not None and self._anchored is not None:
            missing = self._seals.page(self._anchored, self._batch)
            if not missing:
                return
            self._anchor.add([seal.statement for seal in missing])
            self._anchored = missing[-1].number


def _end(newest: Seal | None) -> int:
    return 0 if newest is None else parse(newest.statement).last


class SealingJob:
    """Seals at an interval.

    Args:
        sealer: seals.
        interval: seconds; an event has its seal after so many at most.
        clock: measures how long the database is unreachable.
    """

    def __init__(self, sealer: Sealer, *, interval: float, clock: Clock) -> None:
        self._sealer = sealer
        self._job = PeriodicJob(
            log, "sealing failed", self._seal, interval=interval, clock=clock, first=interval
        )

    def run(self, stop: threading.Event) -> None:
        """Seals until ``stop`` is set, and a last time after it."""
        self._job.run(stop)
        try:
            self._seal()
        except Exception:
            log.exception("the last events before the end were not sealed")

    def _seal(self) -> None:
        count = self._sealer.seal()
        if count:
            log.debug("sealed %d events", count)
