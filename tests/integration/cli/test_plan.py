"""`vigil plan show`, on the database of an installation."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from domain.kernel.reasons import Cause
from domain.plans import ActionPlan
from domain.plans.reasons import OUTCOME_UNKNOWN
from interfaces.cli.main import main
from tests.given import context, ident
from tests.world.values import planned, proposal
from tests.world.world import World

BROKEN = Cause(OUTCOME_UNKNOWN, {"error": "?"})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as opened:
        yield opened


def sleeps(world: World) -> ActionPlan:
    actions = [planned("sleep", "", {"duration": 1900.0}) for _ in range(4)]
    plan = ActionPlan.propose(context(), proposal(ident(1), ident(2), actions))
    world.save(plan)
    return plan


def show(world: World, plan: UUID, *words: str) -> int:
    return main(["plan", "show", str(plan), *words, "--set", f"database.connection={world.url}"])


def test_a_plan_says_how_long_it_takes_and_then_how_long_the_rest_takes(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = sleeps(world)
    assert show(world, plan.id) == 0
    assert f"plan {plan.id} RECOMMENDED 0/4 takes 2h 6m " in capsys.readouterr().out
    plan.launch(context(1))
    epoch = plan.claim(context(2), "applier/1", "ctl-1")
    first, second, third, _ = plan.actions
    plan.intend_action(context(3), epoch, first, {})
    plan.succeed_action(context(4), epoch, first, {})
    plan.fail_action(context(5), epoch, second, BROKEN)
    plan.skip_action(context(6), epoch, third, BROKEN)
    world.save(plan)
    assert show(world, plan.id) == 0
    assert "ONGOING 1/4 1 failed 1 skipped 31m 40s left " in capsys.readouterr().out
    assert show(world, plan.id, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["succeeded"], found["failed"], found["skipped"]) == (1, 1, 1)
    assert found["rest"] == {"seconds": pytest.approx(1900.0, abs=60), "unknown": []}


def test_a_plan_that_does_not_exist_is_named(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(world, ident(9)) == 1
    assert str(ident(9)) in capsys.readouterr().err
