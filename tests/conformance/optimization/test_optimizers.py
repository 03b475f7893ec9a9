"""The product's strategies and planner in the suites for authors, and defects that these see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar

import numpy as np
import pytest

from domain.optimization.planners.node_resource_consolidation import (
    NodeResourceConsolidationPlanner,
)
from domain.optimization.planners.weight import WeightPlanner
from domain.optimization.planners.workload_stabilization import WorkloadStabilizationPlanner
from domain.optimization.strategies.actuator import Actuator
from domain.optimization.strategies.basic import Basic
from domain.optimization.strategies.dummy import Dummy
from domain.optimization.strategies.node_resource_consolidation import NodeResourceConsolidation
from domain.optimization.strategies.vm_workload_consolidation import (
    ConsolidationParameters,
    VmWorkloadConsolidation,
)
from domain.plans.action_types import migrate
from vigil.plugins import (
    Cause,
    InvalidValue,
    NoParameters,
    PlanContext,
    PlannedAction,
    Planner,
    ProposedAction,
    Reason,
    Requirements,
    Solution,
    Strategy,
    StrategyContext,
)
from vigil.testing import PlannerConformance, StrategyConformance, generated_cluster, solve

BECAUSE = Reason("test.because", "{why}")


class TestConsolidation(StrategyConformance):
    strategy = VmWorkloadConsolidation


class TestBasic(StrategyConformance):
    strategy = Basic


class TestNodeResourceConsolidation(StrategyConformance):
    strategy = NodeResourceConsolidation


class TestDummy(StrategyConformance):
    strategy = Dummy


class TestActuator(StrategyConformance):
    strategy = Actuator
    parameters: ClassVar[Mapping[str, object]] = {
        "actions": [{"action_type": "nop", "input_parameters": {"message": "hello"}}]
    }


class TestWeight(PlannerConformance):
    planner = WeightPlanner


class TestWorkloadStabilizationPlanner(PlannerConformance):
    planner = WorkloadStabilizationPlanner


class TestNodeResourceConsolidationPlanner(PlannerConformance):
    planner = NodeResourceConsolidationPlanner


class _Sample(Strategy[NoParameters]):
    """Keeps all rules; each defect breaks one."""

    name = "sample"
    display_name = "Sample"
    goal = "workload_balancing"

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        del context
        return Solution((), notes=(Cause(BECAUSE, {"why": "nothing"}),))


class Untitled(_Sample):
    display_name = ""


class Random(_Sample):
    """Has a state."""

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        del context
        return Solution((), notes=(Cause(BECAUSE, {"why": next(NUMBERS)}),))


NUMBERS = count()


class Overfull(_Sample):
    """Moves all servers to the first host."""

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        model, because = context.compute, Cause(BECAUSE, {"why": "here it is warm"})
        return Solution(
            tuple(
                migrate(model, server, 0, "live", because)
                for server in range(len(model.servers))
                if model.servers.host[server] != 0
            )
        )


class Speechless(Overfull):
    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        silent = Cause(Reason("test.silent", " "), {})
        found = super().solve(context).actions
        return Solution(tuple(replace(action, because=silent) for action in found))


class Hasty(_Sample):
    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        assert len(context.compute.hosts)
        return super().solve(context)


class Trusting(_Sample):
    """Does nothing without metrics, and does not say so."""

    def requirements(self, parameters: NoParameters) -> Requirements:
        return VmWorkloadConsolidation().requirements(ConsolidationParameters())

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        return Solution(())


class _Acting(_Sample):
    """Acts on the first server."""

    type = "stop"
    facts: ClassVar[dict[str, object]] = {"why": "it rests"}
    extra: ClassVar[dict[str, object]] = {}

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        because = Cause(BECAUSE, self.facts)
        servers = context.compute.servers.id[:1]
        return Solution(
            tuple(ProposedAction(self.type, one, self.extra, because) for one in servers),
            notes=(Cause(BECAUSE, {"why": "acts"}),),
        )


class UnknownAction(_Acting):
    type = "test.stopp"


class WrongParameter(_Acting):
    extra: ClassVar[dict[str, object]] = {"whne": "now"}


class MissingFact(_Acting):
    facts: ClassVar[dict[str, object]] = {"wyh": "it rests"}


class NumpyFact(_Acting):
    facts: ClassVar[dict[str, object]] = {"why": np.int64(1)}


class MissingFactOfARejection(_Sample):
    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        for server in range(len(context.compute.servers))[:1]:
            context.considered(context.server(server), BECAUSE)
        return super().solve(context)


STRATEGY_TESTS = [name for name in vars(StrategyConformance) if name.startswith("test_")]
PLANNER_TESTS = [name for name in vars(PlannerConformance) if name.startswith("test_")]


@pytest.mark.parametrize("name", STRATEGY_TESTS)
@pytest.mark.parametrize(
    ("strategy", "broken"),
    [
        (_Sample, ""),
        (Untitled, "test_it_keeps_the_contract"),
        (Random, "test_equal_inputs_give_equal_plans"),
        (Overfull, "test_every_plan_can_be_published"),
        (Speechless, "test_every_action_says_why"),
        (Hasty, "test_an_empty_cloud_is_no_error"),
        (Trusting, "test_an_empty_plan_says_why"),
        (_Acting, ""),
        (UnknownAction, "test_every_plan_can_be_published"),
        (WrongParameter, "test_every_plan_can_be_published"),
        (MissingFact, "test_every_reason_has_its_facts"),
        (NumpyFact, "test_every_reason_has_its_facts"),
        (MissingFactOfARejection, "test_every_reason_has_its_facts"),
    ],
)
def test_the_suite_sees_what_is_wrong_with_a_strategy(
    strategy: type[Strategy[Any]], broken: str, name: str
) -> None:
    suite = type("Suite", (StrategyConformance,), {"strategy": strategy})()
    also = {"test_every_plan_can_be_published"} if strategy is Speechless else set()
    check: Callable[[], None] = getattr(suite, name)
    if name in {broken, *also}:
        with pytest.raises(AssertionError):
            check()
    else:
        check()


class _Serial(Planner[Any]):
    """One action after the other."""

    name = "serial"

    def plan(self, solution: Solution, context: PlanContext[Any]) -> Sequence[PlannedAction]:
        del context
        return [
            PlannedAction(action, (place - 1,) if place else ())
            for place, action in enumerate(solution.actions)
        ]


class Optionless(_Serial):
    options = int

    def defaults(self, action_types: object) -> Any:
        return action_types


class Forgetful(_Serial):
    def plan(self, solution: Solution, context: PlanContext[Any]) -> Sequence[PlannedAction]:
        return super().plan(solution, context)[1:]


class Moody(_Serial):
    def plan(self, solution: Solution, context: PlanContext[Any]) -> Sequence[PlannedAction]:
        planned = super().plan(solution, context)
        return planned if next(NUMBERS) % 2 else [replace(p, requires=p.parents) for p in planned]


class Parallel(_Serial):
    def plan(self, solution: Solution, context: PlanContext[Any]) -> Sequence[PlannedAction]:
        return [PlannedAction(action, ()) for action in solution.actions]


class Greedy(_Serial):
    def plan(self, solution: Solution, context: PlanContext[Any]) -> Sequence[PlannedAction]:
        assert solution.actions
        return super().plan(solution, context)


@pytest.mark.parametrize("name", PLANNER_TESTS)
@pytest.mark.parametrize(
    ("planner", "broken"),
    [
        (_Serial, set()),
        (Optionless, {"test_it_keeps_the_contract"}),
        (
            Forgetful,
            {
                "test_every_action_is_planned_once_and_after_its_parents",
                "test_legal_moves_stay_legal_when_several_are_in_flight",
            },
        ),
        (Moody, {"test_equal_solutions_give_equal_plans"}),
        (Parallel, {"test_legal_moves_stay_legal_when_several_are_in_flight"}),
        (Greedy, {"test_an_empty_solution_is_an_empty_plan"}),
    ],
)
def test_the_suite_sees_what_is_wrong_with_a_planner(
    planner: type[Planner[Any]], broken: set[str], name: str
) -> None:
    suite = type("Suite", (PlannerConformance,), {"planner": planner})()
    check: Callable[[], None] = getattr(suite, name)
    if name in broken:
        with pytest.raises((AssertionError, ValueError, IndexError, InvalidValue)):
            check()
    else:
        check()


class Homeless(_Sample):
    goal = "acme.unknown"


class Unplanned(_Sample):
    planner = "acme.unknown"


@pytest.mark.parametrize(("strategy", "kind"), [(Homeless, "goal"), (Unplanned, "planner")])
def test_a_goal_or_planner_that_is_not_installed_is_named(
    strategy: type[Strategy[Any]], kind: str
) -> None:
    """It was a KeyError with nothing but the name."""
    with pytest.raises(InvalidValue, match=f"{kind}: acme.unknown is not installed"):
        solve(strategy, generated_cluster())
