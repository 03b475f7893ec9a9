"""Copies the event log to the stream, as hints: in order, without gap, without double.

The stream itself says how far it got (its newest hint) and refuses whatever is not meant for its
very next sequence. So any number of relays may run, none needs to be elected, and a stream that
lost its tail, its content or itself is filled again from where it says it stands.
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
    RECONNECT,
    TROUBLE,
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
FLOOR = 1.0
"""Seconds of silence after which the stream and the log are compared again."""
PRECEDENCE = 0.2
"""Seconds that a relay which lost a race leaves to the winner before it publishes itself."""


@dataclass(frozen=True)
class RelayStatus:
    """What a relay did and knows; for status displays and tests.

    Attributes:
        connected: whether it is talking to a stream.
        position: of the log, that the stream has reached.
        sequence: of the stream.
        published: hints that this relay stored.
        skipped: log entries that it passed over because they are malformed.
        healed: times that it found the stream made anew, emptied, rewound or foreign.
        standby: whether another relay was faster lately.
    """

    connected: bool = False
    position: int = 0
    sequence: int = 0
    published: int = 0
    skipped: int = 0
    healed: int = 0
    standby: bool = False


@dataclass(frozen=True)
class _Mark:
    """Where the relay stands: the stream's tail, and how far the log was read."""

    tail: Tail
    position: int


class Relay:
    """The relay process.

    Args:
        log: the event log. It must be the primary: a lagging replica looks like lost history.
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
        self._warned = 0
        self._failures = 0
        self._status = RelayStatus()

    @property
    def status(self) -> RelayStatus:
        """How it goes."""
        return self._status

    async def run(self) -> None:
        """Relays until cancelled, whatever happens to NATS or to the log's database."""
        while True:
            raise_if_cancelled()
            try:
                async with connected(self._nats, self._name) as connection:
                    await self._relay(connection)
            except (*TROUBLE, EventLogUnavailable) as error:
                log.warning("%s: interrupted, resuming from the stream: %s", self._name, error)
                self._failures += 1
                await asyncio.sleep(RECONNECT.delay(self._failures))
            finally:
                self._note(connected=False)

    async def _relay(self, connection: Connection) -> None:
        stream = HintStream(connection.jetstream, self._settings)
        await stream.ensure()
        while True:
            raise_if_cancelled()
            try:
                await connection.attempt(self._round(stream))
                self._failures = 0
            except NotFoundError:
                log.warning("%s: stream %s is gone", self._name, self._settings.name)
                await stream.ensure()
            except Interrupted:
                log.info("%s: interrupted; asking the stream", self._name)
            except OutOfStep as refusal:
                # Another relay was faster, or the stream changed under us: its tail will tell.
                log.info("%s: out of step (%s); asking the stream", self._name, refusal)
                self._note(standby=True)
                await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - not a secret

    async def _round(self, stream: HintStream) -> None:
        await self._follow(stream, await self._resume(stream))

    async def _resume(self, stream: HintStream) -> _Mark:
        """Finds out where to go on, after healing what is wrong with the stream."""
        tail = await stream.tail()
        ailment = self._ailment(tail)
        if tail.body is not None and not await asyncio.to_thread(self._agrees, tail.body):
            ailment = f"ends with position {tail.body.position} of another history; emptying it"
            await stream.forget(tail.sequence)
            tail = await stream.tail()
        if ailment is not None:
            log.warning("%s: stream %s %s", self._name, self._settings.name, ailment)
            self._note(healed=self._status.healed + 1)
        if ailment is not None or self._mark is None:  # what happened before we came is unknown
            await stream.rewind_consumers(tail.sequence)
        return self._at(await self._marked(tail))

    def _ailment(self, tail: Tail) -> str | None:
        """What happened to the stream since the relay saw it last, None if it only grew."""
        if self._mark is None:
            return None
        known = self._mark.tail
        if tail.created != known.created:
            return "was made anew"
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
            return known  # nobody touched it; positions passed over stay passed
        if tail.body is not None:
            if known is not None and tail.sequence > known.tail.sequence:
                self._note(standby=True)  # somebody else is relaying
            return _Mark(tail, tail.body.position)
        end = await asyncio.to_thread(self._log.end)
        position = max(0, end - self._settings.horizon)
        log.info("%s: the stream is empty; going on from position %d", self._name, position)
        return _Mark(tail, position)

    def _agrees(self, body: hints.Body) -> bool:
        """Whether the log holds what the stream's newest hint says."""
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
        """Publishes what the log holds behind a mark, until it is silent for a while."""
        while True:
            raise_if_cancelled()
            if not await asyncio.to_thread(self._log.wait, mark.position, FLOOR):
                return
            if self._status.standby:
                await asyncio.sleep(PRECEDENCE)
                if await stream.tail() != mark.tail:
                    return  # the other one did it
            entries = await asyncio.to_thread(self._log.read, mark.position, BATCH)
            if not entries:
                return
            mark = await self._publish(stream, mark, entries)

    async def _publish(self, stream: HintStream, mark: _Mark, entries: list[Entry]) -> _Mark:
        fit = [entry for entry in entries if self._fit(entry)]
        recorded = [entry for entry in fit if isinstance(entry, RecordedEvent)]
        tail = mark.tail
        if recorded:
            await stream.append(tail.sequence, recorded)
            sequence = tail.sequence + len(recorded)
            tail = replace(tail, sequence=sequence, body=hints.Body.of(recorded[-1]))
            self._note(published=self._status.published + len(recorded), standby=False)
        return self._at(_Mark(tail, entries[-1].position))

    def _fit(self, entry: Entry) -> bool:
        trouble = self._trouble(entry)
        if trouble is None:
            return True
        if entry.position > self._warned:  # said once, not at each pass
            self._warned = entry.position
            self._note(skipped=self._status.skipped + 1)
            log.warning(
                "%s: no hint about position %d (%s of %s): %s",
                self._name,
                entry.position,
                entry.topic,
                entry.aggregate_id,
                trouble,
            )
        return False

    def _trouble(self, entry: Entry) -> str | None:
        if isinstance(entry, MalformedEntry):
            return entry.error
        try:
            self._settings.subject(entry.topic)
        except ValueError as error:
            return str(error)
        return None

    def _at(self, mark: _Mark) -> _Mark:
        self._mark = mark
        self._note(connected=True, position=mark.position, sequence=mark.tail.sequence)
        return mark

    def _note(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type] # its own fields


__all__ = ["Relay", "RelayStatus"]
