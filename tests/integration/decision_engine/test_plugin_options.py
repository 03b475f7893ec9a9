"""The options of strategies and planners in runs and their records."""

from dataclasses import dataclass

from application.decision_engine.computation import compute
from application.ports.plugins import OptimizerOptions
from application.records.decision import decode_record
from domain.kernel.options import option
from domain.kernel.reasons import Cause
from domain.optimization.context import StrategyContext
from domain.optimization.planners.weight import WeightOptions
from domain.optimization.solution import Solution
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS, NoParameters, Strategy
from domain.plans.action_types import NOP
from domain.plans.proposal import ProposedAction
from tests.world.engine import EngineWorld


@dataclass(frozen=True)
class Greeting:
    text: str = option("hello", "The message.")


class Greeter(Strategy[NoParameters]):
    """Proposes the message that the operator chose."""

    name = "greeter"
    display_name = "Greeter"
    goal = "dummy"
    options = Greeting

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        message = context.options_as(Greeting).text
        because = Cause(REQUESTED_BY_PARAMETERS, {"strategy": self.name})
        return Solution((ProposedAction(NOP, "", {"message": message}, because),))


def test_a_run_records_the_options_in_force_and_a_rerun_uses_them(world: EngineWorld) -> None:
    """A default or a configuration that changed later would give another plan."""
    world.strategies["greeter"] = Greeter()
    weights = WeightOptions({"nop": 5}, {"nop": 1})
    world.options = OptimizerOptions({"greeter": Greeting("good morning")}, {"weight": weights})
    audit = world.request(goal="dummy", strategy="greeter")
    world.work()
    (plan,) = world.find_plans(audit)
    assert [one.spec.parameters["message"] for one in plan.actions.values()] == ["good morning"]
    record = decode_record(world.records.get(plan.record))
    assert record.strategy_options == {"text": "good morning"}
    assert record.planner_options == vars(weights)
    (again,) = compute(record, world.optimizers).actions
    assert again.action.parameters == {"message": "good morning"}
