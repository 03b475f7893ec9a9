"""What the installed plug-ins say about themselves, as the catalogue lists it."""

from collections.abc import Iterable, Mapping

from application.ports.cloud import ActionHandler
from domain.catalogue import PluginDefinition, PluginKind
from domain.kernel.aggregate import JsonObject
from domain.optimization.goals import Goal
from domain.optimization.strategy import Strategy


def definitions(
    goals: Mapping[str, Goal],
    strategies: Mapping[str, Strategy],
    planners: Iterable[str],
    handlers: Mapping[str, ActionHandler],
) -> list[PluginDefinition]:
    """One definition per goal, strategy, planner and action type."""
    return [
        *(_goal(goal) for goal in goals.values()),
        *(_strategy(strategy) for strategy in strategies.values()),
        *(PluginDefinition(PluginKind.PLANNER, name, name, {}) for name in planners),
        *(
            PluginDefinition(PluginKind.ACTION_TYPE, name, name, {"description": one.description})
            for name, one in handlers.items()
        ),
    ]


def _goal(goal: Goal) -> PluginDefinition:
    indicators: list[JsonObject] = [
        {
            "name": one.name,
            "description": one.description,
            "unit": one.unit,
            "schema": one.schema_text,
        }
        for one in goal.efficacy.indicators
    ]
    details: JsonObject = {"efficacy_specification": indicators}
    return PluginDefinition(PluginKind.GOAL, goal.name, goal.display_name, details)


def _strategy(strategy: Strategy) -> PluginDefinition:
    details: JsonObject = {
        "goal": strategy.goal,
        "parameters_spec": dict(strategy.parameters_schema),
    }
    return PluginDefinition(PluginKind.STRATEGY, strategy.name, strategy.display_name, details)
