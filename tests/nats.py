"""A real NATS server per test, and what tests need to look into it.

Import the fixture where it is used: ``from tests.nats import nats_server  # noqa: F401``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import nats.errors
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from infrastructure.messaging import EmbeddedNats, NatsConnectionSettings, hints
from infrastructure.messaging.connection import connected

T = TypeVar("T")

PATIENCE = 30.0


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[EmbeddedNats]:
    """A running server with its own port, token and store."""
    server = EmbeddedNats(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


def run(work: Coroutine[Any, Any, T], timeout: float = 90.0) -> T:
    """Runs a test's coroutine, not for ever."""
    return asyncio.run(asyncio.wait_for(work, timeout))


async def until(
    condition: Callable[[], Awaitable[bool]] | Callable[[], bool],
    what: str,
    patience: float = PATIENCE,
) -> None:
    """Waits for a condition with a deadline."""
    deadline = time.monotonic() + patience
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {patience:.0f} s: {what}")
        await asyncio.sleep(0.02)


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Things that go on during a block. If one fails, the test fails."""
    tasks = [asyncio.create_task(coroutine) for coroutine in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def jetstream(settings: NatsConnectionSettings) -> AsyncIterator[JetStreamContext]:
    """A JetStream context of the test's own."""
    async with connected(settings, "test") as connection:
        yield connection.jetstream


async def stored(js: JetStreamContext, stream: str = "VIGIL") -> list[int]:
    """The log positions that a stream holds, in the stream's order."""
    state = (await _answered(lambda: js.stream_info(stream))).state
    found = []
    for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
        with suppress(NotFoundError):
            message = await _answered(partial(js.get_msg, stream, seq=sequence))
            found.append(hints.decode(message.data or b"").position)
    return found


async def _answered(ask: Callable[[], Awaitable[T]]) -> T:
    """An answer; the connection may just be on its way back to a restarted server."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await ask()
        except NotFoundError:
            raise
        except nats.errors.Error:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def last_sequence(js: JetStreamContext, stream: str = "VIGIL") -> int:
    """The stream's last sequence, 0 while there is no answer."""
    try:
        return (await js.stream_info(stream)).state.last_seq
    except nats.errors.Error:
        return 0
