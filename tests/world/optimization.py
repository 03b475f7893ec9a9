"""Contexts of strategies and planners, made of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from application.kernel.typed_values import typed
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.policy import PlacementPolicy
from domain.metrics.catalogue import MetricTable
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.planners.weight import WeightOptions, WeightPlanner
from domain.optimization.solution import Solution
from domain.optimization.strategy import Strategy
from domain.plans.proposal import PlannedAction
from tests.world.plugins import ACTION_TYPES

NOTHING: Mapping[str, object] = {}


def strategy_context(
    strategy: Strategy[Any],
    model: ComputeModel,
    metrics: MetricTable | None = None,
    parameters: Mapping[str, object] = NOTHING,
    placement: PlacementPolicy | None = None,
) -> StrategyContext[Any]:
    """What a strategy gets; by default all its metrics are unknown."""
    given = typed(parameters, strategy.parameters)
    needs = strategy.requirements(given).metrics
    unknown = MetricTable.from_values(model, {need: {} for need in needs})
    return StrategyContext(
        parameters=given,
        compute=model,
        metrics=metrics or unknown,
        placement=placement or PlacementPolicy(),
    )


def weigh(
    solution: Solution,
    model: ComputeModel | None = None,
    placement: PlacementPolicy | None = None,
    **options: Mapping[str, Any],
) -> Sequence[PlannedAction]:
    """The plan of the weight planner."""
    empty, _ = ComputeModel.build((), (), (), ())
    planner = WeightPlanner()
    plain = vars(planner.defaults(ACTION_TYPES.values()))
    merged: dict[str, Any] = {name: {**plain[name], **given} for name, given in options.items()}
    chosen = WeightOptions(**{**plain, **merged})
    context = PlanContext(
        options=chosen, compute=model or empty, placement=placement or PlacementPolicy()
    )
    return planner.plan(solution, context)
