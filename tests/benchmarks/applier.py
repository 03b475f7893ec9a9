"""What an action costs the applier, in plans of several sizes.

A plan of ``nop`` actions is executed against SQLite, each size in a process of its own. A ``nop``
asks nothing of a cloud: what is left is checks, events and their order.
"""

import os
import resource
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast
from uuid import UUID

from application.applier.aggregate_session import AggregateSession
from application.applier.gate import StartGate
from application.applier.legality import MoveLegality
from application.applier.plan_execution import PlanExecution
from application.applier.policy import ExecutionPolicy
from application.projections import Projector, all_projections
from domain.cluster.placement.policy import PlacementPolicy
from domain.kernel.metadata import Metadata, component
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import ActionPlan, PlanState, Proposal
from domain.plans.action_types.nop import NOP
from domain.plans.pace import PaceLimits
from domain.plans.parallelism import Parallelism
from domain.plans.proposal import PlannedAction, ProposedAction
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import SqlEventLog, open_event_log
from infrastructure.event_log import upgrade as upgrade_log
from infrastructure.openstack.actions.idle import Nop
from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.read_models import (
    SqlProgressBoard,
    SqlProjectionStore,
    SqlReadModels,
    open_engine,
    upgrade,
)
from tests.benchmarks.report import Table
from tests.given import context, ident

SIZES = (300, 1_000, 5_000)
CHAIN = 10
"""Actions that wait for each other; a plan has many such chains."""
CLOCK = SystemClock()
METADATA = Metadata(component("applier", "benchmark"))
READS = 50
NOTES = (
    "Plans of `nop` actions in chains of ten, eight at once, in SQLite that waits for the disk.",
    "*Memory*: resident bytes at the end of the execution, beyond those at its start.",
    "*Fold*: the projector's time for all events of the execution, afterwards.",
    "*Plan read*: the row that a GET of the plan shows.",
)


@dataclass(frozen=True)
class Cost:
    """What a plan cost. Seconds, bytes."""

    actions: int
    wall: float
    cpu: float
    events: int
    memory: int
    fold: float
    read: float


def run(*, quick: bool) -> Table:
    """Executes a plan of each size."""
    sizes = SIZES[:1] if quick else SIZES
    spawned = get_context("spawn")
    with ProcessPoolExecutor(1, spawned, max_tasks_per_child=1) as pool:
        costs = list(pool.map(measure, sizes))
    return Table(
        "The applier",
        (
            "actions",
            "ms per action",
            "CPU, ms per action",
            "events per action",
            "appends/s",
            "memory, MB more at the end",
            "fold, ms per action",
            "plan read, ms",
        ),
        tuple(
            (
                f"{one.actions:,}",
                one.wall / one.actions * 1e3,
                one.cpu / one.actions * 1e3,
                one.events / one.actions,
                one.events / one.wall,
                one.memory / 1e6,
                one.fold / one.actions * 1e3,
                one.read * 1e3,
            )
            for one in costs
        ),
        NOTES,
    )


def measure(size: int) -> Cost:
    """Executes a plan in this process."""
    with TemporaryDirectory(prefix="vigil-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'vigil.sqlite'}"
        upgrade_log(url)
        upgrade(url)
        log, engine = open_event_log(url), open_engine(url)
        try:
            projector = Projector(
                log, SqlProjectionStore(engine), all_projections(next_match), CLOCK
            )
            read = SqlReadModels(engine, CLOCK, log.end)
            return _measured(size, log, projector, read, SqlProgressBoard(engine))
        finally:
            engine.dispose()
            log.close()


def _measured(
    size: int,
    log: SqlEventLog,
    projector: Projector,
    read: SqlReadModels,
    progress: SqlProgressBoard,
) -> Cost:
    plan = _launched(size, log)
    projector.catch_up()
    session = AggregateSession(log, CLOCK, ActionPlan, plan, METADATA)
    epoch = session.run(lambda plan, ctx: plan.claim(ctx, "applier/1", "host-1"))
    execution = PlanExecution(
        session,
        epoch,
        handlers={NOP: Nop(cast("Clouds", None), ConnectionLimits(), time.time)},
        progress=progress,
        clock=CLOCK,
        fresh=lambda: True,
        policy=ExecutionPolicy(),
        parallelism=Parallelism(),
        legality=MoveLegality(lambda: None, lambda _: (), lambda _: [], None, PlacementPolicy()),
        gate=StartGate(log, read, CLOCK, PaceLimits()),
    )
    before, memory = log.end(), _memory()
    began, began_cpu = time.perf_counter(), _cpu()
    execution.run(threading.Event())
    wall, cpu, memory = time.perf_counter() - began, _cpu() - began_cpu, _memory() - memory
    events = log.end() - before
    began = time.perf_counter()
    projector.catch_up()
    fold = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(READS):
        shown = read.action_plan(plan)
    reading = (time.perf_counter() - began) / READS
    if shown is None or (shown.state, shown.actions_ended) != (PlanState.SUCCEEDED, size):
        raise AssertionError(f"the plan was not executed: {shown}")
    return Cost(size, wall, cpu, events, memory, fold, reading)


def _launched(size: int, log: SqlEventLog) -> UUID:
    actions = tuple(
        PlannedAction(
            ProposedAction(NOP, f"server-{number}", {"message": "hello"}, Cause(FREES_HOST)),
            (number - 1,) if number % CHAIN else (),
            (number - 1,) if number % CHAIN else (),
        )
        for number in range(size)
    )
    proposal = Proposal(ident(1), ident(2), "dummy", "dummy", "weight", "d" * 64, "e" * 64, actions)
    plan = ActionPlan.propose(context(), proposal)
    plan.launch(context())
    log.save(plan)
    return plan.id


def _memory() -> int:
    resident = Path("/proc/self/statm").read_text().split()[1]
    return int(resident) * os.sysconf("SC_PAGE_SIZE")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
