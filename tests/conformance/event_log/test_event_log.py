"""What every event log promises (port: application/ports/event_log.py)."""

from copy import deepcopy
from datetime import UTC, datetime

import pytest

from application.ports.event_log import (
    ConcurrencyConflict,
    EventLogUnavailable,
    RecordedEvent,
)
from domain.kernel.metadata import Context, Metadata, component
from infrastructure.event_log import SqlEventLog, Unstorable, open_event_log
from tests.conformance.event_log.counters import (
    NEW,
    Counted,
    Counter,
    CounterOpened,
    Note,
    fixed,
    loaded,
    now,
    opened,
)


def positions(log: SqlEventLog) -> list[int]:
    return [entry.position for entry in log.read(0, 1000)]


def test_a_new_log_is_empty(event_log: SqlEventLog) -> None:
    assert event_log.end() == 0
    assert event_log.read(0, 10) == []
    assert event_log.history(NEW.new()) == []
    assert event_log.find(Counter, NEW.new()) is None


def test_events_are_read_back_equal_and_in_order(event_log: SqlEventLog) -> None:
    ctx = Context(
        datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC),
        Metadata(component("engine", "engine/1"), "req-1", NEW.new(), 7),
    )
    counter = Counter.open(ctx, NEW.new(), "ünïcode \x00 🐧")
    counter.add(ctx, -(2**53) - 1)
    events = list(deepcopy(counter).collect_events())
    end = event_log.save(counter)
    entries = event_log.read(0, 10)
    assert [entry.event for entry in entries if isinstance(entry, RecordedEvent)] == events
    assert [(e.topic, e.version, e.aggregate_id) for e in entries] == [
        ("test.counter-opened", 1, counter.id),
        ("test.counted", 2, counter.id),
    ]
    assert [e.position for e in entries] == [end - 1, end]
    assert event_log.end() == end


def test_an_aggregate_is_found_as_it_was_at_a_version(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log, 1, 2, 3)
    assert [loaded(event_log, counter_id, version).total for version in (1, 2, 3, 4)] == [
        0,
        1,
        3,
        6,
    ]
    assert loaded(event_log, counter_id, 99).total == 6
    assert event_log.find(Counter, counter_id, 0) is None


def test_a_found_aggregate_goes_on_from_where_it_was(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log, 5)
    for _ in range(3):
        counter = loaded(event_log, counter_id)
        counter.add(now())
        event_log.save(counter)
    found = loaded(event_log, counter_id)
    assert (found.total, found.version, found.label) == (8, 5, "")


def test_the_events_of_another_kind_of_aggregate_are_not_found(event_log: SqlEventLog) -> None:
    assert event_log.find(Note, opened(event_log, 1)) is None


def test_several_aggregates_are_saved_together(event_log: SqlEventLog) -> None:
    one, two = Counter.open(now(), NEW.new()), Counter.open(now(), NEW.new())
    one.add(now(), 1)
    two.add(now(), 2)
    end = event_log.save(one, two)
    assert [entry.aggregate_id for entry in event_log.read(0, 10)] == [
        one.id,
        one.id,
        two.id,
        two.id,
    ]
    assert event_log.end() == end


def test_a_conflict_on_one_aggregate_saves_nothing_of_the_others(event_log: SqlEventLog) -> None:
    stale_id, other = opened(event_log), Counter.open(now(), NEW.new())
    stale, winner = loaded(event_log, stale_id), loaded(event_log, stale_id)
    winner.add(now(), 1)
    event_log.save(winner)
    before = event_log.read(0, 100)
    stale.add(now(), 2)
    with pytest.raises(ConcurrencyConflict):
        event_log.save(other, stale)
    assert event_log.read(0, 100) == before
    assert event_log.find(Counter, other.id) is None
    assert loaded(event_log, stale_id).total == 1


def test_a_second_birth_is_a_conflict(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log, label="first")
    with pytest.raises(ConcurrencyConflict, match=str(counter_id)):
        event_log.save(Counter.open(now(), counter_id, "second"))
    assert loaded(event_log, counter_id).label == "first"


def test_saving_nothing_answers_with_the_present_end(event_log: SqlEventLog) -> None:
    assert event_log.save() == 0
    counter_id = opened(event_log, 1)
    assert (
        event_log.save(loaded(event_log, counter_id)) == event_log.end() == positions(event_log)[-1]
    )


def test_saving_the_same_bytes_again_counts_as_done(event_log: SqlEventLog) -> None:
    one, two = (
        Counter.open(fixed(), NEW.new(), "one"),
        Counter.open(fixed(), NEW.new(), "two"),
    )
    one.add(fixed(1), 3)
    again = deepcopy((one, two))
    end = event_log.save(one, two)
    opened(event_log)
    before = positions(event_log)
    assert event_log.save(*again) == end
    assert positions(event_log) == before


@pytest.mark.parametrize("more", ["another event", "one event less"])
def test_what_is_there_only_in_part_is_a_conflict(event_log: SqlEventLog, more: str) -> None:
    one = Counter.open(fixed(), NEW.new(), "one")
    again = deepcopy(one)
    if more == "another event":
        one.add(fixed(1), 3)
        again.add(fixed(1), 4)
    else:
        again.add(fixed(1), 3)
    event_log.save(one)
    before = positions(event_log)
    with pytest.raises(ConcurrencyConflict):
        event_log.save(again)
    assert positions(event_log) == before


def test_reading_goes_on_behind_a_position(event_log: SqlEventLog) -> None:
    for _ in range(5):
        opened(event_log, 1)
    every = positions(event_log)
    assert len(every) == 10
    read: list[int] = []
    while entries := event_log.read(read[-1] if read else 0, 3):
        assert len(entries) <= 3
        read.extend(entry.position for entry in entries)
    assert read == every


def test_history_is_that_of_one_aggregate_behind_a_version(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log, 1, 2)
    opened(event_log, 9)
    counter = loaded(event_log, counter_id)
    counter.add(now(), 3)
    end = event_log.save(counter)
    assert [entry.version for entry in event_log.history(counter_id)] == [1, 2, 3, 4]
    (last,) = event_log.history(counter_id, after=3)
    assert isinstance(last, RecordedEvent)
    assert isinstance(last.event, Counted)
    assert (last.position, last.event.amount) == (end, 3)
    between = event_log.history(counter_id, after=1, upto=3)
    assert [entry.version for entry in between] == [2, 3]
    assert event_log.history(counter_id, after=4, upto=9) == []


def test_positions_rise_across_the_holes_of_refused_appends(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log)
    for turn in range(3):
        with pytest.raises(ConcurrencyConflict):
            event_log.save(Counter.open(now(), counter_id, f"refused {turn}"))
        before = event_log.end()
        opened(event_log, 1)
        (first, second) = event_log.read(before, 10)
        assert before < first.position < second.position == event_log.end()
    assert positions(event_log) == sorted(set(positions(event_log)))


def test_what_was_saved_is_there_after_reopening(event_database: str) -> None:
    log = open_event_log(event_database)
    counter_id = opened(log, 1, 2)
    entries = log.read(0, 10)
    log.close()
    log = open_event_log(event_database)
    try:
        assert log.read(0, 10) == entries
        assert loaded(log, counter_id).total == 3
    finally:
        log.close()


def test_an_event_that_could_not_be_read_back_is_refused(event_log: SqlEventLog) -> None:
    good = Counter.open(now(), NEW.new())
    bad = Counter._new(CounterOpened, now(), NEW.new(), label=5)
    with pytest.raises(Unstorable, match="label"):
        event_log.save(good, bad)
    assert event_log.end() == 0


def test_a_time_without_a_zone_is_refused(event_log: SqlEventLog) -> None:
    counter = Counter.open(now(), NEW.new())
    counter.plan(now(), datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
    with pytest.raises(Unstorable, match="zone"):
        event_log.save(counter)
    assert event_log.end() == 0


def test_a_closed_log_says_so(event_log: SqlEventLog) -> None:
    event_log.close()
    with pytest.raises(EventLogUnavailable, match="closed"):
        event_log.end()
    assert event_log.wait(0, 5) is False


def test_the_log_names_each_stored_topic_once(event_log: SqlEventLog) -> None:
    opened(event_log, 1)
    opened(event_log, 1)
    assert sorted(event_log.topics()) == sorted([Counted.TOPIC, CounterOpened.TOPIC])
