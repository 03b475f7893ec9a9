"""The catalogue of plug-ins: what is installed, recorded at start and looked up by commands."""

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from application.kernel.unit_of_work import CommandResult, Commands, Transaction
from application.ports.plugins import Optimizers
from application.ports.read_models import Filters, GoalView, Page, StrategyView
from application.ports.services import ServiceRegistry
from domain.catalogue import Installation, PluginCatalogue, PluginDefinition, PluginKind
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.ids import CATALOGUE_ID
from domain.kernel.metadata import Context, Metadata
from domain.optimization.goals import Goal
from domain.optimization.scoring import ScoringEngine
from domain.optimization.strategy import Strategy
from domain.plans.action_types import ActionType

log = logging.getLogger(__name__)

ENGINE = "watcher-decision-engine"
"""The service that synchronises the catalogue."""
HOST_MEMORY = timedelta(days=1)
"""The plug-ins of another host count until it has been down this long: restarts change nothing."""


class DefinitionLookup(Protocol):
    """Finds goals and strategies by uuid, name (case is ignored) or numeric id."""

    def goal(self, ident: str) -> GoalView | None:
        """A registered goal, None if there is none."""
        ...

    def strategy(self, ident: str) -> StrategyView | None:
        """A registered strategy, None if there is none."""
        ...

    def strategies(self, page: Page, filters: Filters) -> list[StrategyView]:
        """Registered strategies, also those of one goal."""
        ...

    def action_types(self) -> Mapping[str, JsonObject]:
        """Registered action type → JSON Schema of its parameters; ``{}`` if it is not recorded."""
        ...


def require_strategy(definitions: DefinitionLookup, goal: str) -> None:
    """Checks that a strategy can be chosen for a registered goal.

    Raises:
        InvalidValue: no installed strategy has the goal.
    """
    found = definitions.goal(goal)
    if found and not definitions.strategies(Page(limit=1), {"goal": str(found.uuid)}):
        raise InvalidValue("goal", f"{found.name} has no strategy: install a plug-in with one")


def synchronise(
    commands: Commands,
    metadata: Metadata,
    installed: Iterable[PluginDefinition],
    here: Installation,
    services: ServiceRegistry,
) -> CommandResult[None]:
    """Records new, changed and removed plug-ins in the catalogue.

    Any number of processes, also of different versions, may call it at once: the log accepts each
    difference once, and of two versions the newer one stays.

    Args:
        commands: runs the command.
        metadata: its provenance.
        installed: the definitions of the calling engine, which is registered in ``services``.
        here: their versions.
        services: tell which other engines are gone.
    """
    definitions = tuple(installed)

    def decide(tx: Transaction, ctx: Context) -> None:
        catalogue = tx.find(PluginCatalogue, CATALOGUE_ID)
        if catalogue is None:
            catalogue = PluginCatalogue.open(ctx)
            tx.add(catalogue)
        gone = _gone(catalogue.installations.values(), here, services, ctx)
        for kind, name in catalogue.synchronise(ctx, definitions, here, gone):
            log.info(
                "%s %s: another decision engine has a newer version, whose definition stays",
                kind,
                name,
            )

    return commands.run(metadata, decide)


def _gone(
    installations: Iterable[Installation],
    here: Installation,
    services: ServiceRegistry,
    ctx: Context,
) -> list[str]:
    """Instances that ended on this host, or whose host has been silent for ``HOST_MEMORY``."""
    seen = {row.host: row.last_seen_up for row in services.rows() if row.name == ENGINE}
    oldest = ctx.at - HOST_MEMORY
    return [
        one.instance
        for one in installations
        if (one.host == here.host and services.is_presumed_dead(one.instance))
        or (one.host != here.host and seen.get(one.host, oldest) <= oldest)
    ]


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
