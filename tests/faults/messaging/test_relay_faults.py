"""The relay's promise: the stream tells of every event once, in order, whatever happens."""

import asyncio
import os
import random
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from nats.js import JetStreamContext, api

from application.ports.event_log import RecordedEvent
from infrastructure.event_log.log import SqlEventLog
from infrastructure.messaging import EmbeddedNats, HintStreamSettings, Relay, hints
from infrastructure.messaging import relay as relay_module
from infrastructure.messaging.stream import HintStream
from tests.integration.messaging.appending import append
from tests.nats import background, jetstream, last_sequence, run, stored, until


async def _reaches(js: JetStreamContext, sequence: int) -> None:
    async def reached() -> bool:
        return await last_sequence(js) >= sequence

    await until(reached, f"the stream reaches sequence {sequence}")


def _kill(server: EmbeddedNats) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


CHAOS = random.Random()


async def _appending(log: SqlEventLog, count: int) -> list[int]:
    positions = []
    for _ in range(count):
        positions += await asyncio.to_thread(append, log, 1, together=CHAOS.choice((1, 1, 2, 5)))
        await asyncio.sleep(CHAOS.uniform(0, 0.01))
    return positions


def test_two_relays_and_a_server_killed_many_times_leave_no_gap_and_no_double(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        one = Relay(event_log, nats_server.settings, name="one")
        two = Relay(event_log, nats_server.settings, name="two")
        async with (
            jetstream(nats_server.settings) as js,
            background(one.run(), two.run()),
        ):
            writing = asyncio.create_task(_appending(event_log, 300))
            kills = 0
            while not writing.done() or kills < 6:
                await asyncio.sleep(CHAOS.uniform(0.1, 0.5))
                _kill(nats_server)
                await until(lambda: not nats_server.running, "the killed server is gone")
                nats_server.start()
                kills += 1
            last = (await writing)[-1]
            await until(
                lambda: one.status.position == two.status.position == last,
                "both relays have seen the end",
            )

            assert await stored(js) == list(range(1, last + 1))
            assert one.status.repaired == two.status.repaired == 0

    run(scenario())


class _UnfencedStream(HintStream):
    """The control: publishes without saying which sequence it means."""

    async def append(self, after: int, entries: Sequence[RecordedEvent]) -> None:
        for entry in entries:
            await self._js.publish(self._settings.subject(entry.topic), hints.encode(entry))


def test_without_the_fence_two_relays_double_hints(
    nats_server: EmbeddedNats, event_log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: it must be able to fail."""
    monkeypatch.setattr(relay_module, "HintStream", _UnfencedStream)

    async def scenario() -> None:
        append(event_log, 200)
        one = Relay(event_log, nats_server.settings, name="one")
        two = Relay(event_log, nats_server.settings, name="two")
        async with (
            jetstream(nats_server.settings) as js,
            background(one.run(), two.run()),
        ):
            await until(
                lambda: one.status.position == two.status.position == 200, "both are through"
            )

            positions = await stored(js)
            assert len(positions) > len(set(positions))

    run(scenario())


def test_a_deleted_store_is_filled_again(nats_server: EmbeddedNats, event_log: SqlEventLog) -> None:
    async def scenario() -> None:
        positions = append(event_log, 40)
        relay = Relay(event_log, nats_server.settings)
        async with jetstream(nats_server.settings) as js, background(relay.run()):
            await _reaches(js, 40)
            _kill(nats_server)
            await until(lambda: not nats_server.running, "the killed server is gone")
            shutil.rmtree(nats_server.store_dir)
            positions += append(event_log, 3)
            nats_server.start()

            await _reaches(js, 43)

            assert await stored(js) == positions
            assert relay.status.repaired == 1

    run(scenario())


def test_a_stream_that_lost_its_tail_is_noticed_and_completed(
    nats_server: EmbeddedNats, event_log: SqlEventLog, tmp_path: Path
) -> None:
    """A power cut may take messages that JetStream had acknowledged; here: an older copy."""

    async def scenario() -> None:
        append(event_log, 20)
        relay = Relay(event_log, nats_server.settings)
        async with jetstream(nats_server.settings) as js, background(relay.run()):
            await _reaches(js, 20)
            await js.add_consumer("VIGIL", api.ConsumerConfig(durable_name="reader"))
            nats_server.stop()
            shutil.copytree(nats_server.store_dir, tmp_path / "older")
            nats_server.start()
            append(event_log, 30)
            await _reaches(js, 50)
            reader = await js.pull_subscribe_bind("reader", "VIGIL")
            for message in await reader.fetch(50, timeout=10):
                await message.ack()
            nats_server.stop()
            shutil.rmtree(nats_server.store_dir)
            shutil.copytree(tmp_path / "older", nats_server.store_dir)
            nats_server.start()

            await until(lambda: relay.status.repaired == 1, "the relay noticed the rewind")
            append(event_log, 1)
            await _reaches(js, 51)

            assert await stored(js) == list(range(1, 52))
            again: set[int] = set()
            while 51 not in again:
                for message in await reader.fetch(51, timeout=10):
                    again.add(hints.decode(message.data).position)
                    await message.ack()
            assert again >= set(range(21, 52)), "the reader is told again of what was lost"

    run(scenario())


def test_a_relay_that_starts_before_its_server_waits_for_it(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        append(event_log, 5)
        settings = nats_server.settings
        nats_server.stop()
        relay = Relay(event_log, settings, HintStreamSettings())
        async with background(relay.run()):
            await asyncio.to_thread(event_log.wait, 5, 0.7)
            assert not relay.status.connected
            nats_server.start()

            await until(lambda: relay.status.position == 5, "the relay caught up")

    run(scenario())


def test_a_cancelled_relay_ends_at_once_even_without_a_server(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        relay = Relay(event_log, nats_server.settings)
        running = asyncio.create_task(relay.run())
        await until(lambda: relay.status.connected, "the relay is at work")
        nats_server.stop()
        append(event_log, 300)
        running.cancel()

        done, _ = await asyncio.wait({running}, timeout=10)

        assert done == {running}
        assert running.cancelled()

    run(scenario())
