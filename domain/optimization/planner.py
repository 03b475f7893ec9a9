"""The contract of planners: they put the actions of a solution in order."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from domain.kernel.options import NoOptions
from domain.optimization.context import PlanContext
from domain.optimization.solution import Solution
from domain.plans.proposal import PlannedAction

O = TypeVar("O")  # noqa: E741 - options


class Planner(ABC, Generic[O]):
    """Puts the actions of a solution in order. Pure: same solution and context, same plan.

    Attributes:
        name: registered name.
        options: dataclass of its options; every field has a default. They are read from
            ``[watcher_planners.<name>]``; the decision record holds the effective values.
    """

    name: ClassVar[str]
    options: type[O] = NoOptions  # type: ignore[assignment]

    @abstractmethod
    def plan(self, solution: Solution, context: PlanContext[O]) -> Sequence[PlannedAction]:
        """The actions with their edges, topologically ordered (parents come first)."""
