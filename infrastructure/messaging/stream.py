"""The JetStream stream that carries hints, for the relays."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from application.ports.event_log import RecordedEvent
from infrastructure.messaging import hints
from infrastructure.messaging.settings import HintStreamSettings

log = logging.getLogger(__name__)

LOOK_BACK = 64
"""Number of messages at the end that are searched for a readable hint."""
PAGE = 256
"""Consumers in one response of the server."""


@dataclass(frozen=True)
class Tail:
    """The end of a stream.

    Attributes:
        created: when the stream was created; it changes when the stream is created again.
        sequence: the last one, 0 if there is none.
        body: of the newest readable hint, None if there is none.
    """

    created: datetime | None
    sequence: int
    body: hints.Body | None


class OutOfStep(Exception):
    """Some or all of a batch was not stored at the expected sequences."""


class HintStream:
    """Reads and appends to the stream."""

    def __init__(self, jetstream: JetStreamContext, settings: HintStreamSettings) -> None:
        self._js = jetstream
        self._settings = settings

    async def ensure(self) -> bool:
        """Creates the stream, or updates its configuration.

        Returns:
            Whether it was created.
        """
        wanted = self._wanted()
        try:
            info = await self._js.stream_info(self._settings.name)
        except NotFoundError:
            await self._js.add_stream(wanted)
            return True
        if _compared(info.config) != _compared(wanted):
            log.warning("updating the configuration of stream %s", self._settings.name)
            await self._js.update_stream(wanted)
        return False

    async def tail(self) -> Tail:
        """The present end of the stream.

        Raises:
            NotFoundError: there is no stream.
        """
        info = await self._js.stream_info(self._settings.name)
        state = info.state
        oldest = max(state.first_seq, state.last_seq - LOOK_BACK) if state.messages else 1
        sequence = state.last_seq if state.messages else 0
        while sequence >= max(oldest, 1):
            body = await self._body(sequence)
            if body is not None:
                return Tail(info.created, state.last_seq, body)
            sequence -= 1
        return Tail(info.created, state.last_seq, None)

    async def append(self, after: int, entries: Sequence[RecordedEvent]) -> None:
        """Publishes hints at consecutive sequences after a known one.

        Raises:
            OutOfStep: the stream ends at another sequence, or a response is missing. ``tail`` shows
                how much was stored.
        """
        acks = await asyncio.gather(
            *(self._publish(after + i, entry) for i, entry in enumerate(entries)),
            return_exceptions=True,
        )
        for i, ack in enumerate(acks):
            if isinstance(ack, BaseException):
                raise OutOfStep(str(ack) or type(ack).__name__) from ack
            if ack.seq != after + i + 1:
                raise OutOfStep(f"stored at {ack.seq} instead of {after + i + 1}")

    async def purge(self, through: int) -> None:
        """Deletes all messages up to a sequence. Later ones, of other relays, stay."""
        await self._js.purge_stream(self._settings.name, seq=through + 1)

    async def rewind_consumers(self, last: int) -> int:
        """Creates durable consumers again whose sequence is after the end of the stream.

        Args:
            last: the stream's last sequence.

        Returns:
            Their number.
        """
        rewound, offset = 0, 0
        while page := await self._js.consumers_info(self._settings.name, offset):
            for info in page:
                rewound += await self._rewind(info, last)
            if len(page) < PAGE:
                break
            offset += len(page)
        return rewound

    async def _rewind(self, info: api.ConsumerInfo, last: int) -> bool:
        delivered = info.delivered.stream_seq if info.delivered else 0
        acknowledged = info.ack_floor.stream_seq if info.ack_floor else 0
        if max(delivered, acknowledged) <= last or info.config.durable_name is None:
            return False
        start = min(acknowledged, last) + 1
        log.warning(
            "consumer %s was at %d, but the stream ends at %d: creating it again from %d",
            info.name,
            max(delivered, acknowledged),
            last,
            start,
        )
        with contextlib.suppress(NotFoundError):  # another relay was faster
            await self._js.delete_consumer(self._settings.name, info.name)
        config = info.config.evolve(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=start
        )
        await self._js.add_consumer(self._settings.name, config)
        return True

    async def _publish(self, after: int, entry: RecordedEvent) -> api.PubAck:
        # The message id contains the sequence: after a purge the server still remembers the ids of
        # deleted messages, and would drop the repetition.
        return await self._js.publish(
            self._settings.subject(entry.topic),
            hints.encode(entry),
            stream=self._settings.name,
            headers=hints.headers(entry)
            | {
                api.Header.MSG_ID.value: f"{entry.position}@{after + 1}",
                api.Header.EXPECTED_LAST_SEQUENCE.value: str(after),
            },
        )

    async def _body(self, sequence: int) -> hints.Body | None:
        try:
            message = await self._js.get_msg(self._settings.name, seq=sequence)
        except NotFoundError:
            return None  # deleted by hand
        try:
            return hints.decode(message.data or b"")
        except hints.UnreadableHint:
            log.warning("message %d of stream %s is no hint", sequence, self._settings.name)
            return None

    def _wanted(self) -> api.StreamConfig:
        settings = self._settings
        return api.StreamConfig(
            name=settings.name,
            description="Hints that Vigil's event log has moved",
            subjects=[settings.subjects],
            retention=api.RetentionPolicy.LIMITS,
            discard=api.DiscardPolicy.OLD,
            storage=api.StorageType.FILE,
            max_msgs=settings.max_messages,
            max_bytes=settings.max_bytes,
            max_age=0,
            num_replicas=settings.replicas,
            duplicate_window=settings.duplicate_window,
        )


def _compared(config: api.StreamConfig) -> tuple[object, ...]:
    return (
        config.subjects,
        config.max_msgs,
        config.max_bytes,
        config.max_age or 0,
        config.num_replicas,
        config.duplicate_window,
    )


__all__ = ["HintStream", "OutOfStep", "Tail"]
