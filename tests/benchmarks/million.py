"""Questions to a log of a million events: ``python -m tests.benchmarks million --limit 1200``.

The installation is made once, which takes minutes, and kept in a folder (``.vigil/million``, or
``VIGIL_MILLION``). It has one audit per run; each run publishes a plan whose migrations succeed.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from application.queries.decisions import NEWEST
from application.records.decision import encode
from domain.audits import Audit
from domain.kernel.aggregate import Aggregate
from domain.kernel.metadata import Context, Metadata, component
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import ActionPlan
from domain.plans.proposal import PlannedAction
from domain.reservations import NameReservation
from tests.benchmarks.past import BEGAN, MINUTE
from tests.benchmarks.report import Figure, Table, of_figures
from tests.given import ident
from tests.world.values import definition, explanation, planned, proposal
from tests.world.world import World

EVENTS, QUICK = 1_000_000, 4_000
MOVES, HOSTS, SERVERS = 10, 500, 5_000
PER_SAVE = 50
"""Runs."""
READY = "complete"
"""File that a complete folder has."""
TIMES = 3
"""Each command is run so often; the fastest one counts."""


def run(*, quick: bool = False) -> Table:
    """On a log of a million events (few if it must be quick)."""
    events = QUICK if quick else EVENTS
    folder = Path(os.environ.get("VIGIL_MILLION", ".vigil/million")) / str(events)
    if not (folder / READY).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _make(folder, events)
    figures: list[Figure] = [
        (" ".join(words), 1000 * min(_cpu(folder, words) for _ in range(TIMES)), "ms")
        for words in _commands(events)
    ]
    return of_figures(
        "Questions to a log of a million events",
        figures,
        "Processor time of the whole command, with its start, on SQLite.",
    )


def _commands(events: int) -> Iterator[list[str]]:
    late = str(ident(_runs(events) - 5))
    yield ["why", "server-00017"]
    yield ["why", "host-007"]
    yield ["replay", "blame", late, "state"]
    yield ["replay", "diff", late, "v1..v5"]
    yield ["replay", "diff", late, ".."]
    yield ["replay", "show", late]
    yield ["replay", "bisect", f'audit["{late}"].state == "SUCCEEDED"']
    yield ["replay", "bisect", f'rows.audits["{late}"].state == "SUCCEEDED"', "--since", "10m"]
    yield ["replay", "bisect", f'audit["audit {_runs(events) - 5}"].state == "SUCCEEDED"']
    yield ["replay", "log", "--limit", "20"]


def _cpu(folder: Path, words: list[str]) -> float:
    command = [sys.executable, "-m", "interfaces.cli.main", *words]
    database = f"sqlite:///{(folder / 'events.db').absolute()}"
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--database", database], check=False, capture_output=True, text=True
    )
    after = getrusage(RUSAGE_CHILDREN)
    if done.returncode not in {0, 1} or "error" in done.stderr:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _runs(events: int) -> int:
    return events // (10 + 3 * MOVES)


def _make(folder: Path, events: int) -> None:
    begun = time.monotonic()
    with closing(World(folder)) as world:
        waiting: list[Aggregate] = []
        for number in range(1, _runs(events) + 1):
            waiting += _run(world, number, is_new=number > _runs(events) - NEWEST)
            if number % PER_SAVE == 0:
                world.log.save(*waiting)
                waiting.clear()
        world.log.save(*waiting)
        world.projector.catch_up()
    (folder / READY).touch()
    print(f"made {folder} in {time.monotonic() - begun:.0f} s", flush=True)


def _run(world: World, number: int, *, is_new: bool) -> tuple[Aggregate, ...]:
    ctx = Context(BEGAN + number * MINUTE, Metadata(component("benchmark")))
    audit = Audit.request(ctx, ident(number), definition(name=f"audit {number}"))
    name = NameReservation.reserve(ctx, "audit", f"audit {number}", audit.id)
    assert audit.run is not None
    run = audit.run.id
    epoch = audit.claim_run(ctx, run, "watcher-decision-engine/ctl-1/7/1", "ctl-1")
    audit.record_inputs(ctx, run, epoch, digest="cd" * 32, strategy="basic")
    moves = [_move(number, place) for place in range(MOVES)]
    wanted = proposal(audit.id, run, moves)
    if is_new:
        record = world.records.put(b"{}")
        stored = world.records.put(
            encode(explanation(proposal(audit.id, run, moves, record=record)))
        )
        wanted = proposal(audit.id, run, moves, record=record, explanation=stored)
    plan = ActionPlan.propose(ctx, wanted)
    audit.succeed_run(ctx, run, epoch, plan.id)
    plan.launch(ctx)
    epoch = plan.claim(ctx, "applier/1", "ctl-1")
    for action in list(plan.actions):
        plan.intend_action(ctx, epoch, action, {"host": "before"})
        plan.acknowledge_action(ctx, epoch, action, {"migration": number})
        plan.succeed_action(ctx, epoch, action, {"host": "after"})
    return audit, name, plan


def _move(number: int, place: int) -> PlannedAction:
    server = f"server-{(number * MOVES + place) % SERVERS:05}"
    source, to = (f"host-{(number + place + step) % HOSTS:03}" for step in (0, 1))
    return planned(
        "migrate",
        server,
        {"resource_name": server, "source_node": source, "destination_node": to},
        Cause(FREES_HOST, {"server": server, "source": source}),
    )
