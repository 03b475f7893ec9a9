"""Follows the log for one transport: at least once, in the order of the log."""

import logging
import threading
from collections.abc import Iterator

from application.kernel.outage_log import OutageLog
from application.kernel.retry import RetryPolicy
from application.notifier.composer import Composer
from application.notifier.transport_claim import TransportClaim
from application.ports.clock import Clock
from application.ports.event_log import (
    Entry,
    EventLog,
    EventLogUnavailable,
    MalformedEntry,
    RecordedEvent,
)
from application.ports.notifier import (
    Notification,
    Transport,
    TransportUnavailable,
)
from application.ports.poison import PoisonBoard
from application.ports.projections import StoreUnavailable
from application.workers.counting import SENT_NOTIFICATION, CountBuffer

LOG = logging.getLogger(__name__)

BATCH = 100
"""Notifications that are sent, and events that are read, at once."""
FLOOR = 1.0
"""Seconds after which the log is read even without a notice of new events."""
STANDBY = 1.0
"""Seconds between two looks at a transport that another notifier serves."""
RETRY = RetryPolicy(first_pause=0.5, longest_pause=15.0)
"""Pauses while a transport or the database is unavailable."""
OUTAGES = (EventLogUnavailable, StoreUnavailable)
PER_EVENT = 1_000_000
"""Sequence in quarantine = position * this + number of the notification."""


class Publisher:
    """Sends the notifications of the log's events over one transport.

    The position is stored after everything up to it was delivered, so a notifier that is killed
    sends some notifications again, with the same ids.

    Args:
        log: the event log.
        claim: to the transport.
        composer: of this publisher's own.
        transport: the transport.
        board: stores events and notifications that are given up.
        counters: counts what was sent.
        clock: measures outages.
    """

    def __init__(
        self,
        log: EventLog,
        claim: TransportClaim,
        composer: Composer,
        transport: Transport,
        *,
        board: PoisonBoard,
        counters: CountBuffer,
        clock: Clock,
    ) -> None:
        self._log = log
        self._claim = claim
        self._composer = composer
        self._transport = transport
        self._board = board
        self._counters = counters
        waiting = f"notifications wait for {transport.name}"
        self._outage = OutageLog(LOG, waiting, clock.monotonic)
        self._failures = 0

    @property
    def name(self) -> str:
        """The name of its transport."""
        return self._transport.name

    def run(self, stop: threading.Event) -> None:
        """Sends notifications until ``stop`` is set; survives outages."""
        try:
            while not stop.is_set():
                self._attempt(stop)
        finally:
            self._transport.close()

    def _attempt(self, stop: threading.Event) -> None:
        try:
            self._step(stop)
        except OUTAGES as outage:
            self._outage.failed(outage)
        except Exception:
            LOG.exception("%s: unexpected error; trying again", self._transport.name)
        else:
            return
        self._composer.forget()
        self._failures += 1
        stop.wait(RETRY.delay(self._failures))

    def _step(self, stop: threading.Event) -> None:
        after = self._claim.take(self._log.end)
        if after is None:
            self._composer.forget()
            stop.wait(STANDBY)
            return
        entries = self._log.read(after, BATCH)
        if not entries:
            self._recovered()
            self._log.wait(after, FLOOR)
            return
        for upto, batch in self._batches(entries):
            if not self._deliver(batch, stop):
                return
            if upto is None:
                continue
            if not self._claim.advance(after, upto):
                self._composer.forget()  # another notifier took over
                return
            after = upto

    def _batches(self, entries: list[Entry]) -> Iterator[tuple[int | None, list[Notification]]]:
        """Notifications in batches, with the position that is reached when a batch was sent.

        A large event gives several batches; the position is None until its last one.
        """
        batch: list[Notification] = []
        for entry in entries:
            for notification in self._composed(entry):
                if len(batch) == BATCH:
                    yield None, batch
                    batch = []
                batch.append(notification)
            if len(batch) == BATCH:
                yield entry.position, batch
                batch = []
        yield entries[-1].position, batch

    def _composed(self, entry: Entry) -> Iterator[Notification]:
        """The notifications of an event; one that cannot be composed is put in quarantine."""
        try:
            if isinstance(entry, MalformedEntry):
                if self._composer.follows(entry):
                    self._quarantine(entry, entry.error)
                return
            yield from self._composer.compose(entry)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - it must not hold up the other events
            self._quarantine(entry, f"{type(error).__name__}: {error}")

    def _deliver(self, batch: list[Notification], stop: threading.Event) -> bool:
        """Sends a batch, however long that takes; returns whether to go on."""
        refused: list[Notification] = []

        def refuse(one: Notification, attempts: int, error: str) -> None:
            self._give_up(one.position * PER_EVENT + one.number, one.event_type, attempts, error)
            refused.append(one)

        while not stop.is_set():
            try:
                if batch:
                    self._transport.send(batch, refuse)
            except TransportUnavailable as away:
                self._failures += 1
                self._outage.failed(away)
                stop.wait(RETRY.delay(self._failures))
                if not self._claim.is_held():
                    self._composer.forget()
                    return False
            else:
                self._recovered()
                self._count("sent", len(batch) - len(refused))
                self._count("refused", len(refused))
                return True
        return False

    def _recovered(self) -> None:
        self._failures = 0
        self._outage.over()

    def _quarantine(self, entry: RecordedEvent | MalformedEntry, error: str) -> None:
        self._count("quarantined", 1)
        self._give_up(entry.position * PER_EVENT, entry.topic, 0, error)

    def _give_up(self, sequence: int, subject: str, attempts: int, error: str) -> None:
        name = self._transport.name
        LOG.error("%s: given up: %s at %d: %s", name, subject, sequence // PER_EVENT, error)
        self._board.put(name, subject, sequence, deliveries=attempts, error=error)

    def _count(self, outcome: str, number: int) -> None:
        self._counters.note(SENT_NOTIFICATION, self._transport.name, outcome, number)
