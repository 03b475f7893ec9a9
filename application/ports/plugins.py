from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.optimization.goals import Goal
from domain.optimization.planner import Planner
from domain.optimization.returning import Return, ReturnPlanner
from domain.optimization.scoring import ScoringEngine
from domain.optimization.strategy import Strategy
from domain.plans.action_types import ActionType


@dataclass(frozen=True)
class PluginIdentity:
    """Which code a plug-in is.

    Attributes:
        kind: ``strategy`` or ``planner``.
        distribution, version: of the distribution that declares it.
        digest: ``sha256:`` and the digest of the file that defines its class; empty if it has none.
    """

    kind: str
    name: str
    distribution: str
    version: str
    digest: str


@dataclass(frozen=True)
class Optimizers:
    """The plug-ins that turn a model into a plan, by name: the product's own and all others.

    Attributes:
        identities: of the strategies and planners, by kind and name.
    """

    goals: Mapping[str, Goal]
    strategies: Mapping[str, Strategy[Any]]
    planners: Mapping[str, Planner[Any]]
    action_types: Mapping[str, ActionType]
    engines: Mapping[str, ScoringEngine] = field(default_factory=dict)
    identities: Mapping[tuple[str, str], PluginIdentity] = field(default_factory=dict)

    @property
    def every_strategy(self) -> Mapping[str, Strategy[Any]]:
        """Those that a record may name: the installed ones, and the one that undoes plans."""
        return {**self.strategies, Return.name: Return()}

    @property
    def every_planner(self) -> Mapping[str, Planner[Any]]:
        """Likewise, the planners."""
        return {**self.planners, ReturnPlanner.name: ReturnPlanner()}

    def identities_of(self, strategy: str, planner: str) -> tuple[PluginIdentity, ...]:
        """The identities of a strategy and a planner, as far as they are known."""
        wanted = (("strategy", strategy), ("planner", planner))
        return tuple(self.identities[one] for one in wanted if one in self.identities)

    def default_options(self) -> "OptimizerOptions":
        """The options without a configuration."""
        types = self.action_types.values()
        return OptimizerOptions(
            {name: one.options() for name, one in self.strategies.items()},
            {name: one.defaults(types) for name, one in self.planners.items()},
        )


@dataclass(frozen=True)
class OptimizerOptions:
    """Strategy or planner → its options in force, an instance of its ``options`` class."""

    strategies: Mapping[str, Any]
    planners: Mapping[str, Any]
