"""The bus's promise: a hint is delivered until somebody has handled it."""

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from application.kernel.retry import RetryPolicy
from application.ports.bus import Hint
from infrastructure.event_log.log import SqlEventLog
from infrastructure.messaging import ConsumerSettings, EmbeddedNats, NatsBus, Relay, consumer
from tests.integration.messaging.appending import append
from tests.nats import background, jetstream, run, until

COMMAND = "command.handled"
QUICK = ConsumerSettings(slots=2, ack_wait=1.5, heartbeat=0.4, retry=RetryPolicy(0.05))


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


async def _delivery_is_on_disk(server: EmbeddedNats, name: str) -> None:
    """The server writes what it delivered a moment later; killed before, it delivers it again.

    The heartbeats of the working handler make it write again.
    """
    now = time.time_ns()
    state = server.store_dir / "$G" / "streams" / "VIGIL" / "obs" / name / "o.dat"
    await until(lambda: state.exists() and state.stat().st_mtime_ns > now, "the state is written")


def _take_one_and_die(server: EmbeddedNats, position: int) -> None:
    command = [sys.executable, "-m", "tests.faults.messaging.consumer_process"]
    with subprocess.Popen(
        [*command, server.url, "shared", COMMAND, str(QUICK.ack_wait)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert victim.stdin is not None
        assert victim.stdout is not None
        victim.stdin.write(server.token + "\n")
        victim.stdin.flush()
        assert victim.stdout.readline().split() == [str(position), "1"]
        victim.kill()


def test_a_hint_of_a_killed_process_goes_to_another(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        [position] = append(event_log, 1)
        async with background(Relay(event_log, nats_server.settings).run()):
            await asyncio.to_thread(_take_one_and_die, nats_server, position)
            heir = Recorder()
            bus = NatsBus(nats_server.settings, consumers=QUICK)
            async with background(bus.consume("shared", (COMMAND,), heir)):
                await until(lambda: bool(heir.hints), "the hint is delivered again")

        assert [(hint.position, hint.deliveries) for hint in heir.hints] == [(position, 2)]

    run(scenario())


def test_hints_reach_their_handlers_through_repeated_deaths_of_the_server(
    nats_server: EmbeddedNats, event_log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request for the next message dies with the server: the slot must not wait for its answer
    (here it would wait for ten minutes)."""
    monkeypatch.setattr(consumer, "EXPIRES", 600.0)

    async def scenario() -> None:
        seen = Recorder()
        bus = NatsBus(nats_server.settings, consumers=QUICK)
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


def test_a_handler_that_works_while_the_server_dies_still_acknowledges(
    nats_server: EmbeddedNats, event_log: SqlEventLog, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        append(event_log, 1)
        started, release = asyncio.Event(), asyncio.Event()
        seen: list[Hint] = []

        async def handler(hint: Hint) -> None:
            seen.append(hint)
            started.set()
            await release.wait()

        patient = ConsumerSettings(slots=1, ack_wait=60, heartbeat=0.2)
        bus = NatsBus(nats_server.settings, consumers=patient)
        async with background(
            Relay(event_log, nats_server.settings).run(), bus.consume("c", (COMMAND,), handler)
        ):
            await started.wait()
            await _delivery_is_on_disk(nats_server, "c")
            await _kill(nats_server)
            nats_server.start()
            await until(lambda: "c: connected to NATS again" in caplog.text, "the bus is back")
            release.set()

            async with jetstream(nats_server.settings) as js:

                async def acknowledged() -> bool:
                    info = await js.consumer_info("VIGIL", "c")
                    return (info.num_ack_pending, info.num_pending) == (0, 0)

                await until(acknowledged, "the acknowledgement reached the new server")

        assert len(seen) == 1

    with caplog.at_level(logging.INFO):
        run(scenario())


def test_a_consumer_survives_the_deletion_of_itself_its_stream_and_the_whole_store(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        seen = Recorder()
        bus = NatsBus(nats_server.settings, consumers=QUICK)

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
