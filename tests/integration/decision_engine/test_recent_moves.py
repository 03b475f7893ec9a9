"""A strategy that asks for recent moves gets those of earlier plans, and the record holds them."""

from application.records.decision import DecisionRecord, decode_record
from domain.kernel.metadata import Context
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import NoParameters, Requirements, Strategy
from domain.plans import ActionPlan
from domain.plans.action_types.migrate import MIGRATE
from tests.integration.decision_engine.test_runs_beside_plans import executing_plan
from tests.world.engine import EngineWorld


class Patient(Strategy[NoParameters]):
    """Looks an hour back, and proposes nothing."""

    name, display_name, goal = "patient", "Patient", "dummy"

    def requirements(self, parameters: NoParameters) -> Requirements:
        return Requirements(recent_moves=3600.0)

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        return Solution(())


class Forgetful(Patient):
    """Asks for no recent moves."""

    name = "forgetful"

    def requirements(self, parameters: NoParameters) -> Requirements:
        return Requirements()


def record_of(world: EngineWorld, strategy: Strategy[NoParameters]) -> DecisionRecord:
    """The record of an audit that runs beside the plan that is being executed."""
    world.strategies[strategy.name] = strategy
    audit = world.request(goal="dummy", strategy=strategy.name, force=True)
    world.work()
    (plan,) = world.find_plans(audit)
    return decode_record(world.records.get(plan.record))


def executed(world: EngineWorld) -> tuple[str, str]:
    """The ids of two servers: a plan has moved the first and is moving the second."""
    identity = executing_plan(world)
    servers: list[str] = []

    def execute(plan: ActionPlan, ctx: Context) -> None:
        while len(servers) < 2:
            action = plan.ready()[0]
            plan.intend_action(ctx, plan.epoch, action.spec.id, {})
            if action.spec.type == MIGRATE:
                servers.append(str(action.spec.parameters["resource_id"]))
            if len(servers) < 2:
                plan.succeed_action(ctx, plan.epoch, action.spec.id, {})

    world.change(ActionPlan, identity, execute)
    return servers[0], servers[1]


def test_the_moves_of_an_earlier_plan_are_in_the_record(world: EngineWorld) -> None:
    moved, moving = executed(world)
    found = record_of(world, Patient()).moves
    assert {(move.server, move.finished) for move in found} == {(moved, True), (moving, False)}
    assert all(0.0 <= move.seconds_ago < 60.0 for move in found)


def test_only_moves_in_flight_are_recorded_for_a_strategy_that_asks_for_no_others(
    world: EngineWorld,
) -> None:
    _, moving = executed(world)
    assert [move.server for move in record_of(world, Forgetful()).moves] == [moving]
