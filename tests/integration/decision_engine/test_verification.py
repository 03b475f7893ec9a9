"""Recorded decisions are repeated; a change of the code is found, and named."""

import importlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import DistributionFinder, MetadataPathFinder
from pathlib import Path
from typing import Any

from application.decision_engine.computation import DirectRunner
from application.ports.plugins import OptimizerOptions, Optimizers
from application.replay.plan_diff import Change
from application.replay.runs import every_run, run_of_plan
from application.replay.verification import Outcome, RunVerification, Verifier
from domain.audits import AuditType
from domain.optimization.context import StrategyContext
from domain.optimization.planners.weight import WeightOptions
from domain.optimization.solution import Solution
from domain.optimization.strategies.vm_workload_consolidation import VmWorkloadConsolidation
from domain.optimization.strategy import NoParameters, Strategy
from infrastructure.plugins import Registry
from infrastructure.plugins.registry import GROUPS
from tests.world.engine import EngineWorld
from tests.world.plugins import distribution
from tests.world.world import CLOCK


def verified(
    world: EngineWorld,
    optimizers: Optimizers | None = None,
    options: OptimizerOptions | None = None,
    code: str = "test",
) -> list[RunVerification]:
    """The verifications of all runs."""
    installed = optimizers or world.optimizers
    verifier = Verifier(
        world.log,
        world.records,
        DirectRunner(installed),
        installed,
        options or installed.default_options(),
        code,
        CLOCK,
    )
    return [verifier.verify(run) for run in every_run(world.log)]


def changes(found: RunVerification) -> dict[str, tuple[str, str]]:
    return {one.what: (one.recorded, one.today) for one in found.changes}


class Failing(Strategy[NoParameters]):
    """Fails always in the same way."""

    name = "failing"
    display_name = "Failing"
    goal = "dummy"

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        raise ValueError("the input is odd")


class Fickle(VmWorkloadConsolidation):
    """Gives another result each time."""

    def __init__(self) -> None:
        self._calls = 0

    def solve(self, context: StrategyContext[Any]) -> Solution:
        self._calls += 1
        found = super().solve(context)
        return replace(found, actions=found.actions[: self._calls % 2])


class Keeping(VmWorkloadConsolidation):
    """Keeps one server where it is."""

    def solve(self, context: StrategyContext[Any]) -> Solution:
        found = super().solve(context)
        return replace(found, actions=found.actions[1:])


def test_every_run_is_identical_also_one_that_failed_or_never_began(world: EngineWorld) -> None:
    world.strategies["failing"] = Failing()
    world.request()
    world.request(goal="dummy", strategy="failing")
    world.request(goal="dummy", strategy="not-there")
    world.work()
    world.request()
    outcomes = {found.strategy: found for found in verified(world)}
    plan = outcomes["vm_workload_consolidation"]
    assert (plan.outcome, plan.changes) == (Outcome.IDENTICAL, ())
    assert plan.actions > 0
    assert world.records.get(plan.digest)
    assert outcomes["failing"].outcome is Outcome.IDENTICAL
    assert "the input is odd" in outcomes["failing"].because
    others = [found for found in verified(world) if not found.strategy]
    assert [found.outcome for found in others] == [Outcome.NO_DECISION] * 2


def test_a_changed_strategy_is_found_move_by_move_and_named(world: EngineWorld) -> None:
    world.request()
    world.work()
    name = VmWorkloadConsolidation.name
    identity = replace(world.optimizers.identities["strategy", name], digest="ff")
    changed = replace(
        world.optimizers,
        strategies={**world.strategies, name: Keeping()},
        identities={**world.optimizers.identities, ("strategy", name): identity},
    )
    (found,) = verified(world, changed)
    assert found.outcome is Outcome.DIFFERENT
    assert not found.is_proof
    assert [one.change for one in found.moves if one.change is not Change.CHANGED] == [Change.LOST]
    (code,) = changes(found).items()
    assert code[0] == f"strategy {name}: code"
    assert code[1][1] == "ff"


def test_a_strategy_that_is_not_deterministic_is_found(world: EngineWorld) -> None:
    world.strategies[Fickle.name] = Fickle()
    world.request()
    world.work()
    (found,) = verified(world)
    assert found.outcome is Outcome.DIFFERENT
    assert f"strategy {Fickle.name} gives another result each time" in found.others


def test_a_changed_default_of_a_planner_is_named_and_the_recorded_one_used(
    world: EngineWorld,
) -> None:
    world.request()
    world.work()
    options = world.optimizers.default_options()
    today = WeightOptions({**options.planners["weight"].weights, "migrate": 1}, {"migrate": 9})
    changed = OptimizerOptions(options.strategies, {**options.planners, "weight": today})
    (found,) = verified(world, options=changed, code="later")
    assert found.outcome is Outcome.IDENTICAL
    assert changes(found)["planner weight: option weights.migrate"][1] == "1"
    assert changes(found)["planner weight: option parallelization.migrate"][1] == "9"
    assert changes(found)["Vigil: version"] == ("test", "later")


PLUGIN = """
from domain.kernel.reasons import Cause
from domain.optimization.solution import Solution
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS, NoParameters, Strategy
from domain.plans.proposal import ProposedAction


class Greeter(Strategy[NoParameters]):
    name = "acme.greeter"
    display_name = "Greeter"
    goal = "dummy"

    def solve(self, context):
        because = Cause(REQUESTED_BY_PARAMETERS, {"strategy": self.name})
        return Solution((ProposedAction("nop", "", {"message": "MESSAGE"}, because),))
"""


def installed(folder: Path, version: str, message: str) -> Optimizers:
    """The plug-ins of an installation with a version of the distribution acme-greeter."""
    folder.mkdir()
    (folder / "acme_greeter.py").write_text(PLUGIN.replace("MESSAGE", message))
    entry_points: Mapping[str, Mapping[str, str]] = {
        GROUPS["strategy"]: {"acme.greeter": "acme_greeter:Greeter"}
    }
    distribution(folder, "acme-greeter", entry_points, version)
    sys.modules.pop("acme_greeter", None)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        found = MetadataPathFinder.find_distributions(
            DistributionFinder.Context(path=[str(folder), *sys.path])
        )
        scanned = [point for one in found for point in one.entry_points]
        return Registry(dict.fromkeys(scanned)).optimizers
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("acme_greeter", None)


def test_a_changed_plug_in_is_found_and_named_with_its_versions(
    world: EngineWorld, tmp_path: Path
) -> None:
    before = installed(tmp_path / "before", "1.0", "hello")
    world.strategies = dict(before.strategies)
    world.identities = before.identities
    world.request(AuditType.ONESHOT, goal="dummy", strategy="acme.greeter")
    world.work()
    after = installed(tmp_path / "after", "1.1", "good evening")
    (found,) = verified(world, after)
    assert found.outcome is Outcome.DIFFERENT
    assert [one.detail for one in found.moves] == ["message: hello -> good evening"]
    named = changes(found)
    assert named.pop("strategy acme.greeter: version") == ("acme-greeter 1.0", "acme-greeter 1.1")
    assert named.keys() == {"strategy acme.greeter: code"}
    (gone,) = verified(world, replace(after, strategies={}))
    assert (gone.outcome, gone.because) == (
        Outcome.IMPOSSIBLE,
        "strategy acme.greeter is not installed",
    )


def test_a_lost_record_is_reported_and_nothing_is_assumed(world: EngineWorld) -> None:
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    run = run_of_plan(world.log, plan.id)
    assert run is not None
    assert run.record == plan.record
    world.records.drop([plan.record], 0.0)
    (found,) = verified(world)
    assert found.outcome is Outcome.IMPOSSIBLE
    assert not found.is_proof
    assert plan.record in found.because
