"""The planner that disables hosts, then empties them side by side, then enables hosts again."""

from collections.abc import Sequence

from domain.kernel.options import NoOptions
from domain.optimization.context import PlanContext
from domain.optimization.planner import Planner
from domain.optimization.planners.dependencies import (
    MAX_EDGES,
    dependencies,
    destination,
    source,
    switched,
)
from domain.optimization.planners.sequence import executable
from domain.optimization.solution import Solution
from domain.plans.proposal import PlannedAction, ProposedAction


class NodeResourceConsolidationPlanner(Planner[NoOptions]):
    """Disables all hosts; then moves the servers off each host one after the other; then the rest.

    Hosts are emptied side by side. A host that a move needs is enabled first; all other actions
    come after the last move off every host.
    """

    name = "node_resource_consolidation"

    def plan(self, solution: Solution, context: PlanContext[NoOptions]) -> Sequence[PlannedAction]:
        """The ordered actions with their dependencies."""
        first, moves, rest = _split(executable(solution.actions, context, solution.load))
        actions = [*first, *moves, *rest]
        found = dependencies(actions, context, solution.load)
        disables = [at for at, one in enumerate(first) if switched(one, on=False)]
        last: dict[str, int] = {}
        planned: list[PlannedAction] = []
        for at, (action, needs) in enumerate(zip(actions, found, strict=True)):
            further: list[int] = []
            host = source(action)
            if host is not None:
                further = [last[host]] if host in last else []
                if not further or len(disables) * len(moves) <= MAX_EDGES:
                    further += disables
                last[host] = at
            elif at >= len(first):
                further = list(last.values()) or disables
            planned.append(needs.planned(action, further))
        return planned


def _split(
    actions: Sequence[ProposedAction],
) -> tuple[list[ProposedAction], list[ProposedAction], list[ProposedAction]]:
    """What comes before the moves, the moves, what comes after them."""
    first, moves, rest = (list[ProposedAction]() for _ in range(3))
    opened = {destination(one) for one in actions} - {switched(one, on=False) for one in actions}
    for action in actions:
        on = switched(action, on=True)
        if source(action) is not None:
            moves.append(action)
        elif switched(action, on=False) is not None or (on is not None and on in opened):
            first.append(action)
        else:
            rest.append(action)
    return first, moves, rest
