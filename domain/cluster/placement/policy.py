"""The placement rules in force besides those of the cloud."""

from dataclasses import dataclass, field, replace

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits
from domain.cluster.placement.rules.operator import OperatorRules


@dataclass(frozen=True)
class PlacementPolicy:
    """The rules in force besides those of the cloud.

    Attributes:
        operator: the operator's own rules.
        limits: on moves in progress.
        keep_zone: whether a server that is pinned to no zone stays in its zone.
        numa_certain: whether NUMA cells must certainly fit, not only possibly.
    """

    operator: OperatorRules = field(default_factory=OperatorRules)
    limits: ConcurrencyLimits = field(default_factory=ConcurrencyLimits)
    keep_zone: bool = True
    numa_certain: bool = False

    def with_rules(self, operator: OperatorRules) -> "PlacementPolicy":
        """The same with more rules of the operator."""
        return replace(self, operator=self.operator | operator)

    def constraints(self, model: ComputeModel) -> Constraints:
        """All placement rules of a model."""
        return Constraints(
            model,
            self.operator,
            self.limits,
            keep_zone=self.keep_zone,
            numa_certain=self.numa_certain,
        )
