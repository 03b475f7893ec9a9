import asyncio
import logging
from pathlib import Path

import pytest
from nats.js import JetStreamContext, api

from application.ports.event_log import EventLog, EventLogUnavailable
from infrastructure.event_log.log import SqlEventLog
from infrastructure.messaging import EmbeddedNats, HintStreamSettings, Relay, hints
from tests.integration.messaging.appending import append, append_name, append_nonsense, make_log
from tests.nats import background, jetstream, last_sequence, run, stored, until


async def _reaches(js: JetStreamContext, sequence: int, stream: str = "VIGIL") -> None:
    async def reached() -> bool:
        return await last_sequence(js, stream) >= sequence

    await until(reached, f"the stream reaches sequence {sequence}")


def test_every_event_is_hinted_at_in_order_with_its_provenance(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        positions = append(event_log, 3)
        relay = Relay(event_log, nats_server.settings)
        async with background(relay.run()), jetstream(nats_server.settings) as js:
            await _reaches(js, 3)
            positions.append(append_name(event_log, "later"))
            await _reaches(js, 4)

            assert await stored(js) == positions
            message = await js.get_msg("VIGIL", seq=4)
            [entry] = event_log.read(positions[-1] - 1, 1)
            assert message.subject == "vigil.events.name.reserved"
            body = hints.decode(message.data or b"")
            assert body == hints.Body(positions[-1], "name.reserved", entry.aggregate_id, 1)
            assert message.headers is not None
            assert message.headers[hints.POSITION] == str(positions[-1])
            assert message.headers[hints.REQUEST] == "req-1"
            assert message.headers["Nats-Msg-Id"].startswith(f"{positions[-1]}@")

    run(scenario())


def test_the_stream_is_bounded_but_never_by_age(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    """The newest message is the relay's bookmark: an expiring one would make it start over."""

    async def scenario() -> None:
        settings = HintStreamSettings(
            name="SMALL", prefix="small", max_messages=5, max_bytes=100_000
        )
        append(event_log, 12)
        relay = Relay(event_log, nats_server.settings, settings)
        async with background(relay.run()), jetstream(nats_server.settings) as js:
            await _reaches(js, 12, "SMALL")

            config = (await js.stream_info("SMALL")).config
            assert (config.max_msgs, config.max_bytes, config.max_age or 0) == (5, 100_000, 0)
            assert await stored(js, "SMALL") == [8, 9, 10, 11, 12]

    run(scenario())


def test_a_stream_with_outdated_limits_is_brought_up_to_date(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        async with jetstream(nats_server.settings) as js:
            await js.add_stream(name="VIGIL", subjects=["vigil.events.>"], max_age=1.0)
            append(event_log, 2)
            async with background(Relay(event_log, nats_server.settings).run()):
                await _reaches(js, 2)

                config = (await js.stream_info("VIGIL")).config
                assert (config.max_age or 0, config.max_msgs) == (
                    0,
                    HintStreamSettings().max_messages,
                )

    run(scenario())


def test_a_restarted_relay_goes_on_where_the_stream_stands(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        positions = append(event_log, 10)
        async with jetstream(nats_server.settings) as js:
            async with background(Relay(event_log, nats_server.settings).run()):
                await _reaches(js, 10)
            positions += append(event_log, 5)
            successor = Relay(event_log, nats_server.settings)
            async with background(successor.run()):
                await _reaches(js, 15)

            assert await stored(js) == positions
            assert successor.status.published == 5
            assert successor.status.repaired == 0

    run(scenario())


def test_a_malformed_entry_gets_no_hint_and_stops_nothing(
    nats_server: EmbeddedNats,
    event_log: SqlEventLog,
    log_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        first = append(event_log, 2)
        append_nonsense(log_path)
        append_nonsense(log_path, "not a subject")
        relay = Relay(event_log, nats_server.settings)
        async with background(relay.run()), jetstream(nats_server.settings) as js:
            await until(lambda: relay.status.skipped == 2, "both were passed over")
            await until(lambda: relay.status.position == 4, "the relay is behind both")
            await asyncio.to_thread(event_log.wait, 4, 2.5)  # idle: it compares log and stream

            assert relay.status.position == 4
            second = append(event_log, 2)
            await _reaches(js, 4)
            assert await stored(js) == first + second
            assert relay.status.skipped == 2

    with caplog.at_level(logging.WARNING):
        run(scenario())
    assert len([r for r in caplog.records if "no hint about position" in r.message]) == 2


def test_a_deleted_stream_is_made_again_and_filled_from_the_log(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        positions = append(event_log, 20)
        relay = Relay(event_log, nats_server.settings)
        async with background(relay.run()), jetstream(nats_server.settings) as js:
            await _reaches(js, 20)
            await js.delete_stream("VIGIL")
            positions += append(event_log, 1)

            await _reaches(js, 21)

            assert await stored(js) == positions
            assert relay.status.repaired == 1

    run(scenario())


def test_a_stream_purged_while_all_is_silent_is_filled_again(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    """The server remembers message ids over a purge: with the position alone as the id it would
    acknowledge the repetition as a duplicate and store nothing."""

    async def scenario() -> None:
        positions = append(event_log, 20)
        relay = Relay(event_log, nats_server.settings)
        async with background(relay.run()), jetstream(nats_server.settings) as js:
            await _reaches(js, 20)
            await js.purge_stream("VIGIL")

            await _reaches(js, 40)

            assert await stored(js) == positions
            assert relay.status.repaired == 1
            assert relay.status.sequence == 40

    run(scenario())


def test_messages_deleted_by_hand_at_the_end_are_published_again(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        positions = append(event_log, 10)
        relay = Relay(event_log, nats_server.settings)
        async with background(relay.run()), jetstream(nats_server.settings) as js:
            await _reaches(js, 10)
            for sequence in (10, 9):
                await js.delete_msg("VIGIL", sequence)

            await _reaches(js, 12)

            assert await stored(js) == positions

    run(scenario())


def test_an_empty_stream_gets_only_what_lies_within_the_horizon(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        positions = append(event_log, 30)
        relay = Relay(event_log, nats_server.settings, HintStreamSettings(horizon=10))
        async with background(relay.run()), jetstream(nats_server.settings) as js:
            await _reaches(js, 10)

            assert await stored(js) == positions[-10:]

    run(scenario())


@pytest.mark.parametrize("events", [0, 3, 30])
def test_a_stream_of_another_history_is_emptied_and_filled_from_this_log(
    nats_server: EmbeddedNats, event_log: SqlEventLog, tmp_path: Path, events: int
) -> None:
    """The database was restored or replaced: whether it is now shorter or longer than what the
    stream tells of, the stream's hints are about events that never were."""

    async def scenario() -> None:
        async with jetstream(nats_server.settings) as js:
            append(event_log, 10)
            async with background(Relay(event_log, nats_server.settings).run()):
                await _reaches(js, 10)
            restored = make_log(tmp_path / "restored.db")
            positions = append(restored, events)
            relay = Relay(restored, nats_server.settings)
            async with background(relay.run()):
                await until(lambda: relay.status.repaired > 0, "the foreign stream is noticed")
                await _reaches(js, 10 + events)

                positions += append(restored, 1)
                await _reaches(js, 11 + events)

                assert await stored(js) == positions
            restored.close()

    run(scenario())


def test_a_foreign_message_at_the_end_is_passed_over(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        first = append(event_log, 5)
        async with jetstream(nats_server.settings) as js:
            async with background(Relay(event_log, nats_server.settings).run()):
                await _reaches(js, 5)
            await js.publish("vigil.events.junk", b"\xff not a hint")
            second = append(event_log, 5)
            async with background(Relay(event_log, nats_server.settings).run()):
                await _reaches(js, 11)

            await js.delete_msg("VIGIL", 6)
            assert await stored(js) == first + second

    run(scenario())


def test_a_consumer_that_waits_beyond_the_end_of_the_stream_is_made_anew(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    """After a rewind such a consumer would sleep through all that is published again."""

    async def scenario() -> None:
        append(event_log, 5)
        async with jetstream(nats_server.settings) as js:
            async with background(Relay(event_log, nats_server.settings).run()):
                await _reaches(js, 5)
            await js.add_consumer(
                "VIGIL",
                api.ConsumerConfig(
                    durable_name="ahead",
                    deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                    opt_start_seq=1000,
                ),
            )
            ahead = await js.consumer_info("VIGIL", "ahead")
            assert ahead.ack_floor is not None
            assert ahead.ack_floor.stream_seq == 999

            async with background(Relay(event_log, nats_server.settings).run()):
                append(event_log, 1)
                await _reaches(js, 6)
                subscription = await js.pull_subscribe_bind("ahead", "VIGIL")
                [message] = await subscription.fetch(1, timeout=10)

            assert message.metadata.sequence.stream == 6

    run(scenario())


class _Unavailable:
    """A log whose database is away for some calls."""

    def __init__(self, log: SqlEventLog, failures: int) -> None:
        self._log = log
        self.failures = failures

    def __getattr__(self, name: str) -> object:
        if self.failures > 0:
            self.failures -= 1
            raise EventLogUnavailable("the database is restarting")
        return getattr(self._log, name)


def test_a_database_that_is_away_for_a_while_only_delays(
    nats_server: EmbeddedNats, event_log: SqlEventLog
) -> None:
    async def scenario() -> None:
        positions = append(event_log, 5)
        flaky: EventLog = _Unavailable(event_log, failures=3)  # type: ignore[assignment]
        async with (
            background(Relay(flaky, nats_server.settings).run()),
            jetstream(nats_server.settings) as js,
        ):
            await _reaches(js, 5)

            assert await stored(js) == positions

    run(scenario())
