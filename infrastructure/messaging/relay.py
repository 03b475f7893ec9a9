"""Copies the event log to the stream, as hints: in order, without gaps, without duplicates.

The newest hint in the stream shows how far the log was copied. The stream refuses a message that is
not meant for its next sequence. So any number of relays may run without a leader election, and a
stream that lost its tail, its content or itself is filled again from its newest hint.
"""

import asyncio
import logging
import random
from dataclasses import dataclass, replace

from nats.js.errors import NotFoundError

from application.ports.event_log import (
    Entry,
    EventLog,
    EventLogUnavailable,
    MalformedEntry,
    RecordedEvent,
)
from infrastructure.messaging import hints
from infrastructure.messaging.connection import (
    OUTAGES,
    RECONNECT,
    Connection,
    Interrupted,
    connected,
    raise_if_cancelled,
)
from infrastructure.messaging.settings import HintStreamSettings, NatsConnectionSettings
from infrastructure.messaging.stream import HintStream, OutOfStep, Tail

log = logging.getLogger(__name__)

BATCH = 256
"""Events read and published at once."""
FLOOR = 5.0
"""Seconds without a new event after which the stream and the log are compared again."""
STANDBY_DELAY = 0.2
"""Seconds that a relay on standby waits for the faster relay before it publishes itself."""


@dataclass(frozen=True)
class RelayStatus:
    """The state of a relay; for status displays and tests.

    Attributes:
        connected: whether it is connected to a stream.
        position: of the log, up to which the stream is filled.
        sequence: the last one of the stream.
        published: hints that this relay stored.
        skipped: malformed log entries, for which there is no hint.
        repaired: how often the stream was created again, emptied, rewound, or of another log.
        standby: whether another relay published last.
    """

    connected: bool = False
    position: int = 0
    sequence: int = 0
    published: int = 0
    skipped: int = 0
    repaired: int = 0
    standby: bool = False


@dataclass(frozen=True)
class _Mark:
    """Progress of a relay: the tail of the stream, and the last position that was read."""

    tail: Tail
    position: int


class Relay:
    """Publishes hints about the events of a log.

    Args:
        log: the event log, on the primary database: a lagging replica looks like lost history.
        nats: how to reach NATS.
        stream: the stream to fill.
        name: of this relay, for logs.
    """

    def __init__(
        self,
        log: EventLog,
        nats: NatsConnectionSettings,
        stream: HintStreamSettings | None = None,
        *,
        name: str = "relay",
    ) -> None:
        self._log = log
        self._nats = nats
        self._settings = stream or HintStreamSettings()
        self._name = name
        self._mark: _Mark | None = None
        self._last_logged = 0
        self._failures = 0
        self._status = RelayStatus()

    @property
    def status(self) -> RelayStatus:
        """The present state."""
        return self._status

    async def run(self) -> None:
        """Relays until cancelled; survives outages of NATS and of the log's database."""
        while True:
            raise_if_cancelled()
            try:
                async with connected(self._nats, self._name) as connection:
                    await self._relay(connection)
            except (*OUTAGES, EventLogUnavailable) as error:
                log.warning("%s: interrupted, resuming from the stream: %s", self._name, error)
                self._failures += 1
                await asyncio.sleep(RECONNECT.delay(self._failures))
            finally:
                self._update(connected=False)

    async def _relay(self, connection: Connection) -> None:
        stream = HintStream(connection.jetstream, self._settings)
        await stream.ensure()
        while True:
            raise_if_cancelled()
            try:
                await connection.attempt(self._round(stream))
                self._failures = 0
            except NotFoundError:
                log.warning("%s: no stream %s; creating it", self._name, self._settings.name)
                await stream.ensure()
            except Interrupted:
                log.info("%s: interrupted; reading the tail of the stream", self._name)
            except OutOfStep as error:
                log.info(
                    "%s: another relay was faster, or the stream changed: %s", self._name, error
                )
                self._update(standby=True)
                await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - not a secret

    async def _round(self, stream: HintStream) -> None:
        await self._follow(stream, await self._resume(stream))

    async def _resume(self, stream: HintStream) -> _Mark:
        """Repairs the stream if necessary; returns where to continue."""
        tail = await stream.tail()
        damage = self._damage(tail)
        if tail.body is not None and not await asyncio.to_thread(self._agrees, tail.body):
            damage = f"ends with position {tail.body.position} of another history; emptying it"
            await stream.purge(tail.sequence)
            tail = await stream.tail()
        if damage is not None:
            log.warning("%s: stream %s %s", self._name, self._settings.name, damage)
            self._update(repaired=self._status.repaired + 1)
        if damage is not None or self._mark is None:  # changes before the start are unknown
            await stream.rewind_consumers(tail.sequence)
        return self._reached(await self._marked(tail))

    def _damage(self, tail: Tail) -> str | None:
        """How the stream was damaged since the last look, None if it only grew."""
        if self._mark is None:
            return None
        known = self._mark.tail
        if tail.created != known.created:
            return "was created again"
        if tail.sequence < known.sequence:
            return f"was rewound from {known.sequence} to {tail.sequence}"
        if tail.body is None and known.body is not None:
            return "was emptied"
        if tail.sequence == known.sequence and tail.body != known.body:
            return "lost its last messages"
        return None

    async def _marked(self, tail: Tail) -> _Mark:
        known = self._mark
        if known is not None and known.tail == tail:
            return known  # unchanged: skipped positions stay skipped
        if tail.body is not None:
            if known is not None and tail.sequence > known.tail.sequence:
                self._update(standby=True)  # another relay publishes
            return _Mark(tail, tail.body.position)
        end = await asyncio.to_thread(self._log.end)
        position = max(0, end - self._settings.horizon)
        log.info("%s: the stream is empty; continuing from position %d", self._name, position)
        return _Mark(tail, position)

    def _agrees(self, body: hints.Body) -> bool:
        """Whether the log has the event of the stream's newest hint."""
        entries = self._log.read(body.position - 1, 1)
        if not entries:
            return False
        entry = entries[0]
        return (entry.position, entry.topic, entry.aggregate_id, entry.version) == (
            body.position,
            body.topic,
            body.aggregate_id,
            body.version,
        )

    async def _follow(self, stream: HintStream, mark: _Mark) -> None:
        """Publishes the events after a mark, until none comes for a while."""
        while True:
            raise_if_cancelled()
            if not await asyncio.to_thread(self._log.wait, mark.position, FLOOR):
                return
            if self._status.standby:
                await asyncio.sleep(STANDBY_DELAY)
                if await stream.tail() != mark.tail:
                    return  # the other relay published
            entries = await asyncio.to_thread(self._log.read, mark.position, BATCH)
            if not entries:
                return
            mark = await self._publish(stream, mark, entries)

    async def _publish(self, stream: HintStream, mark: _Mark, entries: list[Entry]) -> _Mark:
        publishable = [entry for entry in entries if self._can_publish(entry)]
        recorded = [entry for entry in publishable if isinstance(entry, RecordedEvent)]
        tail = mark.tail
        if recorded:
            await stream.append(tail.sequence, recorded)
            sequence = tail.sequence + len(recorded)
            tail = replace(tail, sequence=sequence, body=hints.Body.of(recorded[-1]))
            self._update(published=self._status.published + len(recorded), standby=False)
        return self._reached(_Mark(tail, entries[-1].position))

    def _can_publish(self, entry: Entry) -> bool:
        error = self._error(entry)
        if error is None:
            return True
        if entry.position > self._last_logged:  # logged once, not at each pass
            self._last_logged = entry.position
            self._update(skipped=self._status.skipped + 1)
            log.warning(
                "%s: no hint about position %d (%s of %s): %s",
                self._name,
                entry.position,
                entry.topic,
                entry.aggregate_id,
                error,
            )
        return False

    def _error(self, entry: Entry) -> str | None:
        if isinstance(entry, MalformedEntry):
            return entry.error
        try:
            self._settings.subject(entry.topic)
        except ValueError as error:
            return str(error)
        return None

    def _reached(self, mark: _Mark) -> _Mark:
        self._mark = mark
        self._update(connected=True, position=mark.position, sequence=mark.tail.sequence)
        return mark

    def _update(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type] # its own fields


__all__ = ["Relay", "RelayStatus"]
