"""What cannot be read as an event is shown as such, and hides nothing else."""

from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent

from application.ports.event_log import MalformedEntry, RecordedEvent
from infrastructure.event_log import SqlEventLog, UnreadableEvent
from tests.conformance.event_log.counters import NEW, Counted, Counter, loaded, now, opened

GOOD = (
    b'{"timestamp":"2026-01-01T00:00:00Z","metadata":{"actor":'
    b'{"kind":"component","id":"x","name":"x"}},"amount":1}'
)


def put(log: SqlEventLog, counter_id: UUID, topic: str, state: bytes, version: int = 2) -> None:
    """Stores a row as it is."""
    log._store.insert([StoredEvent(counter_id, version, topic, state)])


def test_the_rows_of_these_tests_would_be_events(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log)
    put(event_log, counter_id, Counted.TOPIC, GOOD)
    assert loaded(event_log, counter_id).total == 1


BAD = {
    "an unknown topic": ("test.from-the-future", GOOD, "unknown topic"),
    "a module path": ("os:system", GOOD, "unknown topic"),
    "an empty topic": ("", GOOD, "unknown topic"),
    "no JSON": (Counted.TOPIC, b"\xff\x00 not JSON", "invalid|malformed|utf"),
    "nothing": (Counted.TOPIC, b"", "truncated"),
    "no object": (Counted.TOPIC, b"[]", "object"),
    "a missing field": (Counted.TOPIC, GOOD.replace(b',"amount":1', b""), "amount"),
    "a wrong type": (Counted.TOPIC, GOOD.replace(b":1}", b':"one"}'), "amount"),
    "a field too many": (Counted.TOPIC, GOOD.replace(b":1}", b':1,"x":2}'), "x"),
    "a newer version": (Counted.TOPIC, GOOD.replace(b":1}", b':1,"class_version":2}'), "newer"),
    "a version of no kind": (
        Counted.TOPIC,
        GOOD.replace(b":1}", b':1,"class_version":0}'),
        "version",
    ),
    "deep nesting": (Counted.TOPIC, b"[" * 100_000, "recursion|nest|truncated|object"),
}


@pytest.mark.parametrize(("topic", "state", "error"), BAD.values(), ids=BAD.keys())
def test_a_row_that_is_no_event_is_shown_and_the_others_are_read(
    event_log: SqlEventLog, topic: str, state: bytes, error: str
) -> None:
    counter_id = opened(event_log)
    put(event_log, counter_id, topic, state)
    other_id = opened(event_log)
    first, bad, last = event_log.read(0, 10)
    assert isinstance(first, RecordedEvent)
    assert isinstance(last, RecordedEvent)
    assert last.aggregate_id == other_id
    assert isinstance(bad, MalformedEntry)
    assert (bad.aggregate_id, bad.version, bad.topic, bad.state) == (counter_id, 2, topic, state)
    assert first.position < bad.position < last.position
    assert event_log.history(counter_id, after=1) == [bad]
    assert loaded(event_log, other_id).version == 1
    with pytest.raises(
        UnreadableEvent, match=f"(?i)(?s)Counter {counter_id}: version 2.*({error})"
    ):
        event_log.find(Counter, counter_id)
    assert loaded(event_log, counter_id, 1).total == 0


def test_a_stream_with_a_gap_is_an_error_not_a_wrong_state(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log)
    put(event_log, counter_id, Counted.TOPIC, GOOD, version=3)
    with pytest.raises(UnreadableEvent, match="version 3"):
        event_log.find(Counter, counter_id)


def test_a_stream_that_does_not_begin_with_a_birth_is_an_error(event_log: SqlEventLog) -> None:
    counter_id = NEW.new()
    put(event_log, counter_id, Counted.TOPIC, GOOD, version=1)
    with pytest.raises(UnreadableEvent, match="version 1"):
        event_log.find(Counter, counter_id)


def test_stored_topics_that_the_code_lacks_are_listed_at_start(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log, 1)
    assert event_log.unknown_topics() == []
    put(event_log, counter_id, "test.later", GOOD, version=3)
    put(event_log, counter_id, "test.gone", GOOD, version=4)
    assert event_log.unknown_topics() == ["test.gone", "test.later"]


def test_an_aggregate_with_a_malformed_event_does_not_stop_another(event_log: SqlEventLog) -> None:
    bad_id, good_id = opened(event_log), opened(event_log)
    put(event_log, bad_id, "test.gone", GOOD)
    good = loaded(event_log, good_id)
    good.add(now(), 4)
    event_log.save(good)
    assert loaded(event_log, good_id).total == 4
