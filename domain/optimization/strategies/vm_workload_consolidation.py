"""Consolidates servers on few hosts: relieves overloaded hosts, then empties whole hosts.

A host is emptied completely or none of its servers is moved. A server is moved at most once. Each
move is legal after the moves before it, because it is tried on a branch of the model; hence any
prefix of the plan can be executed.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from domain.cluster.compute.disabled_reasons import DISABLED_BY_CONSOLIDATION
from domain.cluster.placement.load import USED_CPU
from domain.cluster.placement.rules.capacity import UTILISATION_SHORT
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import BoolArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import INSTANCE_ROOT_DISK_SIZE, MetricNeed
from domain.optimization.algorithms.consolidating import Consolidation, Price
from domain.optimization.algorithms.emptying import disable_emptied
from domain.optimization.algorithms.loads import unknown_remark
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import Fit, ranks, room
from domain.optimization.algorithms.relieving import relieve
from domain.optimization.algorithms.utilisation import Utilisation, UtilisationNeeds, utilisation
from domain.optimization.context import StrategyContext
from domain.optimization.parameters import GRANULARITY, MAX_MIGRATIONS, PERIOD
from domain.optimization.solution import Solution
from domain.optimization.strategy import NOTHING_TO_DO, Requirements, Strategy
from domain.plans.action_types import enable_host
from domain.plans.proposal import ProposedAction

WAKES_HOST = Reason("wakes-host", "{host} is needed as a destination")

CPU_HEADROOM: Final = 0.9
"""Share of a destination's *physical* cores that may be in use after a move. The allocation ratio
says how many vCPUs may be allocated, not how much work the cores can do."""
MEMORY_HEADROOM: Final = 1.0
"""Share of a destination's memory that may be in use after a move."""


@dataclass(frozen=True)
class ConsolidationParameters:
    """The parameters of an audit.

    Attributes:
        period, granularity: of the metrics, s.
        max_migrations: the most migrations of a plan; 0: no limit.
        migrations_per_host: the most migrations that emptying one host may take; 0: no limit.
        minimum_gain: the fewest hosts that a plan must free.
        reserve: hosts that may fail; so much room stays free on hosts in service.
    """

    period: float = 3600
    granularity: float = 300
    max_migrations: int = 0
    migrations_per_host: int = 0
    minimum_gain: int = 0
    reserve: int = 0

    def price(self) -> Price:
        """What may be spent."""
        return Price(self.max_migrations, self.migrations_per_host, self.minimum_gain, self.reserve)


class VmWorkloadConsolidation(Strategy[ConsolidationParameters]):
    """Chooses the hosts that stay, and empties the others into them, cheapest first."""

    name = "vm_workload_consolidation"
    display_name = "VM Workload Consolidation Strategy"
    goal = "server_consolidation"
    parameters = ConsolidationParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "period": {"description": PERIOD, "type": "number", "default": 3600},
            "granularity": {"description": GRANULARITY, "type": "number", "default": 300},
            "max_migrations": MAX_MIGRATIONS,
            "migrations_per_host": {
                "description": "Most migrations that emptying one host may take; 0 for no limit.",
                "type": "integer",
                "minimum": 0,
                "default": 0,
            },
            "minimum_gain": {
                "description": "Fewest hosts that a plan must free.",
                "type": "integer",
                "minimum": 0,
                "default": 0,
            },
            "reserve": {
                "description": "Hosts whose servers the others have room for if they fail.",
                "type": "integer",
                "minimum": 0,
                "default": 0,
            },
        }
    }

    def requirements(self, parameters: ConsolidationParameters) -> Requirements:
        """CPU use of servers needs a source; the other metrics are used if available."""
        needs = _needs(parameters)
        period, granularity = parameters.period, parameters.granularity
        disk = MetricNeed(
            INSTANCE_ROOT_DISK_SIZE, "server", "mean", period, granularity, required=False
        )
        return Requirements(
            metrics=(
                needs.server_memory_allocated,
                needs.server_cpu,
                needs.server_memory,
                disk,
                needs.host_cpu,
                needs.host_memory,
            )
        )

    def solve(self, context: StrategyContext[ConsolidationParameters]) -> Solution:
        """The plan, and why each host that stays in use does."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        use = utilisation(
            context.compute,
            context.metrics,
            _needs(context.parameters),
            cpu_headroom=CPU_HEADROOM,
            memory_headroom=MEMORY_HEADROOM,
        )
        run = _Consolidation(context, use)
        run.relieve()
        run.empty()
        return run.solution()


def _needs(parameters: ConsolidationParameters) -> UtilisationNeeds:
    return UtilisationNeeds.of(parameters.period, parameters.granularity)


class _Consolidation:
    """One run: the moves and the hosts to enable."""

    def __init__(self, context: StrategyContext[ConsolidationParameters], use: Utilisation) -> None:
        self._context = context
        self._use = use
        self._moves = Moves(context, use.load)
        self._model = context.compute
        self._emptying = Consolidation(self._moves, context.parameters.price())
        self._in_service: BoolArray = context.awaited()
        self._enables: list[ProposedAction] = []

    def relieve(self) -> None:
        """Moves servers off hosts whose measured CPU use exceeds their cores, worst first."""
        cores = self._model.cores
        need = np.where(self._use.cpu_known, self._use.load.need[:, USED_CPU], 0.0)
        excess = self._use.cpu_measured - cores
        if not (excess > 0).any():
            return
        stay, most = self._emptying.staying(), self._context.parameters.max_migrations

        def find(source: int, server: int) -> int | None:
            if most and len(self._moves.actions) >= most:
                return None
            return self._place_off(source, server, stay)

        for host, rest in relieve(self._moves, excess, cores, need, find).items():
            subject = self._context.host(host)
            self._context.considered(
                subject,
                UTILISATION_SHORT,
                host=subject.name,
                resource="cpu",
                needed=round(float(cores[host]) + rest, 3),
                free=float(cores[host]),
            )

    def _place_off(self, source: int, server: int, stay: BoolArray) -> int | None:
        """A host that stays in use; else a used one; else an empty one; else one to enable."""
        cool = self._use.cpu_measured <= self._model.cores
        cool[source] = False
        for hosts in (cool & stay, cool & (self._moves.branch.count > 0), cool):
            found = Fit(self._moves, hosts, np.array([server])).find(server)
            if found is not None:
                return found
        return self._wake_for(server)

    def _wake_for(self, server: int) -> int | None:
        """The smallest host that may be enabled and can then have the server."""
        asleep = self._model.hosts.disabled_reason.where(
            lambda reason: not reason or reason.startswith(DISABLED_BY_CONSOLIDATION)
        )
        branch = self._moves.branch
        candidates = np.flatnonzero(asleep & ~branch.enabled & self._model.up)
        for host in candidates[np.argsort(room(self._model)[candidates], kind="stable")]:
            mark = branch.mark()
            branch.switch(int(host), enabled=True)
            if self._moves.rules.is_legal(branch, server, int(host)):
                facts: JsonObject = {
                    "host": self._model.hosts.name[host],
                    "server": self._moves.name(server),
                }
                because = Cause(WAKES_HOST, facts)
                self._enables.append(enable_host(self._model, int(host), because))
                return int(host)
            branch.rollback(mark)
        return None

    def empty(self) -> None:
        """Empties hosts into those that stay."""
        self._in_service |= self._emptying.run()

    def solution(self) -> Solution:
        """Enables, moves and disables, in that order."""
        out_of_service = self._out_of_service()
        freed = int(np.count_nonzero(self._model.servers_per_host[out_of_service]))
        disables = [
            disable_emptied(self._model, int(host)) for host in np.flatnonzero(out_of_service)
        ]
        actions = (*self._enables, *self._moves.actions, *disables)
        indicators = {
            "compute_nodes_count": int(np.count_nonzero(self._model.up)),
            "released_compute_nodes_count": max(0, freed - len(self._enables)),
            "instance_migrations_count": len(self._moves.actions),
        }
        return Solution(actions, indicators, self._notes(actions), self._use.load)

    def _out_of_service(self) -> BoolArray:
        """bool[hosts]: every empty host in service that nothing needs, but never the last one."""
        model, branch = self._model, self._moves.branch
        serving = branch.enabled & model.up
        empty: BoolArray = serving & (branch.count == 0) & (model.hosts.unseen == 0)
        empty &= ~self._in_service
        if np.array_equal(empty, serving) and empty.any():
            spare = np.flatnonzero(empty)
            empty[spare[np.argmax(ranks(room(model))[spare])]] = False
        return empty

    def _notes(self, actions: tuple[ProposedAction, ...]) -> tuple[Cause, ...]:
        notes = list(self._emptying.notes)
        if not actions and not notes:
            nearest = self._context.alternatives.kept[:1]
            notes += [one.because for one in nearest] or [Cause(NOTHING_TO_DO)]
        needs = _needs(self._context.parameters)
        known = {
            needs.server_cpu.name: self._use.cpu_known,
            needs.server_memory.name: self._use.memory_known,
        }
        for metric, mask in known.items():
            notes += unknown_remark(metric, mask, "server")
        return (*notes, *self._moves.rules.notes(self._moves.branch))
