"""The contract of strategies: they declare what they need and receive it as values.

A strategy is a class with a name, a goal, typed parameters and ``solve``::

    TOO_WARM = Reason("acme.too-warm", "{host} uses {percent} % of its cores", percent="%")
    CPU = MetricNeed(HOST_CPU_USAGE, "host", "mean", period=3600)

    @dataclass(frozen=True)
    class Limits:
        threshold: float = 80.0

    class Hottest(Strategy[Limits]):
        name = "acme.hottest"
        display_name = "Names the hottest hosts"
        goal = "workload_balancing"
        parameters = Limits
        parameters_schema = {"properties": {"threshold": {"type": "number", "default": 80.0}}}

        def requirements(self, parameters: Limits) -> Requirements:
            return Requirements(metrics=(CPU,))

        def solve(self, context: StrategyContext[Limits]) -> Solution:
            use, names = context.metrics[CPU], context.compute.hosts.name
            limit = context.parameters.threshold
            warm = [place for place, percent in enumerate(use) if percent > limit]
            for place in warm:
                context.considered(
                    context.host(place), TOO_WARM, host=names[place], percent=float(use[place])
                )
            return Solution((), notes=() if warm else (Cause(NOTHING_TO_DO),))
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from domain.cluster.kinds import ModelKind
from domain.kernel.aggregate import JsonObject
from domain.kernel.options import NoOptions
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import MetricNeed
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.plans.proposal import ProposedAction

NOTHING_TO_DO = Reason("nothing-to-do", "The strategy found nothing to improve.")
REQUESTED_BY_PARAMETERS = Reason(
    "requested-by-parameters", "requested in the parameters of {strategy}"
)
ALWAYS_PROPOSED = Reason("always-proposed", "{strategy} always proposes this if it is possible")

NO_METRIC_KNOWN = Reason(
    "no-metric-known", "No metric of {strategy} is known: nothing but allocations is considered."
)

P = TypeVar("P")

COMPUTE_ONLY = frozenset({ModelKind.COMPUTE})
"""What most strategies need."""


@dataclass(frozen=True)
class NoParameters:
    """The parameters of a strategy that has none."""


@dataclass(frozen=True)
class Requirements:
    """What a strategy needs for some parameters.

    Attributes:
        models: kinds of models; compute is always provided.
        metrics: the columns of ``StrategyContext.metrics``.
        recent_moves: how far back ``StrategyContext.recent_moves`` has to reach, s; 0: not needed.
        engines: names of scoring engines, for ``StrategyContext.engines``.
        failed_moves: whether ``StrategyContext.failed_moves`` is read.
    """

    models: frozenset[ModelKind] = COMPUTE_ONLY
    metrics: tuple[MetricNeed, ...] = ()
    recent_moves: float = 0.0
    engines: tuple[str, ...] = ()
    failed_moves: bool = False


class Strategy(ABC, Generic[P]):
    """A pure function from a context to a solution, with its declaration.

    Attributes:
        name: registered name (``vm_workload_consolidation``).
        display_name: shown to users.
        goal: name of its goal.
        planner: name of the planner that orders its actions.
        parameters: dataclass of its parameters; every field has a default.
        parameters_schema: the published JSON Schema (draft 4) of the same parameters, with the same
            defaults; ``{}`` if it has none. Parameters are validated against it first.
        options: dataclass of what the operator sets in ``[watcher_strategies.<name>]``, declared
            with ``domain.kernel.options.option``; see ``StrategyContext.options_as``.
    """

    name: ClassVar[str]
    display_name: ClassVar[str]
    goal: ClassVar[str]
    planner: ClassVar[str] = "weight"
    parameters: type[P] = NoParameters  # type: ignore[assignment]
    parameters_schema: ClassVar[JsonObject] = {}
    options: ClassVar[type] = NoOptions

    def requirements(self, parameters: P) -> Requirements:
        """What it needs for some parameters: by default the compute model alone.

        To show whether a strategy could run at all, it is called with the defaults of all
        parameters, also of those that the schema requires.
        """
        del parameters
        return Requirements()

    def requested_actions(self, parameters: P) -> Mapping[str, ProposedAction]:
        """The actions that the parameters list: place in the parameters → action; none by default.

        They are checked against the registered action types when an audit is created, and before
        each run.

        Raises:
            InvalidValue: a value breaks a rule that the schema cannot express.
        """
        del parameters
        return {}

    @abstractmethod
    def solve(self, context: StrategyContext[P]) -> Solution:
        """No I/O, no clock, no randomness except the seed: equal contexts give equal solutions.

        Raises:
            InvalidValue: a parameter names something that the models do not have; the run fails.
        """


def notes_of(
    strategy: Strategy[P], context: StrategyContext[P], solution: Solution
) -> tuple[Cause, ...]:
    """The notes of a solution, most important first; one is added if no metric is known.

    A strategy that requires none does without.
    """
    coverage = context.metrics.coverage()
    is_needed = any(need.required for need in coverage)
    measured = coverage.values()
    if not (is_needed and any(one.total for one in measured)) or any(one.known for one in measured):
        return solution.notes
    unknown = Cause(NO_METRIC_KNOWN, {"strategy": strategy.name})
    return (unknown, *solution.notes) if solution.actions else (*solution.notes, unknown)
