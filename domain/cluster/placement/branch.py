"""A model with hypothetical moves applied, step by step; each step and its undoing are O(1).

A branch never copies or changes its model: it holds where each server would be and what each host
would carry. Strategies, planners, the checker's tests, what-if and the replay tool use it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel, sum_by_host
from domain.cluster.compute.numa.model import NumaLoad
from domain.cluster.placement.load import USED_RESOURCES, MeasuredLoad
from domain.cluster.table.columns import BoolArray, FloatArray, IndexArray, IntArray


@dataclass(frozen=True)
class Move:
    """One server from one host to another (indices in the model)."""

    server: int
    source: int
    destination: int


@dataclass(frozen=True)
class ServiceSwitch:
    """One host opened (enabled) or closed (disabled) for new servers."""

    host: int
    enabled: bool


Step = Move | ServiceSwitch


class Branch:
    """A model with steps applied.

    Args:
        model: the model it starts from.
        load: measured use; without it only allocation counts.

    Attributes:
        host_of: int32[servers], host of each server; its source while it is in flight.
        amounts: float64[rows, hosts], what each host carries. Rows: the model's resources, then
            the load's (see ``rows``). A server in flight counts at both ends; what others than its
            servers hold of a host counts too.
        limits: float64[rows, hosts], what each host may carry.
        needs: float64[servers, rows], what each server adds to its host.
        count: int64[hosts], servers on each host, a server in flight at both ends.
        enabled: bool[hosts], open for new servers.
        moving: server → destination of the moves in flight.
        busy: int64[hosts], moves in flight that a host takes part in.
        numa: what NUMA cells hold; None if no host's cells are known or no server asks for any.
    """

    def __init__(self, model: ComputeModel, load: MeasuredLoad | None = None) -> None:
        self.model = model
        self.load = load or MeasuredLoad.none(model)
        self.rows: tuple[str, ...] = (*model.resources, *USED_RESOURCES)
        self.needs: FloatArray = np.ascontiguousarray(np.hstack([model.demand, self.load.need]))
        self.limits: FloatArray = np.vstack([model.capacity, self.load.limit])
        self.host_of: IndexArray = model.servers.host.copy()
        self.amounts: FloatArray = sum_by_host(self.needs, self.host_of, len(model.hosts)).copy()
        self.amounts[: len(model.resources)] += model.others
        self.amounts[len(model.resources) :] += self.load.base
        self.count: IntArray = model.servers_per_host.copy()
        self.enabled: BoolArray = model.enabled.copy()
        self.moving: dict[int, int] = {}
        self.busy: IntArray = np.zeros(len(model.hosts), dtype=np.int64)
        known = model.numa is not None and bool(model.numa.known.any())
        self.numa: NumaLoad | None = model.numa.start.copy() if model.numa and known else None
        self._done: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps applied and not undone, in order."""
        return tuple(self._done)

    def move(self, server: int, destination: int) -> Move:
        """Puts a server on another host. Legality is not checked here (see constraints)."""
        source = int(self.host_of[server])
        self._carry(server, destination)
        self._drop(server, source)
        self.host_of[server] = destination
        step = Move(server, source, destination)
        self._done.append(step)
        return step

    def switch(self, host: int, *, enabled: bool) -> None:
        """Opens or closes a host for new servers; nothing if it is so already."""
        if bool(self.enabled[host]) != enabled:
            self.enabled[host] = enabled
            self._done.append(ServiceSwitch(host, enabled))

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self._done)

    def rollback(self, mark: int = 0) -> None:
        """Undoes the steps since a mark, latest first."""
        while len(self._done) > mark:
            self.undo()

    def undo(self) -> Step:
        """Undoes the latest step."""
        step = self._done.pop()
        if isinstance(step, ServiceSwitch):
            self.enabled[step.host] = not step.enabled
        else:
            self._carry(step.server, step.source)
            self._drop(step.server, step.destination)
            self.host_of[step.server] = step.source
        return step

    def start(self, server: int, destination: int) -> None:
        """Begins a move: until ``finish`` the server is held at both ends."""
        self._carry(server, destination)
        self.moving[server] = destination
        self.busy[destination] += 1
        self.busy[self.host_of[server]] += 1

    def finish(self, server: int) -> Move:
        """Ends a move that was begun: the source is freed."""
        destination = self.moving.pop(server)
        source = int(self.host_of[server])
        self._drop(server, source)
        self.host_of[server] = destination
        self.busy[destination] -= 1
        self.busy[source] -= 1
        step = Move(server, source, destination)
        self._done.append(step)
        return step

    def diff(self, other: "Branch") -> tuple[Move, ...]:
        """The net moves that lead from this placement to another of the same model."""
        changed = np.flatnonzero(self.host_of != other.host_of)
        return tuple(Move(int(s), int(self.host_of[s]), int(other.host_of[s])) for s in changed)

    def net_moves(self) -> tuple[Move, ...]:
        """The net moves since the model."""
        start = self.model.servers.host
        changed = np.flatnonzero(start != self.host_of)
        return tuple(Move(int(s), int(start[s]), int(self.host_of[s])) for s in changed)

    def to_log(self) -> list[list[str]]:
        """The steps as JSON, by ids: ``["move", server, destination]``, ``["enable", host]``, …."""
        return [self._logged(step) for step in self._done]

    def replay(self, log: Iterable[list[str]]) -> None:
        """Applies steps written by ``to_log``, on a model that knows the same ids."""
        hosts, servers = self.model.host_places, self.model.server_places
        for verb, *what in log:
            if verb == "move":
                self.move(servers[what[0]], hosts[what[1]])
            else:
                self.switch(hosts[what[0]], enabled=verb == "enable")

    def _logged(self, step: Step) -> list[str]:
        hosts = self.model.hosts.id
        if isinstance(step, Move):
            return ["move", self.model.servers.id[step.server], hosts[step.destination]]
        return ["enable" if step.enabled else "disable", hosts[step.host]]

    def _carry(self, server: int, host: int) -> None:
        self.amounts[:, host] += self.needs[server]
        self.count[host] += 1
        if self.numa is not None:
            self.numa.carry(server, host)

    def _drop(self, server: int, host: int) -> None:
        self.amounts[:, host] -= self.needs[server]
        self.count[host] -= 1
        if self.numa is not None:
            self.numa.drop(server, host)
