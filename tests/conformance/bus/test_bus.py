"""What every bus promises (application/ports/bus.py), run for each implementation."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest

from application.ports.bus import Bus, Busy, Hint
from infrastructure.event_log.log import SqlEventLog
from infrastructure.messaging import EmbeddedNats, NatsBus, Relay
from tests.conformance.bus.reference import ReferenceBus
from tests.integration.messaging.appending import append, append_name, make_log
from tests.nats import background, run, until

COMMAND = "command.handled"
NAME = "name.reserved"


class Harness(Protocol):
    """A bus under test, and how to have hints appear on it."""

    def bus(self) -> Bus:
        """The bus as another process would see it."""
        ...

    def happen(self, topic: str) -> int:
        """Has an event happen; returns its position."""
        ...

    async def relay(self) -> None:
        """What must run for hints to arrive."""
        ...


class ReferenceHarness:
    """Hints are put into the bus directly."""

    def __init__(self) -> None:
        self._bus = ReferenceBus()
        self._position = 0

    def bus(self) -> Bus:
        return self._bus

    def happen(self, topic: str) -> int:
        self._position += 1
        self._bus.publish(Hint(self._position, topic, UUID(int=self._position)))
        return self._position

    async def relay(self) -> None:
        """Nothing need run."""


class NatsHarness:
    """Events are appended to a real log and relayed to a real server."""

    def __init__(self, log: SqlEventLog, server: EmbeddedNats) -> None:
        self._log = log
        self._server = server
        self._names = 0

    def bus(self) -> Bus:
        return NatsBus(self._server.settings, ack_wait=3)

    def happen(self, topic: str) -> int:
        if topic == COMMAND:
            return append(self._log, 1)[0]
        self._names += 1
        return append_name(self._log, f"name {self._names}")

    async def relay(self) -> None:
        await Relay(self._log, self._server.settings).run()


@pytest.fixture(params=["reference", "nats"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    """Each implementation in turn."""
    if request.param == "reference":
        yield ReferenceHarness()
        return
    server = EmbeddedNats(tmp_path / "nats")
    server.start()
    log = make_log(tmp_path / "events.db")
    yield NatsHarness(log, server)
    server.stop()
    log.close()


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


def test_a_hint_names_the_event(harness: Harness) -> None:
    async def scenario() -> None:
        seen = Recorder()
        async with background(harness.relay(), harness.bus().consume("a", (COMMAND,), seen)):
            position = harness.happen(COMMAND)
            await until(lambda: bool(seen.hints), "the hint arrives")

        [hint] = seen.hints
        assert (hint.position, hint.topic) == (position, COMMAND)
        assert isinstance(hint.aggregate_id, UUID)

    run(scenario())


def test_hints_from_before_the_first_consumer_are_delivered(harness: Harness) -> None:
    async def scenario() -> None:
        before = {harness.happen(COMMAND) for _ in range(5)}
        seen = Recorder()
        async with background(harness.relay(), harness.bus().consume("a", (COMMAND,), seen)):
            await until(lambda: seen.positions == before, "the earlier hints arrive")

    run(scenario())


def test_only_wanted_topics_are_delivered(harness: Harness) -> None:
    async def scenario() -> None:
        names, both = Recorder(), Recorder()
        async with background(
            harness.relay(),
            harness.bus().consume("names", (NAME,), names),
            harness.bus().consume("both", (COMMAND, NAME), both),
        ):
            commands = {harness.happen(COMMAND) for _ in range(3)}
            wanted = {harness.happen(NAME)}
            await until(lambda: both.positions == commands | wanted, "both topics arrive")
            await until(lambda: bool(names.hints), "the wanted topic arrives")

        assert names.positions == wanted

    run(scenario())


def test_processes_with_one_name_share_and_other_names_get_their_own(harness: Harness) -> None:
    async def scenario() -> None:
        one, two, other = Recorder(), Recorder(), Recorder()
        async with background(
            harness.relay(),
            harness.bus().consume("shared", (COMMAND,), one),
            harness.bus().consume("shared", (COMMAND,), two),
            harness.bus().consume("other", (COMMAND,), other),
        ):
            happened = {harness.happen(COMMAND) for _ in range(30)}
            await until(lambda: one.positions | two.positions == happened, "all were shared out")
            await until(lambda: other.positions == happened, "the other name got all")

        assert len(one.hints) + len(two.hints) == len(happened)

    run(scenario())


def test_a_handler_that_fails_costs_its_hint_only(harness: Harness) -> None:
    """A failure is an error of the program: the same hint would fail again."""

    async def scenario() -> None:
        first = harness.happen(COMMAND)
        seen: list[int] = []

        async def handler(hint: Hint) -> None:
            seen.append(hint.position)
            if hint.position == first:
                raise RuntimeError("not today")

        async with background(harness.relay(), harness.bus().consume("a", (COMMAND,), handler)):
            others = [harness.happen(COMMAND) for _ in range(3)]
            await until(lambda: set(others) <= set(seen), "others arrive")
            await asyncio.sleep(0.2)
        assert seen == [first, *others]

    run(scenario())


def test_one_hint_is_handled_at_a_time(harness: Harness) -> None:
    """A process requests a hint when it can take one, and holds no other meanwhile."""

    async def scenario() -> None:
        running, peak, done = 0, 0, 0

        async def handler(_: Hint) -> None:
            nonlocal running, peak, done
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(0.01)
            running -= 1
            done += 1

        for _ in range(12):
            harness.happen(COMMAND)
        async with background(harness.relay(), harness.bus().consume("a", (COMMAND,), handler)):
            await until(lambda: done == 12, "all hints are handled")

        assert peak == 1

    run(scenario())


def test_a_cancelled_consumer_returns_its_hint_and_takes_no_more(harness: Harness) -> None:
    async def scenario() -> None:
        started = asyncio.Event()

        async def endless(_: Hint) -> None:
            started.set()
            await asyncio.Event().wait()

        happened = {harness.happen(COMMAND) for _ in range(2)}
        successor = Recorder()
        async with background(harness.relay()):
            consuming = asyncio.create_task(harness.bus().consume("a", (COMMAND,), endless))
            await started.wait()
            consuming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await consuming

            async with background(harness.bus().consume("a", (COMMAND,), successor)):
                await until(lambda: successor.positions == happened, "others get all", 2.0)

    run(scenario())


def test_a_process_without_room_requests_no_hint_and_one_that_is_busy_returns_it(
    harness: Harness,
) -> None:
    """A process whose slots were full hoarded hints; others waited for their next sweep."""

    async def scenario() -> None:
        idle, returned = Recorder(), Recorder()

        async def busy(hint: Hint) -> None:
            await returned(hint)
            raise Busy

        async def once() -> None:
            if returned.hints:
                await asyncio.get_running_loop().create_future()  # it has no room any more

        async with background(
            harness.relay(),
            harness.bus().consume("shared", (COMMAND,), busy, once),
        ):
            harness.happen(COMMAND)
            await until(lambda: bool(returned.hints), "the busy one is asked once")
            async with background(harness.bus().consume("shared", (COMMAND,), idle)):
                wanted = {harness.happen(COMMAND) for _ in range(4)} | returned.positions
                await until(lambda: idle.positions == wanted, "the idle one gets all hints")
        assert len(returned.hints) == 1

    run(scenario())


def test_every_process_that_watches_gets_each_new_hint(harness: Harness) -> None:
    """A cancellation is for the one process that executes the plan, whichever that is."""

    async def scenario() -> None:
        seen: list[list[Hint]] = [[], []]
        watches = [
            harness.bus().watch(f"watcher-{number}", (COMMAND,), hints.append)
            for number, hints in enumerate(seen)
        ]
        async with background(harness.relay(), *watches):

            async def until_both_watch() -> None:
                while not all(seen):
                    harness.happen(COMMAND)
                    await asyncio.sleep(0.05)

            await asyncio.wait_for(until_both_watch(), 20)
            last = harness.happen(COMMAND)
            harness.happen(NAME)
            for hints in seen:
                await until(lambda hints=hints: hints[-1].position >= last, "both see the last one")
        assert all({hint.topic for hint in hints} == {COMMAND} for hints in seen)

    run(scenario())
