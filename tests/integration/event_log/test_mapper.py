"""Events of older versions are read as of today; those of newer ones are not guessed at."""

import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent

from application.ports.event_log import MalformedEntry, RecordedEvent, UnreadableEvent
from domain.kernel.aggregate import Event
from infrastructure.event_log import SqlEventLog
from infrastructure.event_log.event_types import event_types
from infrastructure.event_log.mapper import Mapper, Unstorable
from tests.conformance.event_log.counters import NEW, fixed

COMMON = (
    '"timestamp":"2026-01-01T00:00:00Z","metadata":{"actor":{"kind":"user","id":"u","name":"u"}}'
)


class Moved(Event):
    """Version 1 had ``host``; version 2 called it ``target``; version 3 made a list of it."""

    TOPIC = "test.moved"
    class_version: ClassVar[int] = 3
    targets: list[str]
    by: UUID

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["target"] = state.pop("host")

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        state["targets"] = [state.pop("target")]


class Lost(Event):
    """Somebody forgot the upcaster from version 1."""

    TOPIC = "test.lost"
    class_version: ClassVar[int] = 2


class Nameless(Event):
    """It has no topic of its own."""


def row(topic: str, fields: str) -> StoredEvent:
    return StoredEvent(UUID(int=1), 2, topic, f"{{{COMMON}{fields}}}".encode())


def moved(fields: str) -> Event:
    return Mapper(event_types).to_event(row("test.moved", f',"by":"{UUID(int=5)}",{fields}'))


@pytest.mark.parametrize(
    "fields",
    [
        '"host":"c1"',
        '"target":"c1","class_version":2',
        '"targets":["c1"],"class_version":3',
        '"class_version":1,"host":"c1"',
    ],
)
def test_an_event_of_any_older_version_is_read_as_one_of_today(fields: str) -> None:
    event = moved(fields)
    assert isinstance(event, Moved)
    assert (event.targets, event.by, event.originator_version) == (["c1"], UUID(int=5), 2)


def test_an_event_is_stored_with_its_version() -> None:
    event = Moved(UUID(int=1), 2, fixed().at, fixed().metadata, ["c1"], UUID(int=5))  # type: ignore[call-arg]
    stored = Mapper(event_types).to_stored(event)
    assert msgspec.json.decode(stored.state)["class_version"] == 3
    assert Mapper(event_types).to_event(stored) == event


@pytest.mark.parametrize(
    ("topic", "fields", "error"),
    [
        ("test.moved", ',"class_version":4', "newer"),
        ("test.moved", ',"target":"c1"', "upcast from version 1 to 2.*host"),
        ("test.moved", ',"host":"c1"', "by"),
        ("test.lost", "", "upcast from version 1 to 2.*upcast_v1_v2"),
    ],
)
def test_what_cannot_be_brought_up_to_date_is_malformed(
    event_log: SqlEventLog, topic: str, fields: str, error: str
) -> None:
    stored = row(topic, fields)
    with pytest.raises(UnreadableEvent, match=error):
        Mapper(event_types).to_event(stored)
    event_log._store.insert([stored])
    (entry,) = event_log.read(0, 10)
    assert isinstance(entry, MalformedEntry)
    assert entry.error


def test_a_log_with_events_of_all_versions_is_read(event_log: SqlEventLog) -> None:
    versions = [
        '"host":"c1"',
        '"target":"c1","class_version":2',
        '"targets":["c1"],"class_version":3',
    ]
    for fields in versions:
        stored = row("test.moved", f',"by":"{UUID(int=5)}",{fields}')
        event_log._store.insert([StoredEvent(NEW.new(), 1, stored.topic, stored.state)])
    targets = [
        entry.event.targets
        for entry in event_log.read(0, 10)
        if isinstance(entry, RecordedEvent) and isinstance(entry.event, Moved)
    ]
    assert targets == [["c1"]] * 3


def test_an_event_without_a_topic_is_refused() -> None:
    event = Nameless(UUID(int=1), 1, fixed().at, fixed().metadata)  # type: ignore[call-arg]
    with pytest.raises(Unstorable, match="TOPIC"):
        Mapper(event_types).to_stored(event)


EVERY_EVENT = """
import importlib, pkgutil
from infrastructure.event_log.event_types import event_types
known = set(event_types())
import application, domain
for package in (application, domain):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(" ".join(sorted(set(event_types()) - known)))
"""


def test_a_process_that_reads_the_log_knows_every_event_of_the_code_base() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVERY_EVENT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [], "add their modules to infrastructure/event_log/event_types.py"
