"""The bus's promise: a hint is delivered until somebody has handled it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys

import pytest

from application.ports.bus import Hint
from infrastructure.event_log.log import SqlEventLog
from infrastructure.messaging import EmbeddedNats, NatsBus, Relay, consumer
from tests.integration.messaging.appending import append
from tests.nats import background, jetstream, run, until

COMMAND = "command.handled"
ACK_WAIT = 1.5


class Recorder:
    """A handler that remembers what it was given."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []

    async def __call__(self, hint: Hint) -> None:
        self.hints.append(hint)

    @property
    def positions(self) -> set[int]:
        """Of the hints received."""
        return {hint.position for hint in self.hints}


async def _kill(server: EmbeddedNats) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not server.running, "the killed server is gone")


def _take_one_and_die(server: EmbeddedNats, position: int) -> None:
    command = [sys.executable, "-m", "tests.faults.messaging.consumer_process"]
    with subprocess.Popen(
        [*command, server.url, "shared", COMMAND, str(ACK_WAIT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert victim.stdin is not None
        assert victim.stdout is not None
        victim.stdin.write(server.token + "\n")
        victim.stdin.flush()
        assert victim.stdout.readline().split() == [str(position)]
        victim.kill()


def test_a_hint_of_a_killed_process_goes_to_another(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        [position] = append(event_log, 1)
        async with background(Relay(event_log, nats_server.settings).run()):
            await asyncio.to_thread(_take_one_and_die, nats_server, position)
            heir = Recorder()
            bus = NatsBus(nats_server.settings, ack_wait=ACK_WAIT)
            async with background(bus.consume("shared", (COMMAND,), heir)):
                await until(lambda: bool(heir.hints), "the hint is delivered again")

        assert [hint.position for hint in heir.hints] == [position]

    run(scenario())


def test_hints_reach_their_handlers_through_repeated_deaths_of_the_server(
    nats_server: EmbeddedNats, event_log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request for the next message dies with the server: the slot must not wait for its answer
    (here it would wait for ten minutes)."""
    monkeypatch.setattr(consumer, "EXPIRES", 600.0)

    async def scenario() -> None:
        seen = Recorder()
        bus = NatsBus(nats_server.settings, ack_wait=ACK_WAIT)
        expected: set[int] = set()
        async with background(
            Relay(event_log, nats_server.settings).run(), bus.consume("c", (COMMAND,), seen)
        ):
            for _ in range(4):
                expected.update(append(event_log, 10))
                await until(lambda: bool(seen.positions & expected), "some arrive")
                await _kill(nats_server)
                expected.update(append(event_log, 10))
                nats_server.start()
                await until(lambda: seen.positions == expected, "all arrive")

    run(scenario())


def test_a_consumer_survives_the_deletion_of_itself_its_stream_and_the_whole_store(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        seen = Recorder()
        bus = NatsBus(nats_server.settings, ack_wait=ACK_WAIT)

        async def arrives(what: str) -> None:
            [position] = append(event_log, 1)
            await until(lambda: position in seen.positions, f"hints arrive after {what}")

        async with (
            background(
                Relay(event_log, nats_server.settings).run(), bus.consume("c", (COMMAND,), seen)
            ),
            jetstream(nats_server.settings) as js,
        ):
            await arrives("the start")
            await js.delete_consumer("VIGIL", "c")
            await arrives("the loss of the consumer")
            await js.delete_stream("VIGIL")
            await arrives("the loss of the stream")
            await js.purge_stream("VIGIL")
            await arrives("a purge")
            await _kill(nats_server)
            shutil.rmtree(nats_server.store_dir)
            nats_server.start()
            await arrives("the loss of the store")

    run(scenario())
