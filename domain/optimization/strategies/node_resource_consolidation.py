"""Consolidates by allocations alone: empties the hosts with the fewest vCPUs into the fullest ones.

A host is emptied completely or none of its servers is moved. With ``host_choice`` ``auto`` Nova
chooses the destinations, of the hosts that the plan does not disable meanwhile; otherwise those
that the strategy found are prescribed.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from domain.cluster.compute.disabled_reasons import DISABLED_BY_RESOURCE_CONSOLIDATION
from domain.cluster.compute.resources import VCPUS
from domain.cluster.placement.branch import Branch
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.consolidating import Consolidation, Order
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import ranks
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import NOTHING_TO_DO, Requirements, Strategy
from domain.plans.action_types import disable_host, enable_host
from domain.plans.proposal import ProposedAction

CLOSED_MEANWHILE = Reason(
    "closed-meanwhile",
    "{host} is to get no servers while {count} hosts are emptied",
    count="number",
)
NOVA_CHOOSES = Reason(
    "nova-chooses",
    "moving {server} helps to empty {source} (servers: {servers}); Nova chooses the destination, "
    "there is room on {destination}",
    servers="number",
)
OPEN_AGAIN = Reason("open-again", "{host} was disabled only while hosts are emptied")

AUTO: Final = "auto"
MOVE_FAILED: Final = "on a host of which a migration by this audit failed"


@dataclass(frozen=True)
class NodeResourceParameters:
    """The parameters of an audit.

    Attributes:
        host_choice: ``auto``: Nova chooses the destinations; any other word: the strategy does.
    """

    host_choice: str = AUTO


class NodeResourceConsolidation(Strategy[NodeResourceParameters]):
    """Empties hosts in the order of their allocated vCPUs, the fewest first."""

    name = "node_resource_consolidation"
    display_name = "Node Resource Consolidation strategy"
    goal = "server_consolidation"
    planner = "node_resource_consolidation"
    parameters = NodeResourceParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "host_choice": {
                "description": "Who chooses destinations: Nova (auto) or the strategy (specify).",
                "type": "string",
                "default": AUTO,
            }
        }
    }

    def requirements(self, parameters: NodeResourceParameters) -> Requirements:
        """The compute model, and which migrations of earlier plans failed."""
        del parameters
        return Requirements(failed_moves=True)

    def solve(self, context: StrategyContext[NodeResourceParameters]) -> Solution:
        """The plan, and why each host that stays in use does."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        moves = Moves(context)
        failed = _with_failed_moves(context)
        kept = {MOVE_FAILED: failed[context.compute.servers.host]}

        def rank(branch: Branch) -> IntArray:
            """int64[hosts]: by allocated vCPUs; hosts that are not emptied are filled first."""
            return ranks(np.where(failed, np.inf, branch.amounts[VCPUS]))

        Consolidation(moves, order=Order(rank), kept=kept).run()
        model, emptied = moves.model, moves.branch.count == 0
        indicators = {
            "compute_nodes_count": len(model.hosts),
            "released_compute_nodes_count": int(
                np.count_nonzero(emptied & (model.servers_per_host > 0))
            ),
            "instance_migrations_count": len(moves.actions),
        }
        notes = moves.rules.notes(moves.branch)
        if not moves.actions:
            nearest = [one.because for one in context.alternatives.kept[:1]]
            notes = (*(nearest or [Cause(NOTHING_TO_DO)]), *notes)
        auto = context.parameters.host_choice == AUTO
        actions = _left_to_nova(moves) if auto else tuple(moves.actions)
        return Solution(actions, indicators, notes)


def _with_failed_moves(context: StrategyContext[NodeResourceParameters]) -> BoolArray:
    """bool[hosts]: holds a server whose latest migration by a plan of this audit failed."""
    servers, places = context.compute.servers, context.compute.server_places
    found: BoolArray = np.zeros(len(context.compute.hosts), dtype=np.bool_)
    found[[int(servers.host[places[one]]) for one in context.failed_moves if one in places]] = True
    return found


def _left_to_nova(moves: Moves) -> tuple[ProposedAction, ...]:
    """The moves without destinations; all empty hosts are disabled before and enabled after."""
    if not moves.actions:
        return ()
    model, before = moves.model, moves.model.servers_per_host > 0
    empty = moves.branch.count == 0
    idle = model.enabled & model.up & empty & (model.hosts.unseen == 0)
    closed = np.flatnonzero(idle & ~moves.context.awaited())
    freed = int(np.count_nonzero(before & empty))
    names = model.hosts.name
    disables, enables = [], []
    for host in closed:
        facts: JsonObject = {"host": names[host], "count": freed}
        because = Cause(CLOSED_MEANWHILE, facts)
        disables.append(disable_host(model, int(host), because, DISABLED_BY_RESOURCE_CONSOLIDATION))
        enables.append(enable_host(model, int(host), Cause(OPEN_AGAIN, {"host": names[host]})))
    return (*disables, *(_without_destination(one) for one in moves.actions), *enables)


def _without_destination(action: ProposedAction) -> ProposedAction:
    left = {key: value for key, value in action.parameters.items() if key != "destination_node"}
    told = ("server", "source", "servers", "destination")
    facts: JsonObject = {name: action.because.facts[name] for name in told}
    return replace(action, parameters=left, because=Cause(NOVA_CHOOSES, facts))
