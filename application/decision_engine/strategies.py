"""The strategy of a run: chosen among those of this engine, or left to an engine that has it."""

from typing import Any

from application.ports.event_log import EventLog
from application.ports.plugins import Optimizers
from application.ports.services import ServiceRegistry
from domain.audits import Audit
from domain.audits.reasons import NO_STRATEGY_FOR_GOAL, STRATEGY_UNKNOWN
from domain.catalogue import PluginCatalogue, PluginDefinition, PluginKind
from domain.kernel.ids import CATALOGUE_ID
from domain.kernel.reasons import Cause
from domain.optimization.selection import NoStrategyForGoal, choose_strategy
from domain.optimization.strategy import Strategy


class StrategyMissing(Exception):
    """This engine has no strategy for a run.

    Attributes:
        because: why.
    """

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


class RunStrategies:
    """Chooses the strategies of runs.

    Args:
        log: has the catalogue of the plug-ins of all engines.
        services: tell which engines are alive.
        optimizers: those of this engine.
    """

    def __init__(self, log: EventLog, services: ServiceRegistry, optimizers: Optimizers) -> None:
        self._log = log
        self._services = services
        self._goals = optimizers.goals
        self._strategies = optimizers.strategies

    def of(self, audit: Audit) -> Strategy[Any]:
        """The strategy of an audit.

        Raises:
            StrategyMissing: it is not installed here, or none is for the goal.
        """
        if audit.strategy is not None and audit.strategy not in self._strategies:
            raise StrategyMissing(Cause(STRATEGY_UNKNOWN, {"strategy": audit.strategy}))
        goal = self._goals.get(audit.goal)
        preferred = "" if goal is None else goal.strategy
        try:
            return choose_strategy(
                self._strategies, audit.goal, audit.strategy, preferred=preferred
            )
        except NoStrategyForGoal:
            raise StrategyMissing(Cause(NO_STRATEGY_FOR_GOAL, {"goal": audit.goal})) from None

    def are_elsewhere(self, audit: Audit) -> bool:
        """Whether this engine has no strategy for an audit, but another one that is alive has."""
        try:
            self.of(audit)
        except StrategyMissing:
            catalogue = self._log.find(PluginCatalogue, CATALOGUE_ID)
            return catalogue is not None and self._has_owner(catalogue, audit)
        return False

    def _has_owner(self, catalogue: PluginCatalogue, audit: Audit) -> bool:
        wanted = [one.key for one in catalogue.definitions.values() if _suits(one, audit)]
        return any(
            any(one.get(key) for key in wanted)
            and not self._services.is_presumed_dead(one.instance)
            for one in catalogue.installations.values()
        )


def _suits(definition: PluginDefinition, audit: Audit) -> bool:
    if definition.kind is not PluginKind.STRATEGY:
        return False
    if audit.strategy is not None:
        return definition.name == audit.strategy
    return definition.details["goal"] == audit.goal
