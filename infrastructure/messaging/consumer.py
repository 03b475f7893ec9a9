"""The durable consumer on the server: made when missing, brought up to date, made anew."""

import logging

from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from infrastructure.messaging.settings import ConsumerSettings, HintStreamSettings

log = logging.getLogger(__name__)

UNLIMITED = -1


class DurableConsumer:
    """One durable pull consumer, shared by all processes that name it.

    Args:
        jetstream: of the connection.
        stream, consumers: how it should be configured.
        name: durable name.
        topics: event topics wanted.
    """

    def __init__(
        self,
        jetstream: JetStreamContext,
        stream: HintStreamSettings,
        consumers: ConsumerSettings,
        name: str,
        topics: tuple[str, ...],
    ) -> None:
        self._js = jetstream
        self._stream = stream.name
        self._name = name
        self._wanted = api.ConsumerConfig(
            name=name,
            durable_name=name,
            deliver_policy=api.DeliverPolicy.ALL,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=consumers.ack_wait,
            max_deliver=UNLIMITED,
            max_ack_pending=consumers.max_pending,
            filter_subjects=sorted({stream.subject(topic) for topic in topics}),
        )

    async def ensure(self) -> None:
        """Makes it, or updates what differs.

        Raises:
            NotFoundError: there is no stream (yet): its relay makes it.
        """
        try:
            info = await self._js.consumer_info(self._stream, self._name)
        except NotFoundError:
            await self._js.add_consumer(self._stream, self._wanted)
            log.info("consumer %s made on stream %s", self._name, self._stream)
            return
        if _essence(info.config) != _essence(self._wanted):
            await self._update(info.config)

    async def _update(self, present: api.ConsumerConfig) -> None:
        # Where it starts cannot be changed, and need not be.
        wanted = self._wanted.evolve(
            deliver_policy=present.deliver_policy, opt_start_seq=present.opt_start_seq
        )
        log.warning("updating the configuration of consumer %s", self._name)
        try:
            await self._js.add_consumer(self._stream, wanted)
        except APIError as error:
            log.warning("consumer %s cannot be updated (%s): making it anew", self._name, error)
            await self._js.delete_consumer(self._stream, self._name)
            await self._js.add_consumer(self._stream, self._wanted)


def _essence(config: api.ConsumerConfig) -> tuple[object, ...]:
    subjects = config.filter_subjects or [config.filter_subject or ""]
    return (
        sorted(subjects),
        config.ack_policy,
        config.ack_wait,
        config.max_deliver,
        config.max_ack_pending,
    )


__all__ = ["DurableConsumer"]
