"""An anchor in a JetStream stream that denies to delete or purge messages.

The n-th message is the statement of the n-th seal, so several sealers may add the same one. The
account of Vigil needs no permission to delete streams; without it, nobody with its credentials can
take a statement back.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from application.ports.seal import AnchorUnavailable
from application.seal.statement import BadStatement, parse
from infrastructure.messaging import NatsConnectionSettings
from infrastructure.messaging.connection import OUTAGES, connected

T = TypeVar("T")
TIMEOUT = 20.0
"""Seconds for all requests of one call."""


class AnchorStream:
    """Appends statements to a stream, which it creates if there is none.

    Args:
        settings: how to reach NATS.
        name: of the stream.
        replicas: of the stream, if it is created.
    """

    def __init__(self, settings: NatsConnectionSettings, name: str, replicas: int = 1) -> None:
        self._settings = settings
        self._name = name
        self._replicas = replicas

    def add(self, statements: Sequence[bytes]) -> None:
        """Appends statements, each at the sequence that is its number."""
        self._run(self._add(statements))

    def statements(self) -> list[bytes]:
        """All statements; none if there is no stream."""
        return self._run(self._statements())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run(asyncio.wait_for(work, TIMEOUT))
        except (*OUTAGES, APIError, BadStatement) as error:
            said = str(error) or "no response"
            raise AnchorUnavailable(f"stream {self._name}: {said}") from error

    async def _add(self, statements: Sequence[bytes]) -> None:
        async with connected(self._settings, "anchor") as nats:
            await self._ensure(nats.jetstream)
            for statement in statements:
                await self._publish(nats.jetstream, statement, parse(statement).number)

    async def _publish(self, stream: JetStreamContext, statement: bytes, number: int) -> None:
        header = {api.Header.EXPECTED_LAST_SEQUENCE.value: str(number - 1)}
        try:
            await stream.publish(self._subject, statement, stream=self._name, headers=header)
        except APIError:
            try:
                known = await stream.get_msg(self._name, seq=number)
            except NotFoundError:
                known = None
            if known is None or known.data != statement:  # else another sealer was faster
                raise

    async def _statements(self) -> list[bytes]:
        async with connected(self._settings, "anchor") as nats:
            try:
                state = (await nats.jetstream.stream_info(self._name)).state
            except NotFoundError:
                return []
            numbers = range(1, state.last_seq + 1)
            found = [await nats.jetstream.get_msg(self._name, seq=one) for one in numbers]
        return [one.data or b"" for one in found]

    async def _ensure(self, stream: JetStreamContext) -> None:
        try:
            config = (await stream.stream_info(self._name)).config
        except NotFoundError:
            await stream.add_stream(self._wanted())
            return
        if not (config.deny_delete and config.deny_purge):
            raise AnchorUnavailable(f"stream {self._name}: it allows to delete or purge messages")

    @property
    def _subject(self) -> str:
        return f"{self._name}.seals"

    def _wanted(self) -> api.StreamConfig:
        return api.StreamConfig(
            name=self._name,
            description="Statements of the seals of Vigil's event log",
            subjects=[self._subject],
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.NEW,
            num_replicas=self._replicas,
            deny_delete=True,
            deny_purge=True,
        )
