"""What the bus on NATS does beyond the port's promises."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from application.ports.bus import Hint
from application.ports.poison import PoisonedMessage
from infrastructure.event_log.log import SqlEventLog
from infrastructure.messaging import EmbeddedNats, HintStreamSettings, NatsBus, Relay
from tests.integration.messaging.appending import append, append_name
from tests.nats import background, jetstream, run, until

COMMAND = "command.handled"


class Board:
    """A board of rejected messages in memory; ``fails`` before it stores."""

    def __init__(self, *, fails: bool = False) -> None:
        self._fails = fails
        self.errors: list[str] = []

    def put(
        self, consumer: str, subject: str, sequence: int, *, deliveries: int, error: str
    ) -> None:
        """Stores the error."""
        if self._fails:
            raise OSError("the disk is full")
        assert (consumer, subject, deliveries) == ("c", f"vigil.events.{COMMAND}", 1)
        assert sequence > 0
        self.errors.append(error)

    def remove(self, consumer: str, sequence: int) -> None:
        """Never called by a bus."""
        raise NotImplementedError

    def rows(self, limit: int = 100, consumer: str | None = None) -> list[PoisonedMessage]:
        """Never called by a bus."""
        raise NotImplementedError


def _recorder(seen: list[Hint]) -> Callable[[Hint], Awaitable[None]]:
    async def handler(hint: Hint) -> None:
        seen.append(hint)

    return handler


def test_poison_is_rejected_stored_and_holds_up_nothing(
    nats_server: EmbeddedNats, event_log: SqlEventLog, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        append(event_log, 1)
        seen: list[Hint] = []
        board = Board()
        bus = NatsBus(nats_server.settings, poison=board)
        async with (
            background(
                Relay(event_log, nats_server.settings).run(),
                bus.consume("c", (COMMAND,), _recorder(seen)),
            ),
            jetstream(nats_server.settings) as js,
        ):
            await until(lambda: len(seen) == 1, "the first hint arrives")
            for garbage in (b"", b"\xff\xfe", b"{}", b'{"position": "x"}', b"[" * 10_000):
                await js.publish(f"vigil.events.{COMMAND}", garbage)
            position = append(event_log, 1)[0]
            await until(lambda: len(board.errors) == 5, "each is stored")
            await until(lambda: seen[-1].position == position, "the next hint arrives")

            async def nothing_is_left() -> bool:
                info = await js.consumer_info("VIGIL", "c")
                return (info.num_ack_pending, info.num_pending) == (0, 0)

            await until(nothing_is_left, "all are acknowledged or rejected")

        assert len(seen) == 2
        assert all("not a hint" in error for error in board.errors)

    with caplog.at_level(logging.ERROR):
        run(scenario())
    assert len([r for r in caplog.records if "rejecting message" in r.message]) == 5


def test_a_rejection_that_cannot_be_stored_is_logged_and_holds_up_nothing(
    nats_server: EmbeddedNats, event_log: SqlEventLog, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        append(event_log, 1)
        seen: list[Hint] = []
        bus = NatsBus(nats_server.settings, poison=Board(fails=True))
        async with (
            background(
                Relay(event_log, nats_server.settings).run(),
                bus.consume("c", (COMMAND,), _recorder(seen)),
            ),
            jetstream(nats_server.settings) as js,
        ):
            await until(lambda: len(seen) == 1, "the first hint arrives")
            await js.publish(f"vigil.events.{COMMAND}", b"garbage")
            position = append(event_log, 1)[0]
            await until(lambda: seen[-1].position == position, "the next hint arrives")

    run(scenario())
    assert "could not store the rejection" in caplog.text


def test_a_cancellation_inside_a_handler_returns_the_hint_and_is_not_the_end(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    """A worker that stops cancels the futures of the keys that no slot has taken."""

    async def scenario() -> None:
        [position] = append(event_log, 1)
        seen: list[int] = []

        async def handler(hint: Hint) -> None:
            seen.append(hint.position)
            if len(seen) == 1:
                raise asyncio.CancelledError

        bus = NatsBus(nats_server.settings)
        async with background(
            Relay(event_log, nats_server.settings).run(), bus.consume("c", (COMMAND,), handler)
        ):
            await until(lambda: seen == [position] * 2, "it is delivered again")

    run(scenario())


def test_a_consumer_follows_its_topics_when_they_change(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        append(event_log, 2)
        seen: list[Hint] = []
        async with background(Relay(event_log, nats_server.settings).run()):
            old = NatsBus(nats_server.settings)
            async with background(old.consume("c", (COMMAND,), _recorder(seen))):
                await until(lambda: len(seen) == 2, "the first hints arrive")
            new = NatsBus(nats_server.settings)
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
