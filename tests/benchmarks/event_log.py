"""The event log beside the floor of its databases: the same rows, written by hand, in the same run.

``python -m tests.benchmarks.event_log`` prints the figures.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent

from domain.audits import Audit, AuditDefinition, AuditType, RunCause
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans.action_plan import ActionPlan
from domain.plans.proposal import PlannedAction, Proposal, ProposedAction
from infrastructure.event_log import SqlEventLog, open_event_log, upgrade
from infrastructure.event_log.event_types import event_types
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.snapshots import EVERY
from tests.conformance.event_log.counters import NEW, Counter, now
from tests.postgres import Cluster

Figure = tuple[str, float, str]
"""Name, value, unit."""

BATCHES = {1: 400, 10: 200, 100: 60}
"""Events per save → saves."""
ACTIONS = 2000
LOADS = 7
RUNS = 43_200
"""Of a continuous audit: a month of one each minute."""

_SQLITE = "INSERT INTO floor VALUES (?, ?, ?, ?)"
_POSTGRES = "INSERT INTO floor VALUES (%s, %s, %s, %s)"


def run() -> list[Figure]:
    """Appends per second against the floor, and the time to load a large plan."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.db"
        with _sqlite_floor(Path(folder) / "floor.db") as floor:
            figures += _measure("sqlite", f"sqlite:///{path}", floor)
    cluster = Cluster(durable=True)
    try:
        cluster.start()
        with _postgres_floor(cluster.url) as floor:
            figures += _measure("postgresql", cluster.url, floor)
    finally:
        cluster.remove()
    return figures


Floor = Callable[[list[StoredEvent]], None]
"""Writes rows in one transaction."""


@contextmanager
def _sqlite_floor(path: Path) -> Iterator[Floor]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "CREATE TABLE floor (id TEXT, version INTEGER, topic TEXT, state BLOB, "
            "PRIMARY KEY (id, version))"
        )

        def write(rows: list[StoredEvent]) -> None:
            connection.execute("BEGIN")
            connection.executemany(
                _SQLITE,
                [(str(r.originator_id), r.originator_version, r.topic, r.state) for r in rows],
            )
            connection.execute("COMMIT")

        yield write


@contextmanager
def _postgres_floor(url: str) -> Iterator[Floor]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE floor (id uuid, version bigint, topic text, state bytea, "
            "position bigserial UNIQUE, PRIMARY KEY (id, version))"
        )

        def write(rows: list[StoredEvent]) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(
                    _POSTGRES,
                    [(r.originator_id, r.originator_version, r.topic, r.state) for r in rows],
                )

        yield write


def _measure(name: str, url: str, floor: Floor) -> list[Figure]:
    upgrade(url)
    log = open_event_log(url)
    try:
        figures = []
        for batch, saves in BATCHES.items():
            own, by_hand = _appends(log, floor, batch, saves)
            label = f"{name}: events appended, {batch} per save"
            figures += [
                (label, own, "events/s"),
                (f"{label}, by hand", by_hand, "events/s"),
                (f"{label}, of the floor", 100 * own / by_hand, "%"),
            ]
        label = f"{name}: load a plan of {ACTIONS} actions and {3 * ACTIONS} action events"
        figures.append((label, 1000 * _load(log), "ms"))
        audit = _lasting_audit(log)
        for found, snapshots in (("folded whole", None), ("from its snapshot", EVERY)):
            label = f"{name}: load an audit after {RUNS:,} runs, {4 * RUNS:,} events, {found}"
            figures.append((label, 1000 * _reload(url, audit, snapshots), "ms"))
        return figures
    finally:
        log.close()


def _lasting_audit(log: SqlEventLog) -> UUID:
    """A continuous audit with so many runs."""
    ctx = now("scheduler")
    definition = AuditDefinition("a", AuditType.CONTINUOUS, "g", "s", {}, [], interval="60")
    audit = Audit.request(ctx, NEW.new(), definition)
    for number in range(RUNS):
        minute = Context(ctx.at + timedelta(minutes=number), ctx.metadata)
        run = audit.request_run(minute, minute.at, RunCause.SCHEDULE)
        epoch = audit.claim_run(minute, run, "engine/1", "host-1")
        audit.record_inputs(minute, run, epoch, digest="d" * 64, strategy="s")
        audit.succeed_run(minute, run, epoch, NEW.new())
        if number % 500 == 0:
            log.save(audit)
    log.save(audit)
    return audit.id


def _reload(url: str, audit: UUID, snapshots: int | None) -> float:
    """Seconds, the least of some loads after the first; another process's snapshot is used."""
    log = open_event_log(url, snapshots=snapshots)
    try:
        times = []
        for _ in range(LOADS):
            started = time.perf_counter()
            found = log.find(Audit, audit)
            times.append(time.perf_counter() - started)
            if found is None or found.runs != RUNS:
                raise AssertionError("the audit was not loaded")
            time.sleep(0.2)  # the snapshot is stored on the side
        return min(times[1:])
    finally:
        log.close()


def _counter(events: int) -> Counter:
    counter = Counter.open(now(), NEW.new(), "benchmark")
    for _ in range(events - 1):
        counter.add(now())
    return counter


def _appends(log: SqlEventLog, floor: Floor, batch: int, saves: int) -> tuple[float, float]:
    """Events per second through the log, and by hand; the two take turns."""
    mapper = Mapper(event_types)
    own = by_hand = 0.0
    for _ in range(saves):
        counter, twin = _counter(batch), _counter(batch)
        started = time.perf_counter()
        log.save(counter)
        own += time.perf_counter() - started
        rows = [mapper.to_stored(event) for event in twin.collect_events()]  # type: ignore[arg-type]
        started = time.perf_counter()
        floor(rows)
        by_hand += time.perf_counter() - started
    return batch * saves / own, batch * saves / by_hand


def _load(log: SqlEventLog) -> float:
    """Seconds, the median of some loads."""
    plan = _executed_plan(now("applier"))
    log.save(plan)
    times = []
    for _ in range(LOADS):
        started = time.perf_counter()
        found = log.find(ActionPlan, plan.id)
        times.append(time.perf_counter() - started)
        if found is None or found.version != plan.version:
            raise AssertionError("the plan was not loaded")
    return sorted(times)[LOADS // 2]


def _executed_plan(ctx: Context) -> ActionPlan:
    actions = tuple(
        PlannedAction(
            ProposedAction(
                "migrate",
                f"server-{number}",
                {"migration_type": "live", "source_node": "c1", "destination_node": "c2"},
                Cause(FREES_HOST, {"server": f"server-{number}", "source": "c1"}),
            ),
            (number - 1,) if number % 10 else (),
        )
        for number in range(ACTIONS)
    )
    plan = ActionPlan.propose(
        ctx,
        Proposal(
            audit_id=NEW.new(),
            run_id=NEW.new(),
            goal="server_consolidation",
            strategy="vm_workload_consolidation",
            planner="weight",
            record="d" * 64,
            explanation="e" * 64,
            actions=actions,
        ),
    )
    plan.launch(ctx)
    epoch = plan.claim(ctx, "applier/1", "host-1")
    for action in list(plan.actions):
        plan.intend_action(ctx, epoch, action, {"server": "s", "host": "c1", "migrations": [1, 2]})
        plan.acknowledge_action(ctx, epoch, action, {"migration": 12, "request": "req-1"})
        plan.succeed_action(ctx, epoch, action, {"host": "c2"})
    return plan


if __name__ == "__main__":
    for name, value, unit in run():
        print(f"{name:75} {value:12,.1f} {unit}")
