"""Two applier processes and five plans at once: an idle applier begins at once, none twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import cast
from uuid import UUID

import pytest

from application.ports.event_log import RecordedEvent
from domain.kernel.metadata import Context, Metadata, component
from domain.plans import ActionPlan
from domain.plans.events import ActionIntended, ActionSucceeded, PlanClaimed, PlanLaunched
from infrastructure.clock import SystemClock
from infrastructure.event_log import SqlEventLog, open_event_log
from tests.faults.crash.installation import HASTE, Cloud, Installation, eventually
from tests.given import ident
from tests.world.values import planned, proposal

CLOCK = SystemClock()
PLANS = 5
ROUNDS = 7
"""Of which the first is not counted: the appliers may still be starting."""
LIMIT = 0.1
"""Seconds; the median of the rounds, as other work on two cores delays single ones."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqlEventLog]:
    """The log of an installation with two appliers, which execute one plan at once each."""
    url = f"sqlite:///{tmp_path / 'vigil.db'}"
    cloud = Cloud(tmp_path, speed=1.0)  # it does not run: the plans ask it for nothing
    options = {**HASTE, "watcher_applier.workers": "1"}
    installation = Installation(tmp_path, url, cloud, options)
    try:
        installation.start("projector", "relay", "applier", "applier#2")
        opened = open_event_log(url)
        yield opened
        opened.close()
    finally:
        installation.stop()


def launched(log: SqlEventLog, first: int) -> list[UUID]:
    """Launches plans in one transaction; each sleeps for half a second."""
    ctx = Context(CLOCK.now(), Metadata(component("test")))
    sleeps = [planned("sleep", "", {"duration": 0.5})]
    plans = [
        ActionPlan.propose(ctx, proposal(ident(number), ident(number), sleeps))
        for number in range(first, first + PLANS)
    ]
    log.save(*plans)
    for plan in plans:
        plan.launch(Context(CLOCK.now(), Metadata(component("test"))))
    log.save(*plans)
    return [plan.id for plan in plans]


def events_of(log: SqlEventLog, plan: UUID) -> list[RecordedEvent]:
    entries = log.history(plan)
    assert all(isinstance(entry, RecordedEvent) for entry in entries)
    return cast("list[RecordedEvent]", entries)


def await_end(log: SqlEventLog, plans: Sequence[UUID]) -> None:
    def ended() -> bool | None:
        last = [events_of(log, plan)[-1].topic for plan in plans]
        return last == ["plan.succeeded"] * len(plans) or None

    eventually("all plans have succeeded", ended)


def idle_one_began_after(log: SqlEventLog, plans: Sequence[UUID]) -> float:
    """Seconds from the launch to the first claim of the applier that was not the first."""
    claims: defaultdict[str, list[datetime]] = defaultdict(list)
    launches = []
    for entry in (entry for plan in plans for entry in events_of(log, plan)):
        if isinstance(entry.event, PlanClaimed):
            claims[entry.event.owner].append(entry.event.timestamp)
        if isinstance(entry.event, PlanLaunched):
            launches.append(entry.event.timestamp)
    assert len(claims) == 2, "both appliers have executed plans"
    return (max(map(min, claims.values())) - min(launches)).total_seconds()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_an_idle_applier_begins_at_once_and_no_plan_is_executed_by_two(log: SqlEventLog) -> None:
    rounds = [number * PLANS + 1 for number in range(ROUNDS)]
    plans = []
    for first in rounds:
        plans.append(launched(log, first))
        await_end(log, plans[-1])
    for plan in (one for batch in plans for one in batch):
        events = [entry.event for entry in events_of(log, plan)]
        for kind in (PlanClaimed, ActionIntended, ActionSucceeded):
            assert sum(isinstance(event, kind) for event in events) == 1
    waits = [idle_one_began_after(log, batch) for batch in plans[1:]]
    assert median(waits) <= LIMIT, waits
