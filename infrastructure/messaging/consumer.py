"""A durable pull consumer of the stream of hints."""

import logging

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NoMessage
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from infrastructure.messaging.connection import Connection, Interrupted
from infrastructure.messaging.settings import HintStreamSettings

log = logging.getLogger(__name__)

EXPIRES = 10.0
"""Seconds that the server keeps a request for the next message."""
UNLIMITED = -1


class ConsumerLost(Exception):
    """The consumer, or its stream, does not exist (any more)."""


class DurableConsumer:
    """One durable consumer, shared by all processes that name it.

    Args:
        connection: to the server.
        stream: holds the hints.
        name: durable name.
        topics: of the events whose hints it delivers.
        ack_wait: seconds until a hint that is not acknowledged is delivered again.
    """

    def __init__(
        self,
        connection: Connection,
        stream: HintStreamSettings,
        name: str,
        topics: tuple[str, ...],
        ack_wait: float,
    ) -> None:
        self._connection = connection
        self._js = connection.jetstream
        self._stream = stream.name
        self._name = name
        self._requests: JetStreamContext.PullSubscription | None = None
        self._wanted = api.ConsumerConfig(
            name=name,
            durable_name=name,
            deliver_policy=api.DeliverPolicy.ALL,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=ack_wait,
            max_deliver=UNLIMITED,
            filter_subjects=sorted({stream.subject(topic) for topic in topics}),
        )

    async def ensure(self) -> None:
        """Creates it, or updates its configuration.

        Raises:
            NotFoundError: there is no stream (yet): its relay creates it.
        """
        try:
            info = await self._js.consumer_info(self._stream, self._name)
        except NotFoundError:
            await self._js.add_consumer(self._stream, self._wanted)
            log.info("created consumer %s on stream %s", self._name, self._stream)
            return
        if _compared(info.config) != _compared(self._wanted):
            await self._update(info.config)

    async def next(self) -> Msg | None:
        """The next message; None if none came in time, or the connection was interrupted.

        Raises:
            ConsumerLost: the consumer does not exist.
        """
        if self._requests is None:
            self._requests = await self._js.pull_subscribe_bind(self._name, self._stream)
        try:
            # A message that comes after this request has ended answers the next one.
            [message] = await self._connection.attempt(self._requests.fetch(1, EXPIRES))
        except (NoMessage, Interrupted):
            return None
        except APIError as error:
            raise ConsumerLost(str(error)) from error
        return message

    async def _update(self, present: api.ConsumerConfig) -> None:
        # Its start cannot be changed, and need not be.
        wanted = self._wanted.evolve(
            deliver_policy=present.deliver_policy, opt_start_seq=present.opt_start_seq
        )
        log.warning("updating the configuration of consumer %s", self._name)
        try:
            await self._js.add_consumer(self._stream, wanted)
        except APIError as error:
            log.warning("consumer %s cannot be updated (%s): creating it again", self._name, error)
            await self._js.delete_consumer(self._stream, self._name)
            await self._js.add_consumer(self._stream, self._wanted)


def _compared(config: api.ConsumerConfig) -> tuple[object, ...]:
    subjects = config.filter_subjects or [config.filter_subject or ""]
    return sorted(subjects), config.ack_policy, config.ack_wait, config.max_deliver


__all__ = ["ConsumerLost", "DurableConsumer"]
