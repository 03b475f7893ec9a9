"""Remembering long histories changes no answer about the past."""

import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from application.kernel.errors import NothingThen, Unavailable
from application.ports.event_log import Entry, Moment, RecordedEvent
from application.ports.projections import Tables
from application.projections.audits import AuditsProjection
from application.replay import aggregate_history
from application.replay.aggregate_history import HistoryCache, NoSuchMoment
from application.replay.as_of import AsOfQueries
from domain.audits import Audit, AuditDefinition, AuditType
from domain.audits.events import RunCause
from domain.plans.action_plan import ActionPlan
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import SqlEventLog, open_event_log
from infrastructure.event_log import upgrade as upgrade_log
from infrastructure.read_models import SqlReadModels, open_engine, upgrade
from tests.given import NOON, context, ident
from tests.properties.replay.full_fold import View, action_then, audit_then, plan_then
from tests.world.histories import RandomHistory

Answer = tuple[View, int] | str
STEP = 4
CHAPTERS = 60
QUESTIONS = 40


class Logs:
    """The reading half of a log that can be exchanged for another, as when it is restored."""

    def __init__(self, log: SqlEventLog) -> None:
        self.log = log
        self.read_events = 0

    def read(self, after: int, limit: int, topics: Collection[str] = ()) -> list[Entry]:
        return self.log.read(after, limit, topics)

    def history(self, aggregate_id: UUID, after: int = 0, upto: int | None = None) -> list[Entry]:
        found = self.log.history(aggregate_id, after, upto)
        self.read_events += len(found)
        return found

    def end(self) -> int:
        return self.log.end()

    def version(self, aggregate_id: UUID, position: int | None = None) -> int:
        return self.log.version(aggregate_id, position)

    def aggregates(self, first: UUID, last: UUID, limit: int) -> list[UUID]:
        return self.log.aggregates(first, last, limit)


@contextmanager
def opened() -> Iterator[SqlEventLog]:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'events.db'}"
        upgrade_log(url)
        with closing(open_event_log(url)) as log:
            yield log


@contextmanager
def remembering(log: Logs, budget: int = aggregate_history.BUDGET) -> Iterator[AsOfQueries]:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'views.db'}"
        upgrade(url)
        engine, clock = open_engine(url), SystemClock()
        read = SqlReadModels(engine, clock, log.end)
        yield AsOfQueries(log, read, next_match, clock, HistoryCache(log, budget=budget, step=STEP))
        engine.dispose()


class Told(RandomHistory):
    """A story whose clock is sometimes put back: several hosts write, and their clocks differ."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.spoilt: list[Audit | ActionPlan] = []

    def goes_on(self, log: SqlEventLog) -> None:
        """Until there is somebody whose past can be asked about, and for a while at least."""
        told = False
        while not told:
            for touched in self.saves(CHAPTERS):
                log.save(*touched)
                if self._random.random() < 0.1:
                    self._seconds = max(0.0, self._seconds - 300)
            told = bool(self.audits)

    def spoil(self, log: SqlEventLog) -> None:
        """Something comes behind a history that no event can be made of."""
        everybody: list[Audit | ActionPlan] = [*self.audits, *self.plans]
        one = self._random.choice(everybody)
        row = StoredEvent(one.id, one.version + 1, "from.the-future", b"{}")
        log._store.insert([row])
        self.spoilt.append(one)
        self.audits = [audit for audit in self.audits if audit is not one]
        self.plans = [plan for plan in self.plans if plan is not one]


def question(story: Told, log: Logs, lot: Random) -> tuple[str, tuple[UUID, ...], Moment]:
    """What is asked, about whom, and as of when."""
    moment: Moment = lot.randint(0, log.end())
    if lot.random() < 0.5:
        moment = NOON + timedelta(seconds=lot.randint(-60, 12_000) / 4)
    one = lot.choice([*story.audits, *story.plans, *story.spoilt])
    if lot.random() < 0.05:
        return "audit", (ident(7),), moment
    if isinstance(one, Audit):
        return "audit", (one.id,), moment
    if one.actions and lot.random() < 0.5:
        return "action", (one.id, lot.choice(list(one.actions))), moment
    return "plan", (one.id,), moment


def remembered(past: AsOfQueries, kind: str, who: tuple[UUID, ...], moment: Moment) -> Answer:
    try:
        if kind == "action":
            return past.action(who[0], who[1], moment)
        return past.action_plan(who[0], moment) if kind == "plan" else past.audit(who[0], moment)
    except NothingThen:
        return "nothing"
    except Unavailable as unreadable:
        return str(unreadable)


def folded(log: Logs, kind: str, who: tuple[UUID, ...], moment: Moment) -> Answer:
    ask: dict[str, Callable[..., tuple[View, int]]]
    ask = {"action": action_then, "plan": plan_then, "audit": audit_then}
    try:
        return ask[kind](log, *who, moment)
    except NoSuchMoment as unreadable:
        return str(unreadable) if "cannot be read" in str(unreadable) else "nothing"


@given(seed=st.integers(0, 10**6), page=st.sampled_from((1, 3, 500)), roomy=st.booleans())
@settings(max_examples=6)
def test_every_answer_is_that_of_the_whole_history_folded(
    seed: int, page: int, roomy: bool
) -> None:
    lot, story = Random(seed), Told(seed)
    budget = aggregate_history.BUDGET if roomy else 20_000
    with pytest.MonkeyPatch.context() as patch, opened() as log:
        patch.setattr(aggregate_history, "PAGE", page)
        logs, told = Logs(log), 0
        with remembering(logs, budget) as past:
            for _ in range(3):
                story.goes_on(log)
                if lot.random() < 0.5:
                    story.spoil(log)
                for _ in range(QUESTIONS):
                    asked = question(story, logs, lot)
                    answer = remembered(past, *asked)
                    assert answer == folded(logs, *asked)
                    told += answer != "nothing"
        assert told > QUESTIONS / 2  # of six times as many: the story had something to tell


def lived(log: SqlEventLog, runs: int, late: int = 0) -> UUID:
    """An audit with so many runs, each a minute after the other; four events each."""
    definition = AuditDefinition(
        "often", AuditType.CONTINUOUS, "dummy", "dummy", parameters={}, scope=[], interval="60"
    )
    audit = Audit.request(context(), ident(1), definition)
    for number in range(1, runs + 1):
        ctx = context(60 * number + late)
        run = audit.request_run(ctx, ctx.at, RunCause.SCHEDULE)
        epoch = audit.claim_run(ctx, run, "engine", "ctl-1")
        audit.record_inputs(ctx, run, epoch, digest="cd" * 32, strategy="dummy")
        audit.succeed_run(ctx, run, epoch, ident(number + 1))
        log.save(audit)
    return audit.id


@pytest.mark.parametrize("timed", [True, False])
def test_a_long_history_is_read_once_and_then_step_by_step(timed: bool) -> None:
    """Each question read and folded everything: of an audit with 100,000 events, for 16 s."""
    runs = 100
    with opened() as log:
        logs, audit = Logs(log), lived(log, runs)
        events = log.end()
        with remembering(logs) as past:
            for asked in range(20):
                run = runs - asked * 5
                moment = NOON + timedelta(minutes=run) if timed else 4 * run + 1
                logs.read_events = 0
                _, position = past.audit(audit, moment)
                assert position == 4 * run + 1
                assert logs.read_events <= (2 * STEP if asked else events)


def test_what_is_remembered_of_another_log_is_forgotten() -> None:
    """A backup was put back while the API ran: the same versions may hold other events then."""
    with opened() as before, opened() as restored:
        audit = lived(before, 20)
        lived(restored, 20, late=1)
        logs = Logs(before)
        with remembering(logs) as past:
            moments: list[Moment] = [1, 17, 41, NOON + timedelta(minutes=10), before.end()]
            asked = [("audit", (audit,), moment) for moment in moments]
            old = [remembered(past, *one) for one in asked]
            logs.log = restored
            new = [remembered(past, *one) for one in asked]
            assert new == [folded(logs, *one) for one in asked]
            assert len([one for one in zip(old, new, strict=True) if one[0] == one[1]]) < len(old)


def test_a_history_that_is_gone_between_two_looks_is_not_waited_for() -> None:
    """The log was exchanged just then: folding asked for the missing events without end."""
    with opened() as log, opened() as emptied:
        logs, audit = Logs(log), lived(log, 20)
        with HistoryCache(logs, step=STEP).open(audit, AuditsProjection(next_match)) as history:
            known = history.version_at(log.end())
            logs.log = emptied
            with pytest.raises(NoSuchMoment, match=f"no version {known - 2}"):
                history.fold(known - 2)


class Failing(AuditsProjection):
    """Cannot process what lies behind a position."""

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        if recorded.position > 9 * STEP:
            raise LookupError("this event does not follow the others")
        super().handle(recorded, tables)


def test_states_before_an_event_that_cannot_be_folded_can_still_be_shown() -> None:
    """One such event at the end of a history hid all of its past."""
    with opened() as log:
        audit = lived(log, 20)
        with HistoryCache(log, step=STEP).open(audit, Failing(next_match)) as history:
            assert history.fold(history.version_at(9 * STEP)).version == 9 * STEP
            with pytest.raises(LookupError, match="does not follow"):
                history.fold(history.version_at(9 * STEP + 1))
            assert history.fold(history.version_at(2)).version == 2


def test_many_may_ask_about_one_history_at_once() -> None:
    """Worker threads share what is remembered; it must not be told twice of one event."""
    before = sys.getswitchinterval()
    with opened() as log:
        logs, audit = Logs(log), lived(log, 60)
        runs = [Random(seed).sample(range(1, 61), 60) for seed in range(8)]
        with remembering(logs) as past:
            past.audit(audit, 4 * 10 + 1)  # so that all of them have the same one at hand

            def ask(mine: list[int]) -> list[int]:
                return [past.audit(audit, 4 * run + 1)[1] for run in mine]

            sys.setswitchinterval(1e-6)
            try:
                with ThreadPoolExecutor(len(runs)) as threads:
                    answers = list(threads.map(ask, runs))
            finally:
                sys.setswitchinterval(before)
        assert answers == [[4 * run + 1 for run in mine] for mine in runs]
