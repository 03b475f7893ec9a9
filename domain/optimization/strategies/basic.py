"""Basic offline consolidation: empties the hosts with the least CPU load into those with the most.

A host is emptied completely or none of its servers is moved. Only active servers are moved. The
CPU load decides the order of the hosts, and a destination never uses more than its cores.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.load import USED_CPU, MeasuredLoad
from domain.cluster.placement.movability import LIVE, MIGRATION_OF_STATE
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.options import option
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import HOST_CPU_USAGE, INSTANCE_CPU_USAGE, MetricNeed
from domain.optimization.algorithms.consolidating import Consolidation, Order
from domain.optimization.algorithms.emptying import disable_emptied
from domain.optimization.algorithms.loads import capacity, host_use, server_use, unknown_use
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import ranks
from domain.optimization.context import StrategyContext
from domain.optimization.parameters import AGGREGATION_METHOD, GRANULARITY, PERIOD, Aggregates
from domain.optimization.solution import Solution
from domain.optimization.strategy import NOTHING_TO_DO, Requirements, Strategy

_TRUE: Final = frozenset({"1", "t", "true", "on", "y", "yes"})
_TIE: Final = 1e-9
"""Weight of the number of servers among hosts of equal load: the fewer leave first."""


@dataclass(frozen=True)
class BasicParameters:
    """The parameters of an audit.

    Attributes:
        migration_attempts: hosts, one after the other, that may fail to be emptied; the search ends
            when more do. 0: no limit.
        period, granularity: of the metrics, s.
        aggregation_method: over the period.
    """

    migration_attempts: float = 0
    period: float = 7200
    granularity: float = 300
    aggregation_method: Aggregates = field(default_factory=Aggregates)

    def of_hosts(self) -> MetricNeed:
        """The CPU use of hosts; without it that of their servers counts."""
        return MetricNeed(
            HOST_CPU_USAGE,
            "host",
            self.aggregation_method.host,
            self.period,
            self.granularity,
            required=False,
        )

    def of_servers(self) -> MetricNeed:
        """The CPU use of servers."""
        return MetricNeed(
            INSTANCE_CPU_USAGE,
            "server",
            self.aggregation_method.instance,
            self.period,
            self.granularity,
            required=False,
        )


@dataclass(frozen=True)
class BasicOptions:
    """Options of the strategy.

    Attributes:
        check_optimize_metadata: see its help.
    """

    check_optimize_metadata: bool = option(
        False,  # noqa: FBT003 - the default of an option
        "Whether only servers move that have no metadata, or whose metadata `optimize` is true.",
    )


class Basic(Strategy[BasicParameters]):
    """Empties hosts in the order of their CPU load, the least loaded first."""

    name = "basic"
    display_name = "Basic offline consolidation"
    goal = "server_consolidation"
    parameters = BasicParameters
    options = BasicOptions
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "migration_attempts": {
                "description": "Number of hosts in a row that may fail to be emptied; 0 for any.",
                "type": "number",
                "default": 0,
            },
            "period": {"description": PERIOD, "type": "number", "default": 7200},
            "granularity": {"description": GRANULARITY, "type": "number", "default": 300},
            "aggregation_method": AGGREGATION_METHOD,
        }
    }

    def requirements(self, parameters: BasicParameters) -> Requirements:
        """The CPU use of hosts and servers, if available."""
        return Requirements(metrics=(parameters.of_hosts(), parameters.of_servers()))

    def solve(self, context: StrategyContext[BasicParameters]) -> Solution:
        """The plan, and why each host that stays in use does."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        given = context.parameters
        used = server_use(context, given.of_servers())
        measured = host_use(context, given.of_hosts())
        moves = Moves(context, _load(context, used, measured), kind=LIVE)
        attempts = int(given.migration_attempts) if given.migration_attempts > 0 else None
        order = Order(_least_loaded_first, attempts)
        emptying = Consolidation(moves, order=order, kept=_kept(context))
        emptying.run()
        notes = [*unknown_use(HOST_CPU_USAGE, measured, "host")]
        notes += unknown_use(INSTANCE_CPU_USAGE, used, "server")
        return _solution(moves, (*notes, *moves.rules.notes(moves.branch)))


def _load(
    context: StrategyContext[BasicParameters], used: FloatArray, measured: FloatArray
) -> MeasuredLoad:
    """The CPU load; of a server of unknown use, its share of the cores (vCPUs / ratio)."""
    model = context.compute
    servers, hosts = model.servers, len(model.hosts)
    share = servers.vcpus / np.maximum(model.hosts.cpu_ratio[servers.host], 1.0)
    cores = np.where(np.isnan(used), share, used)
    explained = np.bincount(servers.host, weights=cores, minlength=hosts)
    beyond = np.where(np.isnan(measured), 0.0, np.maximum(measured - explained, 0.0))
    return MeasuredLoad.of(
        np.stack([cores, np.zeros(len(servers))], axis=1),
        np.stack([beyond, np.zeros(hosts)]),
        np.stack([capacity(model, INSTANCE_CPU_USAGE), np.full(hosts, np.inf)]),
    )


def _least_loaded_first(branch: Branch) -> IntArray:
    """int64[hosts]: by the share of the cores in use; of equal ones those with few servers."""
    model = branch.model
    used = branch.amounts[len(model.resources) + USED_CPU]
    whole = capacity(model, INSTANCE_CPU_USAGE)
    share = np.divide(used, whole, out=np.ones_like(used), where=whole > 0)
    return ranks(np.round(share, 9) + _TIE * branch.count)


def _kept(context: StrategyContext[BasicParameters]) -> dict[str, BoolArray]:
    """What is said of servers that stay → bool[servers]."""
    servers = context.compute.servers
    passive = servers.state.where(lambda state: MIGRATION_OF_STATE.get(state) != LIVE)
    if not context.options_as(BasicOptions).check_optimize_metadata:
        return {"not active": passive}
    untagged = ~servers.metadata.where(_may_be_optimised)
    return {"not active": passive, "not tagged with optimize": untagged}


def _may_be_optimised(metadata: Mapping[str, str]) -> bool:
    return not metadata or str(metadata.get("optimize", "")).strip().lower() in _TRUE


def _solution(moves: Moves, notes: tuple[Cause, ...]) -> Solution:
    """Moves, and disables of the hosts that they empty."""
    model, branch, context = moves.model, moves.branch, moves.context
    serving = model.enabled & model.up
    released = np.flatnonzero(serving & (model.servers_per_host > 0) & (branch.count == 0))
    disables = [disable_emptied(model, int(host)) for host in released]
    actions = (*moves.actions, *disables)
    indicators = {
        "compute_nodes_count": int(np.count_nonzero(serving)),
        "released_compute_nodes_count": len(released),
        "instance_migrations_count": len(moves.actions),
    }
    if not actions:
        nearest = [one.because for one in context.alternatives.kept[:1]]
        notes = (*(nearest or [Cause(NOTHING_TO_DO)]), *notes)
    return Solution(actions, indicators, notes, branch.load)
