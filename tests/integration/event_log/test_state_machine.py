"""Any sequence of appends, refused appends, reads and reopenings, against a model in a dict."""

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from application.ports.event_log import ConcurrencyConflict, RecordedEvent
from infrastructure.event_log import SqlEventLog, open_event_log, upgrade
from tests.conformance.event_log.counters import NEW, Counted, Counter, CounterOpened, loaded, now

AMOUNTS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4)
Fact = tuple[UUID, int, str | int]
"""Aggregate, version, and the label or the amount of its event."""


class LogMachine(RuleBasedStateMachine):
    """The log beside a model: every fact in order."""

    url: ClassVar[str]
    counters = Bundle("counters")

    @initialize()
    def begin(self) -> None:
        self.log: SqlEventLog = open_event_log(self.url)
        self.facts: list[Fact] = []
        self.start = self.log.end()

    def _save(self, *counters: Counter) -> None:
        news: list[Fact] = []
        for counter in counters:
            for event in deepcopy(counter).collect_events():
                assert isinstance(event, CounterOpened | Counted)
                what = event.label if isinstance(event, CounterOpened) else event.amount
                news.append((event.originator_id, event.originator_version, what))
        end = self.log.save(*counters)
        self.facts.extend(news)
        assert end == self.log.end()

    @rule(target=counters, label=st.text(max_size=5), amounts=AMOUNTS)
    def opens(self, label: str, amounts: list[int]) -> UUID:
        counter = Counter.open(now(), NEW.new(), label)
        for amount in amounts:
            counter.add(now(), amount)
        self._save(counter)
        return counter.id

    @rule(one=counters, two=counters, amounts=AMOUNTS)
    def counts_on_two_at_once(self, one: UUID, two: UUID, amounts: list[int]) -> None:
        touched = [loaded(self.log, counter) for counter in {one, two}]
        for counter in touched:
            for amount in amounts:
                counter.add(now(), amount)
        self._save(*touched)

    @rule(one=counters, label=st.text(max_size=5))
    def a_stale_writer_is_refused_with_all_that_it_brings(self, one: UUID, label: str) -> None:
        stale, winner = loaded(self.log, one), loaded(self.log, one)
        winner.add(now(), 1)
        self._save(winner)
        stale.add(now("stale"), 2)
        with pytest.raises(ConcurrencyConflict):
            self.log.save(Counter.open(now(), NEW.new(), label), stale)

    @rule(one=counters)
    def a_repeated_save_changes_nothing(self, one: UUID) -> None:
        counter = loaded(self.log, one)
        counter.add(now(), 7)
        again = deepcopy(counter)
        self._save(counter)
        assert self.log.save(again) == self.log.end()

    @rule()
    def reopens(self) -> None:
        self.log.close()
        self.log = open_event_log(self.url)

    @rule(one=counters, data=st.data())
    def finds_any_version(self, one: UUID, data: st.DataObject) -> None:
        facts = [what for (counter, _, what) in self.facts if counter == one]
        version = data.draw(st.integers(1, len(facts)))
        found = loaded(self.log, one, version)
        assert found.version == version
        assert found.label == facts[0]
        assert found.total == sum(what for what in facts[1:version] if isinstance(what, int))
        assert len(self.log.history(one, after=version)) == len(facts) - version

    @rule(limit=st.integers(1, 5))
    def reads_all_in_pieces(self, limit: int) -> None:
        read: list[Fact] = []
        position = self.start
        while entries := self.log.read(position, limit):
            for entry in entries:
                assert entry.position > position
                position = entry.position
                assert isinstance(entry, RecordedEvent)
                event = entry.event
                assert isinstance(event, CounterOpened | Counted)
                what = event.label if isinstance(event, CounterOpened) else event.amount
                read.append((entry.aggregate_id, entry.version, what))
        assert read == self.facts
        assert position == self.log.end()

    @invariant()
    def holds_as_many_events_as_the_model(self) -> None:
        if hasattr(self, "log"):
            assert len(self.log.read(self.start, 10_000)) == len(self.facts)

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.log.close()


SETTINGS = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_on_sqlite_the_log_behaves_as_the_model() -> None:
    with TemporaryDirectory() as folder:

        class OnSqlite(LogMachine):
            url = f"sqlite:///{Path(folder) / 'events.db'}"

        upgrade(OnSqlite.url)
        run_state_machine_as_test(OnSqlite, settings=SETTINGS)


def test_on_postgres_the_log_behaves_as_the_model(postgres_url: str) -> None:
    class OnPostgres(LogMachine):
        url = postgres_url

        def teardown(self) -> None:
            super().teardown()
            with psycopg.connect(postgres_url) as connection:
                connection.execute("TRUNCATE stored_events")

    upgrade(postgres_url)
    run_state_machine_as_test(OnPostgres, settings=SETTINGS)
