"""However often a projector stops, and however it cuts the log: the rows are the same."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.read_models import Page
from domain.audits.audit import Audit
from domain.plans import ActionPlan
from domain.plans.action import ActionState
from infrastructure.event_log import open_event_log
from infrastructure.event_log import upgrade as upgrade_log
from tests.given import NOON
from tests.integration.projections.dump import dump
from tests.world.histories import RandomHistory
from tests.world.world import World

EVERYTHING = Page(limit=10_000, show_deleted=True)


@contextmanager
def new_world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'events.db'}"
        upgrade_log(url)
        log = open_event_log(url)
        world = World(url, log)
        yield world
        world.close()
        log.close()


def told(world: World, seed: int, chapters: int) -> None:
    for touched in RandomHistory(seed).saves(chapters):
        world.log.save(*touched)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**16),
    chapters=st.integers(1, 60),
    batches=st.lists(st.sampled_from([1, 2, 3, 7, 50]), min_size=1, max_size=8),
)
def test_incremental_restarted_and_rebuilt_read_models_are_equal(
    seed: int, chapters: int, batches: list[int]
) -> None:
    with new_world() as world:
        for number, touched in enumerate(RandomHistory(seed).saves(chapters)):
            world.log.save(*touched)
            batch = batches[number % len(batches)]
            world.new_projector(batch=batch).step()  # a new one each time: it was restarted
        world.new_projector().catch_up()
        incremental = dump(world)
        report = world.new_projector().rebuild()
        assert report.differences == ()
        assert report.events == len(world.log.read(0, 100_000))
        assert dump(world) == incremental
        assert world.reads.quarantine() == []


def test_rebuilding_in_any_batch_size_gives_the_same_rows(world: World) -> None:
    told(world, 11, 300)
    world.new_projector(batch=3).catch_up()
    before = dump(world)
    for batch in (7, 100, 5000):
        assert world.new_projector(batch=batch).rebuild().differences == ()
        assert dump(world) == before


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_read_models_agree_with_the_aggregates(world: World, seed: int) -> None:
    told(world, seed, 400)
    world.new_projector().catch_up()
    audits = world.reads.audits(EVERYTHING, {})
    plans = world.reads.action_plans(EVERYTHING, {})
    open_runs = {one.audit_id: one for one in world.reads.open_runs(NOON + timedelta(days=365))}
    open_plans = {one.plan_id for one in world.reads.open_plans()}
    assert audits
    assert plans
    for row in audits:
        audit = world.log.find(Audit, row.uuid)
        assert audit is not None
        assert (row.state, row.version, row.name) == (audit.state, audit.version, audit.name)
        assert (row.hostname, row.interval) == (audit.last_host, audit.interval)
        if row.deleted_at is None:
            held = open_runs.get(row.uuid)
            assert (held and held.run_id) == (audit.run and audit.run.id)
            assert (held and held.owner) == (audit.run and audit.run.owner)
    for plan_row in plans:
        plan = world.log.find(ActionPlan, plan_row.uuid)
        assert plan is not None
        assert (plan_row.state, plan_row.version) == (plan.state, plan.version)
        ongoing = sum(one.state is ActionState.ONGOING for one in plan.actions.values())
        ended = sum(one.ended for one in plan.actions.values())
        counted = (plan_row.actions_total, plan_row.actions_ended, plan_row.actions_ongoing)
        assert counted == (len(plan.actions), ended, ongoing)
        states = Counter(one.state for one in plan.actions.values())
        for state in ("FAILED", "CANCELLED", "SKIPPED"):
            assert getattr(plan_row, f"actions_{state.lower()}") == states[ActionState(state)]
        assert (plan_row.uuid in open_plans) == (plan.state in {"PENDING", "ONGOING", "CANCELLING"})
        rows = world.reads.actions(EVERYTHING, {"action_plan_uuid": str(plan_row.uuid)})
        for action_row, action in zip(rows, plan.actions.values(), strict=True):
            state = "DELETED" if plan.state == "DELETED" else action.state
            assert (action_row.uuid, action_row.state) == (action.spec.id, state)
            assert (action_row.attempt, action_row.ended_at) == (action.attempt, action.ended_at)
            assert action_row.started_at == action.started_at
