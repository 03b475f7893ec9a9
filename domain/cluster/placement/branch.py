"""A model with hypothetical moves. Applying and undoing a move is O(1).

A branch does not copy or change its model: it holds the host of each server and the load of each
host. Strategies, planners, the verifier's tests, what-if and replay use it.
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
    """One host enabled or disabled for new servers."""

    host: int
    enabled: bool


Step = Move | ServiceSwitch


class Branch:
    """A model with steps applied.

    Args:
        model: the model it starts from.
        load: measured use; without it only allocation counts.

    Attributes:
        host_of: int32[servers], host of each server; its source while it is moving.
        amounts: float64[rows, hosts], load of each host. Rows: the model's resources, then those of
            the measured load (see ``rows``). A moving server counts on both hosts; foreign
            allocations count too.
        limits: float64[rows, hosts], limit of each host.
        needs: float64[servers, rows], what each server adds to its host.
        count: int64[hosts], servers on each host; a moving server counts on both.
        enabled: bool[hosts], enabled for new servers.
        moving: server → destination of the moves in progress.
        busy: int64[hosts], moves in progress to or from a host.
        numa: use of NUMA cells; None if no host's cells are known or no server needs any.
    """

    def __init__(self, model: ComputeModel, load: MeasuredLoad | None = None) -> None:
        self.model = model
        self.load = load or MeasuredLoad.none(model)
        self.rows: tuple[str, ...] = (*model.resources, *USED_RESOURCES)
        self.needs: FloatArray = np.ascontiguousarray(np.hstack([model.demand, self.load.need]))
        self.limits: FloatArray = np.vstack([model.capacity, self.load.limit])
        self.host_of: IndexArray = model.servers.host.copy()
        self.amounts: FloatArray = sum_by_host(self.needs, self.host_of, len(model.hosts)).copy()
        self.amounts[: len(model.resources)] += model.foreign_allocated
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
        """Moves a server to another host, without checking the rules (see constraints)."""
        source = int(self.host_of[server])
        self._carry(server, destination)
        self._drop(server, source)
        self.host_of[server] = destination
        step = Move(server, source, destination)
        self._done.append(step)
        return step

    def switch(self, host: int, *, enabled: bool) -> None:
        """Enables or disables a host for new servers; does nothing if it is so already."""
        if bool(self.enabled[host]) != enabled:
            self.enabled[host] = enabled
            self._done.append(ServiceSwitch(host, enabled))

    def mark(self) -> int:
        """Returns a point to roll back to."""
        return len(self._done)

    def rollback(self, mark: int = 0) -> None:
        """Undoes the steps since a mark, the latest first."""
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
        """Starts a move: until ``finish`` the server counts on both hosts."""
        self._carry(server, destination)
        self.moving[server] = destination
        self.busy[destination] += 1
        self.busy[self.host_of[server]] += 1

    def finish(self, server: int) -> Move:
        """Finishes a move that was started: the source is free again."""
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
        """The net moves from this placement to another one of the same model."""
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
        """Applies the steps that ``to_log`` returned, on a model with the same ids."""
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
