"""The planner that starts heavier action types first, and moves as soon as they are legal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from domain.cluster.placement.load import MeasuredLoad
from domain.kernel.options import O, option
from domain.optimization.context import PlanContext
from domain.optimization.planner import Planner
from domain.optimization.planners.dependencies import (
    MAX_EDGES,
    Needs,
    dependencies,
)
from domain.optimization.planners.order import by_weight
from domain.optimization.planners.sequence import executable
from domain.optimization.planners.weights import whole_numbers
from domain.optimization.solution import Solution
from domain.plans.action_types import (
    CHANGE_POWER_STATE,
    CHANGE_SERVICE_STATE,
    MIGRATE,
    ActionType,
)
from domain.plans.parallelism import Parallelism
from domain.plans.proposal import PlannedAction, ProposedAction

WITHOUT_ACTION: Final = {"turn_host_to_acpi_s3_state": (10, 2)}
"""Weight and parallelization of names that Watcher's options list, although it has no such type."""
UNRECORDED: Final = {"shelve": (37, 2), "delete": (33, 2)}
"""Likewise of types whose values were in force, but not in the records of the first versions."""
UNKNOWN_PARALLELIZATION: Final = 1
PER_HOST: Final = "host"
PER_PLAN: Final = "plan"
_RELATED: Final = frozenset({MIGRATE, CHANGE_SERVICE_STATE, CHANGE_POWER_STATE})
"""Types whose dependencies on each other are known: they need not wait for all of another type."""


@dataclass(frozen=True)
class WeightOptions:
    """Options of the weight planner. A type that is not listed has weight 0 and runs alone.

    Attributes:
        weights: action type → weight, heaviest first.
        parallelization: action type → how many of it may run at once (less than 1 counts as 1).
        migrations_per: what ``parallelization`` of ``migrate`` counts: those to or from one host,
            or those of the plan.

    Raises:
        InvalidValue: a value is not a whole number; names the option and the type.
    """

    weights: Mapping[str, int] = option(
        dict,
        "Weight of each action type; heavier types are executed first. Types that are not listed "
        "keep their defaults.",
        least=0,
    )
    parallelization: Mapping[str, int] = option(
        dict,
        "Most actions of each type of a plan that run in parallel; for migrate see migrations_per. "
        "Types that are not listed keep their defaults.",
        least=1,
    )
    migrations_per: str = option(
        PER_HOST,
        "What parallelization of migrate limits: migrations to or from one host (host), or all of "
        "a plan (plan). [placement] max_migrations limits those of a plan in any case.",
        choices=(PER_HOST, PER_PLAN),
    )

    def __post_init__(self) -> None:
        """Completes what old records lack."""
        weights = whole_numbers("weights", self.weights)
        parallelization = whole_numbers("parallelization", self.parallelization)
        for kind, (weight, parallel) in UNRECORDED.items():
            weights.setdefault(kind, weight)
            parallelization.setdefault(kind, parallel)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "parallelization", parallelization)


class WeightPlanner(Planner[WeightOptions]):
    """Lists heavier action types first; types that do not know of each other wait for each other.

    Moves, and the actions that enable, disable and switch hosts, wait only for those that they
    depend on (``dependencies``). All other types wait until those before them have ended.
    """

    name = "weight"
    options = WeightOptions

    def defaults(self, action_types: Iterable[ActionType]) -> WeightOptions:
        """What the action types declare, heaviest first."""
        declared = {one.name: (one.weight, one.parallelization) for one in action_types}
        ordered = sorted({**declared, **WITHOUT_ACTION}.items(), key=lambda item: -item[1][0])
        return WeightOptions(
            {kind: weight for kind, (weight, _) in ordered},
            {kind: parallel for kind, (_, parallel) in ordered},
        )

    def parallelism(self, options: WeightOptions) -> Parallelism:
        """The parallelization of each type; that of migrations may hold per host."""
        limits = {kind: max(1, most) for kind, most in options.parallelization.items()}
        per_host: dict[str, int] = {}
        if options.migrations_per == PER_HOST:
            per_host[MIGRATE] = limits.pop(MIGRATE, UNKNOWN_PARALLELIZATION)
        return Parallelism(limits, per_host, UNKNOWN_PARALLELIZATION)

    def plan(
        self, solution: Solution, context: PlanContext[WeightOptions]
    ) -> Sequence[PlannedAction]:
        """The ordered actions with their dependencies."""
        actions = by_weight(
            executable(solution.actions, context, solution.load), context.options.weights
        )
        return in_order(actions, context, solution.load)


def in_order(
    actions: Sequence[ProposedAction], context: PlanContext[O], load: MeasuredLoad | None
) -> list[PlannedAction]:
    """The actions in this order, with what each waits for.

    Args:
        actions: in an order in which they can be executed one after the other.
        context: of the planner.
        load: measured use that the plan is to respect.
    """
    needs = dependencies(actions, context, load)
    kinds = ["" if action.type in _RELATED else action.type for action in actions]
    barriers = _barriers(kinds, needs)
    return [
        one.planned(action, further)
        for action, one, further in zip(actions, needs, barriers, strict=True)
    ]


def _barriers(kinds: Sequence[str], needs: Sequence[Needs]) -> list[tuple[int, ...]]:
    """The actions of the stage before that each action waits for.

    A stage is a run of actions of one kind. Those of a stage that wait for none of it wait for
    those of the stage before that none of that one waits for.

    Args:
        kinds: of the actions.
        needs: of the actions.
    """
    found: list[tuple[int, ...]] = []
    last: tuple[int, ...] = ()
    for _, run in groupby(range(len(kinds)), key=lambda at: kinds[at]):
        stage = list(run)
        inside = {at: {one for one in needs[at].after if one >= stage[0]} for at in stage}
        roots = [at for at in stage if not inside[at]]
        through_first = len(roots) > 1 and len(roots) * len(last) > MAX_EDGES
        for at in stage:
            waits = last if not inside[at] else ()
            found.append((roots[0],) if waits and through_first and at != roots[0] else waits)
        awaited = set().union(*inside.values(), roots[:1] if through_first else ())
        last = tuple(at for at in stage if at not in awaited)
    return found
