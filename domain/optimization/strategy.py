"""The contract of strategies: they declare their inputs and receive them as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from domain.metrics.catalogue import MetricNeed, MetricTable
from domain.optimization.solution import Solution

NOTHING_TO_DO = Reason("nothing-to-do", "The strategy found nothing to improve.")
REQUESTED_BY_PARAMETERS = Reason(
    "requested-by-parameters",
    "requested in the parameters of {strategy}",
)


@dataclass(frozen=True)
class StrategyInputs:
    """All inputs of a strategy. They are stored in the decision record.

    Attributes:
        compute: the compute model within the audit's scope.
        metrics: the declared metrics, in the order of the model's hosts and servers.
        parameters: the audit's parameters with the schema's defaults filled in.
        seed: random seed.
        storage, baremetal: the models of the other kinds; None if the strategy did not declare
            that it needs them.
    """

    compute: ComputeModel
    metrics: MetricTable
    parameters: Mapping[str, object]
    seed: int
    storage: StorageModel | None = None
    baremetal: BaremetalModel | None = None


COMPUTE_ONLY = frozenset({ModelKind.COMPUTE})
"""What most strategies need."""


class Strategy(Protocol):
    """A pure function from inputs to a solution, with its declaration.

    Attributes:
        name: registered name (``vm_workload_consolidation``).
        display_name: shown to users.
        goal: name of its goal.
        planner: name of the planner that orders its actions.
        parameters_schema: JSON Schema (draft 4) of its parameters, ``{}`` if it has none.

    ``models`` and ``metrics`` get valid parameters for runs, and only the schema's defaults to show
    whether it could run: required parameters may then be missing.
    """

    name: str
    display_name: str
    goal: str
    planner: str
    parameters_schema: JsonObject

    def models(self, parameters: Mapping[str, object]) -> frozenset[ModelKind]:
        """The kinds of models it needs for these parameters; compute is always provided."""
        ...

    def metrics(self, parameters: Mapping[str, object]) -> tuple[MetricNeed, ...]:
        """The metrics it needs for these parameters."""
        ...

    def solve(self, inputs: StrategyInputs) -> Solution:
        """No I/O, no clock, no randomness except the seed: equal inputs give equal solutions."""
        ...
