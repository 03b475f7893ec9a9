"""Long streams are folded from a snapshot on; what is found is the same as without one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infrastructure.event_log import SqlEventLog, open_event_log
from infrastructure.event_log.loader import PAGE
from infrastructure.event_log.snapshots import attributes
from tests.conformance.event_log.counters import NEW, Counter, Note, loaded, now, opened
from tests.integration.notifications.waiting import until as eventually

EVERY = 3


@pytest.fixture
def log(event_database: str) -> Iterator[SqlEventLog]:
    """A log that takes a snapshot after each three events."""
    log = open_event_log(event_database, snapshots=EVERY)
    yield log
    log.close()


class Table:
    """The database by hand."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Executes a statement; returns its rows, if it gives any."""
        if self._url.startswith("sqlite"):
            with closing(sqlite3.connect(self._url.removeprefix("sqlite:///"))) as lite, lite:
                return lite.execute(statement).fetchall()
        with psycopg.connect(self._url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def version(self) -> int | None:
        """Of the only snapshot."""
        rows = self.run("SELECT version FROM snapshots")
        return int(str(rows[0][0])) if rows else None

    def kept(self, version: int) -> None:
        """Waits until the only snapshot has a version: it is stored on the side."""
        eventually(lambda: self.version() == version, f"a snapshot of version {version}")


@pytest.fixture
def table(event_database: str) -> Table:
    return Table(event_database)


def test_what_lies_before_a_snapshot_is_not_read_again(log: SqlEventLog, table: Table) -> None:
    """Seen by taking it away: the sum is still known."""
    counter_id = opened(log, 1, 2, 3, label="x")
    before = loaded(log, counter_id)
    table.kept(4)
    table.run("DELETE FROM stored_events WHERE originator_version < 4")
    found = loaded(log, counter_id)
    assert attributes(found) == attributes(before) == {"label": "x", "total": 6, "planned": None}
    assert (found.id, found.version) == (before.id, before.version)
    assert (found.created_on, found.modified_on) == (before.created_on, before.modified_on)
    found.add(now(), 10)
    log.save(found)
    assert loaded(log, counter_id).total == 16


def test_a_snapshot_is_taken_when_enough_lies_behind_the_last_one(
    log: SqlEventLog, table: Table
) -> None:
    counter_id = opened(log, 1)
    loaded(log, counter_id)
    for version in range(3, 12):
        counter = loaded(log, counter_id)
        counter.plan(now(), now().at)
        log.save(counter)
        found = loaded(log, counter_id)
        assert (found.total, found.version) == (1, version)
        if version % EVERY == 0:
            table.kept(version)
    assert table.version() == 9


def test_what_is_done_to_a_found_aggregate_is_in_no_snapshot(
    log: SqlEventLog, table: Table
) -> None:
    counter_id = opened(log, 1, 2)
    loaded(log, counter_id).add(now(), 100)  # and never saved
    table.kept(3)
    assert loaded(log, counter_id).total == 3


def test_an_aggregate_as_it_was_before_the_snapshot_is_folded_from_the_beginning(
    log: SqlEventLog, table: Table
) -> None:
    counter_id = opened(log, 1, 2, 4)
    loaded(log, counter_id)
    table.kept(4)
    totals = [loaded(log, counter_id, version).total for version in (1, 2, 3, 4, 5)]
    assert totals == [0, 1, 3, 7, 7]


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE snapshots SET code = 'older code'",
        "UPDATE snapshots SET topic = 'test.note'",
        "UPDATE snapshots SET event = 'another history'",
        "UPDATE snapshots SET version = 3",
        "UPDATE snapshots SET version = 5",
        "UPDATE snapshots SET state = CAST('nonsense' AS {blob})",
        "UPDATE snapshots SET state = CAST('{{}}' AS {blob})",
    ],
)
def test_a_snapshot_that_does_not_fit_is_not_used_and_replaced(
    log: SqlEventLog, table: Table, event_database: str, spoil: str
) -> None:
    counter_id = opened(log, 1, 2, 3)
    loaded(log, counter_id)
    table.kept(4)
    good = table.run("SELECT * FROM snapshots")
    table.run(spoil.format(blob="blob" if event_database.startswith("sqlite") else "bytea"))
    spoilt = table.run("SELECT * FROM snapshots")
    assert loaded(log, counter_id).total == 6
    if "version = 5" not in spoil:  # what claims to know more is left to who will know more
        eventually(lambda: table.run("SELECT * FROM snapshots") == good, "a good snapshot")
    else:
        assert table.run("SELECT * FROM snapshots") == spoilt


def test_a_history_that_was_exchanged_is_folded_anew(log: SqlEventLog, table: Table) -> None:
    """A restored database may hold another history under the same version."""
    counter_id = opened(log, 1, 2, 3)
    loaded(log, counter_id)
    table.kept(4)
    table.run(
        "UPDATE stored_events SET state = (SELECT state FROM stored_events "
        "WHERE originator_version = 2) WHERE originator_version = 4"
    )
    assert loaded(log, counter_id).total == 4


def test_nothing_is_kept_of_aggregates_with_short_lives(log: SqlEventLog, table: Table) -> None:
    note = Note.write(now(), NEW.new())
    log.save(note)
    assert log.find(Note, note.id) is not None
    assert table.version() is None


def test_another_kind_of_aggregate_is_not_found_by_its_snapshot(
    log: SqlEventLog, table: Table
) -> None:
    counter_id = opened(log, 1, 2)
    loaded(log, counter_id)
    table.kept(3)
    assert log.find(Note, counter_id) is None


def test_a_stream_of_several_pages_is_folded_whole(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log, *([1] * (2 * PAGE)))
    assert loaded(event_log, counter_id).total == 2 * PAGE
    assert loaded(event_log, counter_id, PAGE + 7).total == PAGE + 6


def test_a_log_that_is_closed_at_once_is_closed_in_peace(event_database: str) -> None:
    """The snapshot may be on its way."""
    for _ in range(20):
        log = open_event_log(event_database, snapshots=1)
        counter_id = opened(log, 1, 2, 3)
        assert loaded(log, counter_id).total == 6
        log.close()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.lists(st.integers(-5, 5), max_size=6), max_size=8))
def test_with_snapshots_and_without_the_same_is_found(
    log: SqlEventLog, event_log: SqlEventLog, steps: list[list[int]]
) -> None:
    counter = Counter.open(now(), NEW.new(), "ü")
    log.save(counter)
    for amounts in steps:
        counter = loaded(log, counter.id)
        for amount in amounts:
            counter.add(now(), amount)
        log.save(counter)
        one, other = loaded(log, counter.id), loaded(event_log, counter.id)
        assert vars(one) == vars(other)
