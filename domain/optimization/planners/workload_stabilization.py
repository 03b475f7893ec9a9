"""The planner that orders actions by the weight of their type, without waiting between types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.kernel.options import option
from domain.optimization.context import PlanContext
from domain.optimization.planner import Planner
from domain.optimization.planners.dependencies import dependencies
from domain.optimization.planners.order import by_weight
from domain.optimization.planners.sequence import executable
from domain.optimization.planners.weights import whole_numbers
from domain.optimization.solution import Solution
from domain.plans.proposal import PlannedAction

WEIGHTS: Final = {
    "turn_host_to_acpi_s3_state": 0,
    "resize": 1,
    "migrate": 2,
    "sleep": 3,
    "change_nova_service_state": 4,
    "nop": 5,
}


@dataclass(frozen=True)
class StabilizationOptions:
    """Options of the planner. A type that is not listed has weight 0.

    Raises:
        InvalidValue: a weight is not a whole number; names the type.
    """

    weights: Mapping[str, int] = option(
        lambda: dict(WEIGHTS),
        "Weight of each action type; heavier types are started first. Types that are not listed "
        "keep their defaults, all others have 0.",
        least=0,
    )

    def __post_init__(self) -> None:
        """Converts texts of a configuration file."""
        object.__setattr__(self, "weights", whole_numbers("weights", self.weights))


class WorkloadStabilizationPlanner(Planner[StabilizationOptions]):
    """Starts heavier types first; an action waits only for those that it depends on."""

    name = "workload_stabilization"
    options = StabilizationOptions

    def plan(
        self, solution: Solution, context: PlanContext[StabilizationOptions]
    ) -> Sequence[PlannedAction]:
        """The ordered actions with their dependencies."""
        actions = by_weight(
            executable(solution.actions, context, solution.load), context.options.weights
        )
        found = dependencies(actions, context, solution.load)
        return [needs.planned(action) for action, needs in zip(actions, found, strict=True)]
