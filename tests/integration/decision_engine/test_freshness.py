"""An effect of a plan ages the models that it may have changed, and no other."""

from functools import partial
from uuid import UUID

import pytest

from application.decision_engine.inputs import Freshness, last_effect
from domain.cluster.kinds import ModelKind
from domain.kernel.metadata import Context
from domain.plans import ActionPlan
from tests.world.engine import EngineWorld
from tests.world.plugins import OPTIMIZERS


class Count:
    """Counts how often the arranged cloud is read."""

    def __init__(self, world: EngineWorld) -> None:
        self.reads = 0
        world.cloud.meanwhile = self._read

    def _read(self) -> None:
        self.reads += 1


def run(world: EngineWorld, goal: str) -> UUID:
    """A run; returns its plan."""
    audit = world.request(goal=goal, strategy=None)
    world.work()
    (plan,) = world.find_plans(audit)
    return plan.id


def execute(world: EngineWorld, identity: UUID) -> None:
    """Executes all actions of a plan."""

    def actions(plan: ActionPlan, ctx: Context) -> None:
        plan.launch(ctx)
        plan.claim(ctx, "applier", "here")
        while ready := plan.ready():
            for action in ready:
                plan.intend_action(ctx, plan.epoch, action.spec.id, {})
                plan.succeed_action(ctx, plan.epoch, action.spec.id, {})

    world.change(ActionPlan, identity, actions)


@pytest.mark.parametrize(("goal", "reads"), [("dummy", 1), ("server_consolidation", 2)])
def test_a_plan_of_nop_and_sleep_leaves_the_model_as_fresh_as_it_was(
    world: EngineWorld, goal: str, reads: int
) -> None:
    """The cloud was read anew after each plan that had changed nothing, before the next run."""
    count = Count(world)
    world.freshness = Freshness(max_age=3600.0)
    execute(world, run(world, goal))
    run(world, "dummy")
    assert count.reads == reads


def test_an_effect_ages_only_the_models_that_it_may_have_changed(world: EngineWorld) -> None:
    effect = partial(last_effect, world.reads, OPTIMIZERS.action_types)
    execute(world, run(world, "dummy"))
    assert [effect(kind) for kind in ModelKind] == [None, None, None]
    execute(world, run(world, "server_consolidation"))
    assert [effect(kind) is None for kind in ModelKind] == [False, True, True]


def test_an_action_type_that_is_no_longer_installed_ages_every_model(world: EngineWorld) -> None:
    execute(world, run(world, "dummy"))
    assert None not in [last_effect(world.reads, {}, kind) for kind in ModelKind]
