"""Consolidates servers on fewer hosts: relieves overloaded hosts, then empties whole hosts.

A host is emptied completely or none of its servers is moved. A server is moved at most once. Each
move is legal after the moves before it, because it is tried on a branch of the model; hence any
prefix of the plan can be executed.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import DISABLED_BY_CONSOLIDATION
from domain.cluster.kinds import ModelKind
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.load import USED_CPU
from domain.cluster.placement.rules.capacity import UTILISATION_SHORT
from domain.cluster.placement.rules.hosts import HOST_PARTLY_UNKNOWN
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.metrics import catalogue as m
from domain.metrics.catalogue import METRIC_UNKNOWN
from domain.optimization.algorithms.packing import dearest, largest_first, prices, ranks, sizes
from domain.optimization.algorithms.utilisation import Utilisation, utilisation
from domain.optimization.solution import Rejection, Solution
from domain.optimization.strategy import COMPUTE_ONLY, NOTHING_TO_DO, StrategyInputs
from domain.plans.action_types import disable_host, enable_host, migrate
from domain.plans.proposal import ProposedAction

FREES_HOST = Reason("frees-host", "moving {server} helps to empty {source}")
RELIEVES_OVERLOAD = Reason(
    "relieves-overload",
    "moving {server} relieves {source}: {used} of {capacity} cores in use",
    used="cores",
    capacity="cores",
)
WAKES_HOST = Reason("wakes-host", "{host} is needed as a destination")
HOST_EMPTIED = Reason("host-emptied", "{host} has no servers after the plan")
HOST_NOT_EMPTIABLE = Reason(
    "host-not-emptiable",
    "{host} cannot be emptied: server {server} fits on no other host",
)
NO_LEGAL_HOST = Reason("no-legal-host", "no host can take server {server}")

CPU_HEADROOM: Final = 0.9
"""Share of a destination's *physical* cores that may be in use after a move. The allocation ratio
says how many vCPUs may be allocated, not how much work the cores can do."""
MEMORY_HEADROOM: Final = 1.0
"""Share of a destination's memory that may be in use after a move."""
MAX_REJECTIONS: Final = 25
"""Number of hosts that stay in use and are explained: the cheapest to empty."""
MAX_ALTERNATIVES: Final = 2
"""Number of preferred but refused destinations that each move names."""


class VmWorkloadConsolidation:
    """Empties hosts, cheapest first; each server is moved at most once."""

    name = "vm_workload_consolidation"
    display_name = "VM Workload Consolidation Strategy"
    goal = "server_consolidation"
    planner = "weight"
    parameters_schema: JsonObject = {  # noqa: RUF012 - the contract wants an attribute
        "properties": {
            "period": {"type": "number", "default": 3600},
            "granularity": {"type": "number", "default": 300},
        }
    }

    def models(self, parameters: Mapping[str, object]) -> frozenset[ModelKind]:  # noqa: ARG002
        """Compute."""
        return COMPUTE_ONLY

    def metrics(self, parameters: Mapping[str, object]) -> tuple[m.MetricNeed, ...]:
        """CPU use of servers needs a source; the other metrics are used if available."""
        period = float(str(parameters.get("period", 3600)))
        granularity = float(str(parameters.get("granularity", 300)))

        def need(name: str, resource: m.Resource, *, required: bool = False) -> m.MetricNeed:
            return m.MetricNeed(name, resource, "mean", period, granularity, required)

        return (
            need(m.INSTANCE_RAM_ALLOCATED, "server"),
            need(m.INSTANCE_CPU_USAGE, "server", required=True),
            need(m.INSTANCE_RAM_USAGE, "server"),
            need(m.INSTANCE_ROOT_DISK_SIZE, "server"),
            need(m.HOST_CPU_USAGE, "host"),
            need(m.HOST_RAM_USAGE, "host"),
        )

    def solve(self, inputs: StrategyInputs) -> Solution:
        """The plan, and why each host that stays in use does."""
        model = inputs.compute
        if not len(model.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        use = utilisation(
            model, inputs.metrics, cpu_headroom=CPU_HEADROOM, memory_headroom=MEMORY_HEADROOM
        )
        work = _Work(model, use)
        work.relieve()
        work.free()
        return work.solution()


class _Work:
    """The state of one run: a branch and the decisions on it.

    Attributes:
        is_destination: bool[hosts], destinations of moves: they are not emptied.
        emptied: bool[hosts], emptied: they get no servers.
    """

    def __init__(self, model: ComputeModel, use: Utilisation) -> None:
        self.model = model
        self.use = use
        self.branch = Branch(model, use.load)
        self.rules = Constraints(model)
        self.rank = ranks(prices(model, model.servers_per_host, self.rules.movable))
        self.size = sizes(self.branch)
        self.is_destination: BoolArray = np.zeros(len(model.hosts), dtype=np.bool_)
        self.emptied: BoolArray = self.is_destination.copy()
        self.enables: list[ProposedAction] = []
        self.moves: list[ProposedAction] = []
        self.rejections: list[Rejection] = []
        order = np.argsort(model.servers.host, kind="stable")
        ends = np.cumsum(model.servers_per_host)
        self._residents = np.split(order, ends[:-1])

    def residents(self, host: int) -> IntArray:
        """Indices of the servers that the model has on a host."""
        return self._residents[host]

    # -- overload ---------------------------------------------------------------------------

    def relieve(self) -> None:
        """Moves servers off hosts whose measured CPU use exceeds their cores, worst first."""
        cores = self.model.cores
        excess = self.use.cpu_measured - cores
        relative = excess / np.maximum(cores, 1.0)
        hot = np.flatnonzero((excess > 0) & self.model.up)
        for host in hot[np.argsort(-relative[hot], kind="stable")]:
            self._relieve_host(int(host), float(excess[host]))

    def _relieve_host(self, host: int, excess: float) -> None:
        cpu = self.use.load.need[:, USED_CPU]
        waiting = [s for s in self.residents(host) if self.rules.movable[s] and cpu[s] > 0]
        used = self.model.cores[host] + excess
        while excess > 0 and waiting:
            server = _best_relief(waiting, cpu, excess)
            waiting.remove(server)
            destination = self._place_off(host, server)
            if destination is None:
                continue
            facts: JsonObject = {
                "used": round(float(used), 3),
                "capacity": float(self.model.cores[host]),
            }
            self._move(server, destination, RELIEVES_OVERLOAD, facts)
            excess -= float(cpu[server])
            used -= float(cpu[server])
        if excess > 0:
            self._reject_host(host, UTILISATION_SHORT, self._overload(host, excess))

    def _overload(self, host: int, excess: float) -> JsonObject:
        return {
            "resource": "cpu",
            "needed": round(float(self.model.cores[host]) + excess, 3),
            "free": float(self.model.cores[host]),
        }

    def _place_off(self, source: int, server: int) -> int | None:
        """A used host; else an empty one; else a disabled one that can be enabled."""
        cool = self.use.cpu_measured <= self.model.cores
        cool[source] = False
        for hosts in (cool & (self.branch.count > 0), cool):
            found = dearest(self.rules, self.branch, server, hosts, self.rank)
            if found is not None:
                return found
        return self._wake_for(server)

    def _wake_for(self, server: int) -> int | None:
        """The smallest host that may be enabled and can then have the server."""
        asleep = self.model.hosts.disabled_reason.where(
            lambda reason: not reason or reason.startswith(DISABLED_BY_CONSOLIDATION)
        )
        candidates = np.flatnonzero(asleep & ~self.branch.enabled & self.model.up)
        for host in candidates[np.argsort(self.rank[candidates])]:
            mark = self.branch.mark()
            self.branch.switch(int(host), enabled=True)
            if self.rules.is_legal(self.branch, server, int(host)):
                facts: JsonObject = {
                    "host": self.model.hosts.name[host],
                    "server": self._display_name(server),
                }
                because = Cause(WAKES_HOST, facts)
                self.enables.append(enable_host(self.model, int(host), because))
                return int(host)
            self.branch.rollback(mark)
        return None

    # -- freeing ----------------------------------------------------------------------------

    def free(self) -> None:
        """Empties hosts, cheapest first, if all servers of a host fit on other hosts."""
        used = (self.model.servers_per_host > 0) & self.model.up
        for host in np.argsort(self.rank):
            if used[host] and not self.is_destination[host] and self.branch.count[host]:
                self._free_host(int(host))

    def _free_host(self, host: int) -> None:
        servers = self._leaving(host)
        if servers is None:
            return
        mark = self.branch.mark()
        destinations: list[tuple[int, int]] = []
        self.emptied[host] = True
        for server in servers:
            hosts = (self.branch.count > 0) & ~self.emptied
            found = dearest(self.rules, self.branch, server, hosts, self.rank)
            if found is None:
                self._reject_stuck(host, server)
                self.branch.rollback(mark)
                self.emptied[host] = False
                return
            self.branch.move(server, found)
            destinations.append((server, found))
        self.branch.rollback(mark)
        for server, found in destinations:
            self._move(server, found, FREES_HOST, self._refusals(server, found))

    def _leaving(self, host: int) -> list[int] | None:
        """Servers to move off a host, largest first; None (and a rejection) if one cannot be."""
        if self.model.hosts.unseen[host]:
            count = int(self.model.hosts.unseen[host])
            self._reject_host(host, HOST_PARTLY_UNKNOWN, {"count": count})
            return None
        servers = self.residents(host)
        servers = servers[self.branch.host_of[servers] == host]
        fixed = servers[~self.rules.movable[servers]]
        if len(fixed):
            why = self.rules.movability.why_fixed(int(fixed[0]))
            self._reject_host(host, HOST_NOT_EMPTIABLE, self._stuck(int(fixed[0]), why))
            return None
        return largest_first(servers, self.size)

    def _reject_stuck(self, host: int, server: int) -> None:
        if len(self.rejections) >= MAX_REJECTIONS:
            return
        hosts = (self.branch.count > 0) & ~self.emptied
        nearest = np.flatnonzero(hosts)
        why = None
        facts: JsonObject = {}
        if len(nearest):
            best = int(nearest[np.argmax(self.rank[nearest])])
            why = self.rules.why_not(self.branch, server, best)[0]
            facts = {"nearest": self.model.hosts.name[best]}
        stuck = self._stuck(server, why)
        self._reject_host(host, HOST_NOT_EMPTIABLE, {**facts, **stuck})

    def _display_name(self, server: int) -> str:
        """A server's name for sentences; actions have the id."""
        servers = self.model.servers
        return servers.name[server] or servers.id[server]

    def _stuck(self, server: int, why: Cause | None) -> JsonObject:
        facts: JsonObject = {"server": self._display_name(server)}
        if why is None:
            return {**facts, "rule": NO_LEGAL_HOST.code}
        return {**facts, "rule": why.reason, "detail": str(why)}

    def _reject_host(self, host: int, reason: Reason, facts: JsonObject) -> None:
        if len(self.rejections) < MAX_REJECTIONS:
            name = self.model.hosts.name[host]
            self.rejections.append(
                Rejection(f"host {name}", Cause(reason, {"host": name, **facts}))
            )

    # -- moves ------------------------------------------------------------------------------

    def _move(self, server: int, destination: int, reason: Reason, facts: JsonObject) -> None:
        names = self.model.hosts.name
        step = self.branch.move(server, destination)
        self.is_destination[destination] = True
        facts = {
            "server": self._display_name(server),
            "source": names[step.source],
            "destination": names[destination],
            **facts,
        }
        kind = self.rules.movability.migration_type(server)
        self.moves.append(migrate(self.model, server, destination, kind, Cause(reason, facts)))

    def _refusals(self, server: int, chosen: int) -> JsonObject:
        """The next more expensive hosts in use, and why each was refused for the server."""
        dearer = (self.rank > self.rank[chosen]) & (self.branch.count > 0) & ~self.emptied
        candidates = np.flatnonzero(dearer)
        if not len(candidates):
            return {}
        if len(candidates) > MAX_ALTERNATIVES:
            nearest = np.argpartition(self.rank[candidates], MAX_ALTERNATIVES)
            candidates = candidates[nearest[:MAX_ALTERNATIVES]]
        explained = self.rules.explain(self.branch, server)
        refused = []
        for host in candidates[np.argsort(self.rank[candidates])]:
            why = explained.why_not(int(host))
            if why:
                refused.append({"reason": why[0].reason, **why[0].facts})
        return {"refused": refused} if refused else {}

    # -- solution ---------------------------------------------------------------------------

    def solution(self) -> Solution:
        """Enables, moves and disables, in that order."""
        before, after = self.model.servers_per_host, self.branch.count
        freed = int(np.count_nonzero((before > 0) & (after == 0)))
        filled = int(np.count_nonzero((before == 0) & (after > 0)))
        actions = (*self.enables, *self.moves, *self._disables())
        indicators = {
            "compute_nodes_count": int(np.count_nonzero(self.model.up)),
            "released_compute_nodes_count": max(0, freed - filled),
            "instance_migrations_count": len(self.moves),
        }
        return Solution(actions, indicators, tuple(self.rejections), self._notes(actions))

    def _disables(self) -> list[ProposedAction]:
        """Disables every empty host, but never the last enabled one."""
        model = self.model
        serving = self.branch.enabled & model.up
        empty = serving & (self.branch.count == 0) & (model.hosts.unseen == 0)
        if np.array_equal(empty, serving) and empty.any():
            spare = np.flatnonzero(empty)
            empty[spare[np.argmax(self.rank[spare])]] = False
        return [
            disable_host(model, int(host), self._emptied(int(host)), DISABLED_BY_CONSOLIDATION)
            for host in np.flatnonzero(empty)
        ]

    def _emptied(self, host: int) -> Cause:
        before = int(self.model.servers_per_host[host])
        facts: JsonObject = {"host": self.model.hosts.name[host], "servers_before": before}
        return Cause(HOST_EMPTIED, facts)

    def _notes(self, actions: tuple[ProposedAction, ...]) -> tuple[Cause, ...]:
        notes: list[Cause] = []
        if not actions:
            notes.append(Cause(NOTHING_TO_DO))
        known = {
            m.INSTANCE_CPU_USAGE: self.use.cpu_known,
            m.INSTANCE_RAM_USAGE: self.use.memory_known,
        }
        for metric, mask in known.items():
            missing = int(np.count_nonzero(~mask))
            if missing:
                resource = f"{missing} of {len(mask)} servers"
                facts: JsonObject = {"metric": metric, "resource": resource, "count": missing}
                notes.append(Cause(METRIC_UNKNOWN, facts))
        return (*notes, *self.rules.notes(self.branch))


def _best_relief(
    servers: list[int], cpu: np.ndarray[tuple[int, ...], np.dtype[np.float64]], excess: float
) -> int:
    """The smallest server that removes the overload alone; if none does, the largest."""
    enough = [server for server in servers if cpu[server] >= excess]
    if enough:
        return min(enough, key=lambda server: (cpu[server], server))
    return min(servers, key=lambda server: (-cpu[server], server))
