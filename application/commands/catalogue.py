"""The catalogue of plug-ins: what is installed, recorded at start and looked up by commands."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from application.kernel.unit_of_work import CommandResult, Commands, Transaction
from application.ports.plugins import Optimizers
from application.ports.read_models import GoalView, StrategyView
from domain.catalogue import PluginCatalogue, PluginDefinition, PluginKind
from domain.kernel.aggregate import JsonObject
from domain.kernel.ids import CATALOGUE_ID
from domain.kernel.metadata import Context, Metadata
from domain.optimization.goals import Goal
from domain.optimization.scoring import ScoringEngine
from domain.optimization.strategy import Strategy
from domain.plans.action_types import ActionType


class DefinitionLookup(Protocol):
    """Finds goals and strategies by uuid, name (case is ignored) or numeric id."""

    def goal(self, ident: str) -> GoalView | None:
        """A registered goal, None if there is none."""
        ...

    def strategy(self, ident: str) -> StrategyView | None:
        """A registered strategy, None if there is none."""
        ...

    def action_types(self) -> Mapping[str, JsonObject]:
        """Registered action type → JSON Schema of its parameters; ``{}`` if it is not recorded."""
        ...


def synchronise(
    commands: Commands, metadata: Metadata, installed: Iterable[PluginDefinition]
) -> CommandResult[None]:
    """Records new, changed and removed plug-ins in the catalogue.

    Any number of processes may call it at once: the log accepts each difference once.
    """
    definitions = tuple(installed)

    def decide(tx: Transaction, ctx: Context) -> None:
        catalogue = tx.find(PluginCatalogue, CATALOGUE_ID)
        if catalogue is None:
            catalogue = PluginCatalogue.open(ctx)
            tx.add(catalogue)
        catalogue.synchronise(ctx, definitions)

    return commands.run(metadata, decide)


def definitions(
    optimizers: Optimizers, executable: Collection[str], engines: Iterable[ScoringEngine]
) -> list[PluginDefinition]:
    """One definition per goal, strategy, planner, scoring engine and executable action type.

    Args:
        optimizers: the installed ones.
        executable: the action types that have a handler.
        engines: the installed scoring engines.
    """
    types = optimizers.action_types.values()
    return [
        *(_goal(goal) for goal in optimizers.goals.values()),
        *(_strategy(strategy) for strategy in optimizers.strategies.values()),
        *(PluginDefinition(PluginKind.PLANNER, name, name, {}) for name in optimizers.planners),
        *(_scoring_engine(engine) for engine in engines),
        *(_action_type(declared) for declared in types if declared.name in executable),
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


def _strategy(strategy: Strategy[Any]) -> PluginDefinition:
    details: JsonObject = {
        "goal": strategy.goal,
        "parameters_spec": dict(strategy.parameters_schema),
    }
    return PluginDefinition(PluginKind.STRATEGY, strategy.name, strategy.display_name, details)


def _scoring_engine(engine: ScoringEngine) -> PluginDefinition:
    details: JsonObject = {"description": engine.description, "metainfo": engine.metainfo}
    return PluginDefinition(PluginKind.SCORING_ENGINE, engine.name, engine.name, details)


def _action_type(declared: ActionType) -> PluginDefinition:
    details: JsonObject = {"description": declared.description, "schema": declared.schema}
    return PluginDefinition(PluginKind.ACTION_TYPE, declared.name, declared.name, details)
