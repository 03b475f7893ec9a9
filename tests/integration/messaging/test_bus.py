"""What the bus on NATS does beyond the port's promises."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from nats.aio.msg import Msg

from application.kernel.retry import RetryPolicy
from application.ports.bus import Hint
from infrastructure.event_log.log import SqlEventLog
from infrastructure.messaging import (
    ConsumerSettings,
    EmbeddedNats,
    HintStreamSettings,
    NatsBus,
    RejectedMessage,
    Relay,
)
from infrastructure.messaging.delivery import Delivery
from tests.integration.messaging.appending import append, append_name
from tests.nats import background, jetstream, run, until

COMMAND = "command.handled"
QUICK = ConsumerSettings(slots=2, ack_wait=1.0, heartbeat=0.3, retry=RetryPolicy(0.05))


async def _ready(bus: NatsBus, name: str, delivered: int) -> None:
    await until(
        lambda: name in bus.stats and bus.stats[name].delivered >= delivered,
        f"{name} received {delivered}",
    )


def _recorder(seen: list[Hint]) -> Callable[[Hint], Awaitable[None]]:
    async def handler(hint: Hint) -> None:
        seen.append(hint)

    return handler


def test_signs_of_life_keep_a_hint_with_a_slow_handler(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    """The handler works for three times the acknowledgement wait, and nobody else gets the hint."""

    async def scenario() -> None:
        append(event_log, 1)
        seen: list[Hint] = []
        finished = asyncio.Event()

        async def slow(hint: Hint) -> None:
            seen.append(hint)
            await asyncio.sleep(3 * QUICK.ack_wait)
            finished.set()

        buses = [NatsBus(nats_server.settings, consumers=QUICK) for _ in range(2)]
        async with background(
            Relay(event_log, nats_server.settings).run(),
            *(bus.consume("slow", (COMMAND,), slow) for bus in buses),
        ):
            await asyncio.wait_for(finished.wait(), 20)

        assert [hint.deliveries for hint in seen] == [1]

    run(scenario())


async def _silence(_: Delivery, __: Msg) -> None:
    """A seeded defect: no sign of life is given."""


def test_without_heartbeats_it_would_be_delivered_again(
    nats_server: EmbeddedNats, event_log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(Delivery, "_send_heartbeats", _silence)

    async def scenario() -> None:
        append(event_log, 1)
        seen: list[Hint] = []
        again = asyncio.Event()

        async def stuck_once(hint: Hint) -> None:
            seen.append(hint)
            if hint.deliveries > 1:
                again.set()
            await again.wait()

        bus = NatsBus(nats_server.settings, consumers=QUICK)
        async with background(
            Relay(event_log, nats_server.settings).run(),
            bus.consume("mute", (COMMAND,), stuck_once),
        ):
            await asyncio.wait_for(again.wait(), 20)

        assert [hint.deliveries for hint in seen[:2]] == [1, 2]

    run(scenario())


def test_poison_is_rejected_reported_and_holds_up_nothing(
    nats_server: EmbeddedNats, event_log: SqlEventLog, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        append(event_log, 1)
        seen: list[Hint] = []
        reported: list[RejectedMessage] = []
        bus = NatsBus(nats_server.settings, consumers=QUICK, report=reported.append)
        async with (
            background(
                Relay(event_log, nats_server.settings).run(),
                bus.consume("c", (COMMAND,), _recorder(seen)),
            ),
            jetstream(nats_server.settings) as js,
        ):
            await _ready(bus, "c", 1)
            for garbage in (b"", b"\xff\xfe", b"{}", b'{"position": "x"}', b"[" * 10_000):
                await js.publish(f"vigil.events.{COMMAND}", garbage)
            position = append(event_log, 1)[0]
            await until(lambda: len(reported) == 5, "each is reported")
            await until(lambda: seen[-1].position == position, "the next hint arrives")
            info = await js.consumer_info("VIGIL", "c")

        assert (bus.stats["c"].rejected, bus.stats["c"].done) == (5, 2)
        assert {poison.data for poison in reported} >= {b"", b"{}"}
        assert all("not a hint" in poison.error for poison in reported)
        assert info.num_ack_pending == 0

    with caplog.at_level(logging.ERROR):
        run(scenario())
    assert len([r for r in caplog.records if "rejecting message" in r.message]) == 5


def test_a_failing_report_is_logged_and_holds_up_nothing(
    nats_server: EmbeddedNats, event_log: SqlEventLog, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        append(event_log, 1)
        seen: list[Hint] = []

        def report(_: RejectedMessage) -> None:
            raise OSError("the disk is full")

        bus = NatsBus(nats_server.settings, consumers=QUICK, report=report)
        async with (
            background(
                Relay(event_log, nats_server.settings).run(),
                bus.consume("c", (COMMAND,), _recorder(seen)),
            ),
            jetstream(nats_server.settings) as js,
        ):
            await _ready(bus, "c", 1)
            await js.publish(f"vigil.events.{COMMAND}", b"garbage")
            position = append(event_log, 1)[0]
            await until(lambda: seen[-1].position == position, "the next hint arrives")

    run(scenario())
    assert "could not report" in caplog.text


def test_a_hint_that_always_fails_is_deferred_longer_and_finally_given_up(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        append(event_log, 1)
        times: list[float] = []
        reported: list[RejectedMessage] = []

        async def failing(_: Hint) -> None:
            times.append(asyncio.get_running_loop().time())
            raise LookupError("never")

        settings = ConsumerSettings(slots=1, retry=RetryPolicy(0.1), give_up_after=4)
        bus = NatsBus(nats_server.settings, consumers=settings, report=reported.append)
        async with background(
            Relay(event_log, nats_server.settings).run(), bus.consume("c", (COMMAND,), failing)
        ):
            await until(lambda: bool(reported), "it is given up")

        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert len(times) == 4
        assert all(pause >= wait for pause, wait in zip(pauses, (0.1, 0.2, 0.4), strict=True))
        assert reported[0].deliveries == 4
        assert "LookupError: never" in reported[0].error
        assert (bus.stats["c"].failed, bus.stats["c"].rejected) == (3, 1)

    run(scenario())


def test_a_cancellation_inside_a_handler_is_a_failure_not_the_end(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        append(event_log, 1)
        deliveries: list[int] = []

        async def handler(hint: Hint) -> None:
            deliveries.append(hint.deliveries)
            if hint.deliveries == 1:
                raise asyncio.CancelledError

        bus = NatsBus(nats_server.settings, consumers=QUICK)
        async with background(
            Relay(event_log, nats_server.settings).run(), bus.consume("c", (COMMAND,), handler)
        ):
            await until(lambda: deliveries == [1, 2], "it is delivered again")

    run(scenario())


def test_handlers_that_do_not_finish_in_time_are_cut_off_and_their_hints_given_back(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    """The hint was once given back while idle slots of the same process still had requests open:
    the server answered one of those, nobody read it, and it was gone for the acknowledgement wait.
    """

    async def scenario() -> None:
        append(event_log, 1)
        seen: list[Hint] = []

        async def endless(hint: Hint) -> None:
            seen.append(hint)
            await asyncio.Event().wait()

        impatient = ConsumerSettings(ack_wait=600, stop_timeout=0.2)
        async with background(Relay(event_log, nats_server.settings).run()):
            first = NatsBus(nats_server.settings, consumers=impatient)
            task = asyncio.create_task(first.consume("c", (COMMAND,), endless))
            await _ready(first, "c", 1)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=10)
            assert done == {task}

            second = NatsBus(nats_server.settings, consumers=impatient)
            async with background(second.consume("c", (COMMAND,), _recorder(seen))):
                await _ready(second, "c", 1)

        assert [hint.deliveries for hint in seen] == [1, 2]

    run(scenario())


def test_a_consumer_follows_its_topics_when_they_change(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        append(event_log, 2)
        seen: list[Hint] = []
        async with background(Relay(event_log, nats_server.settings).run()):
            old = NatsBus(nats_server.settings, consumers=QUICK)
            async with background(old.consume("c", (COMMAND,), _recorder(seen))):
                await _ready(old, "c", 2)
            new = NatsBus(nats_server.settings, consumers=QUICK)
            async with background(new.consume("c", (COMMAND, "name.reserved"), _recorder(seen))):
                wanted = append_name(event_log, "n")
                await until(lambda: seen[-1].position == wanted, "the new topic arrives")

        assert [hint.position for hint in seen] == [1, 2, 3]

    run(scenario())


def test_a_consumer_waits_for_a_stream_that_nobody_made_yet(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        seen: list[Hint] = []
        bus = NatsBus(nats_server.settings, HintStreamSettings(name="LATE", prefix="late"))
        async with background(bus.consume("c", (COMMAND,), _recorder(seen))):
            append(event_log, 1)
            relay = Relay(
                event_log, nats_server.settings, HintStreamSettings(name="LATE", prefix="late")
            )
            async with background(relay.run()):
                await until(lambda: bool(seen), "the hint arrives")

    run(scenario())


def test_a_consumer_without_topics_or_with_an_impossible_one_is_refused(
    nats_server: EmbeddedNats,
) -> None:
    bus = NatsBus(nats_server.settings)
    for topics in ((), ("not a topic",), ("*",), ("a..b",)):
        with pytest.raises(ValueError, match=r"topic|subject"):
            run(bus.consume("c", topics, _recorder([])), timeout=10)
