"""A small aggregate for tests of the event log, and programs of other processes that use it."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from application.ports.event_log import EventLog
from domain.kernel.aggregate import Aggregate, Created, Event, evolves
from domain.kernel.metadata import Context, Metadata, component
from infrastructure.clock import RandomIds, SystemClock
from infrastructure.event_log import open_event_log

NEW = RandomIds()
CLOCK = SystemClock()


class CounterOpened(Created):
    TOPIC = "test.counter-opened"
    label: str


class Counted(Event):
    TOPIC = "test.counted"
    amount: int


class Planned(Event):
    TOPIC = "test.planned"
    at: datetime


class Counter(Aggregate):
    TOPIC = "test.counter"
    SNAPSHOTS = True

    label: str
    total: int = 0
    planned: datetime | None = None

    @classmethod
    def open(cls, ctx: Context, counter_id: UUID, label: str = "") -> Self:
        return cls._new(CounterOpened, ctx, counter_id, label=label)

    def add(self, ctx: Context, amount: int = 1) -> None:
        self._trigger(Counted, ctx, amount=amount)

    def plan(self, ctx: Context, at: datetime) -> None:
        self._trigger(Planned, ctx, at=at)

    @evolves
    def _counted(self, event: Counted) -> None:
        self.total += event.amount

    @evolves
    def _planned(self, event: Planned) -> None:
        self.planned = event.at


class NoteWritten(Created):
    TOPIC = "test.note-written"


class Note(Aggregate):
    TOPIC = "test.note"

    @classmethod
    def write(cls, ctx: Context, note_id: UUID) -> Self:
        return cls._new(NoteWritten, ctx, note_id)


def now(name: str = "test") -> Context:
    return Context(CLOCK.now(), Metadata(component(name)))


def fixed(seconds: int = 0) -> Context:
    """A context that is the same each time it is asked for."""
    return Context(datetime(2026, 1, 1, 0, 0, seconds, tzinfo=UTC), Metadata(component("test")))


def opened(log: EventLog, *amounts: int, label: str = "") -> UUID:
    """A stored counter."""
    counter = Counter.open(now(), NEW.new(), label)
    for amount in amounts:
        counter.add(now(), amount)
    log.save(counter)
    return counter.id


def loaded(log: EventLog, counter_id: UUID, version: int | None = None) -> Counter:
    """A counter that is there."""
    counter = log.find(Counter, counter_id, version)
    assert counter is not None
    return counter


def _append(arguments: Sequence[str]) -> None:
    """Says that it is ready; adds 1 to a counter for each line that it is given."""
    url, counter_id = arguments
    log = open_event_log(url)
    print("ready", flush=True)
    for _ in sys.stdin:
        counter = loaded(log, UUID(counter_id))
        counter.add(now())
        log.save(counter)
    log.close()


if __name__ == "__main__":
    _append(sys.argv[1:])
