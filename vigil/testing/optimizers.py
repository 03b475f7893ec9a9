"""Conformance suites of strategies and planners: base classes of test classes for pytest."""

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

import msgspec
import numpy as np

from application.simulation.offline import OfflineResult
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.cluster_file import read_cluster
from domain.kernel.reasons import Cause, Reason, declared
from domain.optimization.algorithms.moves import Moves
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.goals import Goal
from domain.optimization.planner import Planner
from domain.optimization.solution import Solution
from domain.optimization.strategy import NoParameters, Strategy
from domain.plans.action_types import ActionType
from domain.plans.proposal import PlannedAction
from domain.plans.verification import verify_plan
from infrastructure.plugins import contracts
from vigil.testing.clusters import generated_cluster
from vigil.testing.runs import installed, refused, solve

Data = Mapping[str, object]

EMPTY: Data = {"hosts": [], "instances": []}
SEEDS = range(1, 7)
CHOSEN = Reason("vigil.testing.chosen", "chosen by the test")


class StrategyConformance:
    """What every strategy must do.

    Attributes:
        strategy: the class to test.
        goal: its goal, unless it is installed.
        planner: its planner, unless it is installed.
        parameters: of the audits.
        action_types: of its actions, unless they are installed.
    """

    strategy: ClassVar[type[Strategy[Any]]]
    goal: ClassVar[Goal | None] = None
    planner: ClassVar[type[Planner[Any]] | None] = None
    parameters: ClassVar[Data] = {}
    action_types: ClassVar[tuple[ActionType, ...]] = ()

    def clusters(self) -> list[Data]:
        """The clusters to try; override it for those that your strategy is made for."""
        return [generated_cluster(seed) for seed in SEEDS]

    def solve(self, cluster: Data, seed: int = 0) -> OfflineResult:
        """Runs the strategy and its planner."""
        return solve(
            self.strategy,
            cluster,
            self.parameters,
            goal=self.goal,
            planner=self.planner,
            action_types=self.action_types,
            seed=seed,
        )

    def test_it_keeps_the_contract(self) -> None:
        """The rules that ``vigil plugins list`` checks."""
        found = installed()
        goals = {*found.goals, *((self.goal.name,) if self.goal else ())}
        planners = {*found.planners, *((self.planner.name,) if self.planner else ())}
        assert list(contracts.strategy_problems(self.strategy, goals, planners)) == []

    def test_equal_inputs_give_equal_plans(self) -> None:
        """Else a plan could not be explained, nor a run be repeated."""
        for cluster in self.clusters():
            assert self.solve(cluster) == self.solve(cluster)

    def test_every_plan_can_be_published(self) -> None:
        """Its actions match their types, and at no point of its execution is a rule broken."""
        for cluster in self.clusters():
            because = refused(self.solve(cluster), self.action_types)
            assert because is None, str(because)

    def test_every_action_says_why(self) -> None:
        """A sentence, and the reason's code."""
        for cluster in self.clusters():
            for planned in self.solve(cluster).planned:
                because = planned.action.because
                assert str(because).strip()
                assert because.reason

    def test_every_reason_has_its_facts(self) -> None:
        """Those of its sentence, as JSON values: a run stores them in an event."""
        for cluster in self.clusters():
            for because in _causes(self.solve(cluster)):
                reason = declared().get(because.reason)
                missing = set(reason.facts if reason else ()) - set(because.facts)
                assert not missing, f"{because.reason}: {sorted(missing)} missing"
                assert _is_json(because.facts), f"{because.reason}: {because.facts}"

    def test_an_empty_cloud_is_no_error(self) -> None:
        """A new installation has one."""
        self.solve(EMPTY)

    def test_an_empty_plan_says_why(self) -> None:
        """With a note or a rejected alternative; also if the datasource has no values."""
        for cluster in [*self.clusters(), generated_cluster(measured=False)]:
            result = self.solve(cluster)
            assert result.planned or result.notes or result.rejection_count


def _causes(result: OfflineResult) -> list[Cause]:
    """Of actions, rejected alternatives and notes."""
    actions = [planned.action.because for planned in result.planned]
    return [*actions, *(one.because for one in result.rejections), *result.notes]


def _is_json(value: object) -> bool:
    """A NumPy scalar is not: convert it with ``int`` or ``float``."""
    try:
        msgspec.json.encode(value)
    except TypeError:
        return False
    return True


class PlannerConformance:
    """What every planner must do.

    Attributes:
        planner: the class to test.
        options: those to test it with; None for its defaults.
    """

    planner: ClassVar[type[Planner[Any]]]
    options: ClassVar[object] = None

    def test_it_keeps_the_contract(self) -> None:
        """The rules that ``vigil plugins list`` checks."""
        assert list(contracts.planner_problems(self.planner)) == []

    def test_every_action_is_planned_once_and_after_its_parents(self) -> None:
        """The order of a plan is one in which it can be executed."""
        for seed in SEEDS:
            _, solution, planned = self._planned(seed)
            assert sorted(map(repr, solution.actions)) == sorted(repr(p.action) for p in planned)
            for place, one in enumerate(planned):
                assert all(0 <= parent < place for parent in one.parents)
                assert set(one.requires) <= set(range(place))

    def test_equal_solutions_give_equal_plans(self) -> None:
        """Else a run could not be repeated."""
        for seed in SEEDS:
            assert self._planned(seed)[2] == self._planned(seed)[2]

    def test_legal_moves_stay_legal_when_several_are_in_flight(self) -> None:
        """The moves are legal one after the other; edges must keep illegal ones apart."""
        for seed in SEEDS:
            model, _, planned = self._planned(seed)
            assert verify_plan(model, planned, action_types=installed().action_types) == []

    def test_an_empty_solution_is_an_empty_plan(self) -> None:
        """A strategy may find nothing to do."""
        model = read_cluster(EMPTY).model
        assert list(self._plan(Solution(()), model)) == []

    def _planned(self, seed: int) -> tuple[ComputeModel, Solution, list[PlannedAction]]:
        model = read_cluster(generated_cluster(seed)).model
        solution = Solution(tuple(_legal_moves(Random(seed), model).actions))
        assert solution.actions
        return model, solution, self._plan(solution, model)

    def _plan(self, solution: Solution, model: ComputeModel) -> list[PlannedAction]:
        planner = self.planner()
        options = self.options or planner.defaults(installed().action_types.values())
        return list(planner.plan(solution, PlanContext(options=options, compute=model)))


def _legal_moves(rng: Random, model: ComputeModel, tries: int = 40) -> Moves:
    """Random moves, each legal after the ones before; a server may move more than once."""
    moves = Moves(StrategyContext(parameters=NoParameters(), compute=model))
    for _ in range(tries):
        server = rng.randrange(len(model.servers))
        hosts = np.flatnonzero(moves.rules.legal_hosts(moves.branch, server)).tolist()
        if hosts and moves.rules.movable[server] and moves.branch.host_of[server] >= 0:
            moves.move(server, rng.choice(hosts), CHOSEN)
    return moves
