"""What it costs to show a thing as it was: ``python -m tests.benchmarks past``.

The log is that of an audit which runs each minute, as a continuous one does for weeks, and of the
plan of its first run. The question itself is measured, without HTTP.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

from application.ports.event_log import Moment, ReadOnlyLog
from application.replay.as_of import AsOfQueries
from domain.audits import Audit, AuditDefinition, AuditType
from domain.audits.events import RunCause
from domain.kernel.metadata import Context, Metadata, component
from domain.plans.action_plan import ActionPlan
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import SqlEventLog, open_event_log
from infrastructure.event_log import upgrade as upgrade_log
from infrastructure.read_models import SqlReadModels, open_engine, upgrade
from tests.benchmarks.report import Figure, Table, of_figures
from tests.given import ident
from tests.world.values import migrations, proposal

EVENTS = (20_000, 100_000)
PER_RUN = 4
PER_SAVE = 250
"""Runs."""
LATER = 20
"""Questions after the first."""
AUDIT = ident(1)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run(*, quick: bool = False) -> Table:
    """For audits of so many events (few if it must be quick)."""
    figures: list[Figure] = []
    for events in (EVENTS[0] // 10,) if quick else EVENTS:
        with _log(events) as (log, plan):
            figures += [
                (f"{events:,} events: {name}", 1000 * seconds, "ms")
                for name, seconds in _asked(log, plan)
            ]
    return of_figures(
        "The past",
        figures,
        "An audit with so many events of its own, and the plan of its first run, on SQLite. Wall "
        f"time of one question to a process that was asked nothing before; *then*: the mean of "
        f"{LATER} more about moments all over the history, to the same process.",
    )


def _asked(log: SqlEventLog, plan: UUID) -> Iterator[tuple[str, float]]:
    history = log.history(AUDIT)
    count = len(history)
    early, half, late = (history[place].position for place in (9, count // 2, count - 1))
    places = [(3 * place + 1) * count // (3 * LATER) for place in range(LATER)]
    spread = [history[place].position for place in places]
    times = [BEGAN + place // PER_RUN * MINUTE for place in places]
    del history

    def audit(past: AsOfQueries, moment: Moment) -> object:
        return past.audit(AUDIT, moment)

    def of_plan(past: AsOfQueries, moment: Moment) -> object:
        return past.action_plan(plan, moment)

    yield from _measured(log, "an audit, its beginning", audit, early, [])
    yield from _measured(log, "an audit, half way", audit, half, [])
    yield from _measured(log, "an audit, its end", audit, late, spread)
    yield from _measured(log, "an audit, by time", audit, BEGAN + MINUTE, times)
    yield from _measured(log, "a plan of it", of_plan, late, spread)


def _measured(
    log: ReadOnlyLog,
    name: str,
    ask: Callable[[AsOfQueries, Moment], object],
    first: Moment,
    later: list[Moment] | list[int] | list[datetime],
) -> Iterator[tuple[str, float]]:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'views.db'}"
        upgrade(url)
        engine, clock = open_engine(url), SystemClock()
        past = AsOfQueries(log, SqlReadModels(engine, clock, log.end), next_match, clock)
        begun = perf_counter()
        ask(past, first)
        yield name, perf_counter() - begun
        if later:
            begun = perf_counter()
            for moment in later:
                ask(past, moment)
            yield f"{name}, then", (perf_counter() - begun) / len(later)
        engine.dispose()


@contextmanager
def _log(events: int) -> Iterator[tuple[SqlEventLog, UUID]]:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'events.db'}"
        upgrade_log(url)
        log = open_event_log(url)
        try:
            yield log, _lived(log, events // PER_RUN)
        finally:
            log.close()


def _lived(log: SqlEventLog, runs: int) -> UUID:
    """Has the audit run; the id of its first plan."""
    definition = AuditDefinition(
        name="each minute",
        audit_type=AuditType.CONTINUOUS,
        goal="server_consolidation",
        strategy="basic",
        parameters={"period": 600},
        scope=[{"compute": []}],
        interval="60",
    )
    audit = Audit.request(_context(0), AUDIT, definition)
    plan: ActionPlan | None = None
    for number in range(1, runs + 1):
        ctx = _context(number)
        run_id = audit.request_run(ctx, ctx.at, RunCause.SCHEDULE)
        epoch = audit.claim_run(ctx, run_id, "watcher-decision-engine/ctl-1/7/1", "ctl-1")
        audit.record_inputs(ctx, run_id, epoch, digest="cd" * 32, strategy="basic")
        plan_id = ident(number + 1)
        if plan is None:
            plan = ActionPlan.propose(ctx, proposal(AUDIT, run_id, migrations(10)))
            plan_id = plan.id
            log.save(audit, plan)
        audit.succeed_run(ctx, run_id, epoch, plan_id)
        if number % PER_SAVE == 0 or number == runs:
            log.save(audit)
    if plan is None:
        raise ValueError("an audit without a run has no plan")
    return plan.id


def _context(minutes: int) -> Context:
    return Context(BEGAN + minutes * MINUTE, Metadata(component("benchmark")))
