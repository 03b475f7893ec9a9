"""The contract of planners: they put the actions of a solution in order.

A planner is a class with a name and ``plan``; it may declare options::

    class OneByOne(Planner[NoOptions]):
        name = "acme.one_by_one"

        def plan(self, solution: Solution, context: PlanContext[NoOptions]) -> list[PlannedAction]:
            return [
                PlannedAction(action, parents=(place - 1,) if place else ())
                for place, action in enumerate(solution.actions)
            ]
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Generic

from domain.kernel.options import NoOptions, O
from domain.kernel.reasons import Cause
from domain.optimization.context import PlanContext
from domain.optimization.solution import Solution
from domain.plans.action_types.declaration import ActionType
from domain.plans.parallelism import Parallelism
from domain.plans.proposal import PlannedAction


class PlanImpossible(Exception):
    """A solution cannot be executed in any order.

    Attributes:
        because: why the run fails.
    """

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


class Planner(ABC, Generic[O]):
    """Puts the actions of a solution in order. Pure: same solution and context, same plan.

    Attributes:
        name: registered name.
        options: dataclass of its options, declared with ``domain.kernel.options.option``. They
            are set in ``[watcher_planners.<name>]``; the decision record holds the values in force.
    """

    name: ClassVar[str]
    options: type[O] = NoOptions  # type: ignore[assignment]

    def defaults(self, action_types: Iterable[ActionType]) -> O:
        """Its options without any configuration.

        Args:
            action_types: the installed ones, for options that have a value per type.
        """
        del action_types
        return self.options()

    def parallelism(self, options: O) -> Parallelism:
        """How many actions of a plan of this planner may be in progress at once.

        The applier keeps these limits; they need no edges.

        Args:
            options: those in force when the plan is executed.
        """
        del options
        return Parallelism()

    @abstractmethod
    def plan(self, solution: Solution, context: PlanContext[O]) -> Sequence[PlannedAction]:
        """Each action of the solution once, with its edges; parents come before children.

        A move may become two, by way of another host.

        Raises:
            PlanImpossible: the actions cannot be executed in any order.
        """
