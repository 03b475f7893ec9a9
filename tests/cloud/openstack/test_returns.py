"""A plan that failed half-way is undone on a real cloud."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from application.ports.cloud import ActionHandler
from domain.kernel.aggregate import JsonObject
from domain.kernel.ids import run_id
from domain.kernel.metadata import Context
from domain.plans import ActionPlan, ActionState, PlanState
from infrastructure.event_log import open_event_log, upgrade
from infrastructure.openstack.collectors.compute import NovaCollector
from tests.cloud.openstack.test_plans import PATIENT, planned
from tests.conformance.actions.conftest import LIMITS, real_ground
from tests.conformance.actions.ground import host_of, server_of
from tests.conformance.actions.real import RealGround
from tests.given import NOON
from tests.unit.applier.bench import Bench
from tests.unit.applier.reference_cloud import ReferenceCloud
from tests.world.engine import EngineWorld
from tests.world.plugins import handlers
from tests.world.values import proposal
from tests.world.world import CLOCK, TEST

__all__ = ["real_ground"]

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]


@pytest.fixture
def world(tmp_path: Path, real_ground: RealGround) -> Iterator[EngineWorld]:
    """A decision engine whose cloud is the real one."""
    url = f"sqlite:///{tmp_path / 'events.db'}"
    upgrade(url)
    log = open_event_log(url)
    with EngineWorld(url, log) as opened:
        opened.cloud = NovaCollector(real_ground.connection)  # type: ignore[assignment]
        opened.handlers = dict(handlers(real_ground.connection, LIMITS))
        yield opened
    log.close()


def launched(world: EngineWorld, moves: list[JsonObject]) -> UUID:
    """A plan of some moves."""
    audit = world.request(goal="server_consolidation", strategy="basic")
    actions = [planned("migrate", one) for one in moves]
    ctx = Context(CLOCK.now(), TEST)
    plan = ActionPlan.propose(ctx, proposal(audit, run_id(audit, NOON), actions))
    plan.launch(ctx)
    world.save(plan)
    return plan.id


def executed(world: EngineWorld, plan: UUID) -> ActionPlan:
    acts: dict[str, ActionHandler] = world.handlers
    return Bench(world.log, ReferenceCloud(), handlers=acts, plan=plan).drive(policy=PATIENT)


def test_a_return_plan_of_a_half_failed_plan_brings_every_server_back(
    world: EngineWorld, real_ground: RealGround
) -> None:
    *alive, cold = real_ground.several(3)
    apart = real_ground.kept_apart()
    cases = [*alive, cold, apart]
    before = {case.server: host_of(real_ground.nova, case.server) for case in cases}
    plan = launched(world, [*(one.live() for one in alive), cold.cold(), apart.live()])
    states = [one.state for one in executed(world, plan).actions.values()]
    assert states == [ActionState.SUCCEEDED] * 3 + [ActionState.FAILED]
    assert all(host_of(real_ground.nova, one.server) != one.source for one in cases[:3])

    world.change(ActionPlan, plan, lambda one, ctx: one.request_return(ctx, automatic=True))
    world.engine().process(plan)
    undone = world.log.find(ActionPlan, plan)
    assert undone is not None
    assert undone.returns.latest is not None
    back = executed(world, undone.returns.latest)
    assert back.state is PlanState.SUCCEEDED
    assert [one.state for one in back.actions.values()] == [ActionState.SUCCEEDED] * 3
    assert {one: host_of(real_ground.nova, one) for one in before} == before
    assert {server_of(real_ground.nova, one)["status"] for one in before} == {"ACTIVE"}
