"""A model with hypothetical steps. Applying and undoing a step is O(1), and exact.

A branch does not copy or change its model: it holds the host of each server and the load of each
host. Strategies, planners, the verifier's tests, what-if and replay use it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np

from domain.cluster.compute.flavor import Flavor, flavor_record, read_flavor
from domain.cluster.compute.model import ComputeModel, sum_by_host
from domain.cluster.compute.numa.model import GuestNeed, NumaLoad
from domain.cluster.placement.load import USED_RESOURCES, MeasuredLoad
from domain.cluster.placement.steps import (
    LoggedStep,
    Move,
    PowerSwitch,
    Resize,
    RunSwitch,
    ServiceSwitch,
    Step,
)
from domain.cluster.placement.storage_branch import MOVE_VOLUME, RETYPE, StorageBranch
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import BoolArray, FloatArray, IndexArray, IntArray
from domain.kernel.errors import InvalidValue

__all__ = ["Branch", "Move", "Resize", "ServiceSwitch", "Step"]

_STOPPED: Final = "stopped"


class Branch:
    """A model with steps applied.

    Args:
        model: the model it starts from.
        load: measured use; without it only allocation counts.
        storage: the storage model it starts from, if it is to hold steps of volumes too.

    Attributes:
        host_of: int32[servers], host of each server; its source while it is moving.
        amounts: float64[rows, hosts], load of each host. Rows: the model's resources, then those of
            the measured load (see ``rows``). A moving server counts on both hosts; foreign
            allocations count too.
        limits: float64[rows, hosts], limit of each host.
        needs: float64[servers, rows], what each server adds to its host.
        count: int64[hosts], servers on each host; a moving server counts on both.
        enabled: bool[hosts], enabled for new servers.
        up: bool[hosts], in operation.
        running: bool[servers], False for those that are stopped.
        flavors: server → flavor, of the servers that have another one than in the model.
        moving: server → destination of the moves in progress.
        busy: int64[hosts], moves in progress to or from a host.
        numa: use of NUMA cells; None if no host's cells are known or no server needs any.
        storage: the pools and types of volumes; None without a storage model.
    """

    def __init__(
        self,
        model: ComputeModel,
        load: MeasuredLoad | None = None,
        storage: StorageModel | None = None,
    ) -> None:
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
        self.up: BoolArray = model.up.copy()
        self.running: BoolArray = model.servers.state.where(lambda state: state != _STOPPED)
        self.flavors: dict[int, Flavor] = {}
        self.moving: dict[int, int] = {}
        self.busy: IntArray = np.zeros(len(model.hosts), dtype=np.int64)
        self._guests: dict[int, GuestNeed | None] = {}
        self.numa: NumaLoad | None = None
        self._count_cells()
        self._done: list[Step] = []
        self.storage = None if storage is None else StorageBranch(storage, self._done)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps applied and not undone, in order."""
        return tuple(self._done)

    def flavor(self, server: int) -> Flavor:
        """The flavor of a server."""
        return self.flavors.get(server) or Flavor.of(self.model.servers, server)

    def guest(self, server: int) -> GuestNeed | None:
        """What a server needs of NUMA cells; None if it floats."""
        if server in self._guests:
            return self._guests[server]
        numa = self.model.numa
        return None if numa is None else numa.need(server)

    # -- steps ------------------------------------------------------------------------------

    def move(self, server: int, destination: int) -> Move:
        """Moves a server to another host, without checking the rules (see constraints)."""
        source = int(self.host_of[server])
        self._carry(server, destination)
        self._drop(server, source)
        self.host_of[server] = destination
        step = Move(server, source, destination)
        self._done.append(step)
        return step

    def resize(self, server: int, flavor: Flavor) -> None:
        """Gives a server another flavor on its host; does nothing if it is the same.

        Its measured use stays as it is: the flavor does not tell what it will use. Nova may move
        the server with the resize: that is a step of its own.

        Raises:
            InvalidValue: the flavor requests a PCI device that no host offers.
        """
        before = self.flavors.get(server)
        if flavor != self.flavor(server):
            self._set_flavor(server, flavor)
            self._done.append(Resize(server, before, flavor))

    def stop(self, server: int) -> None:
        """Stops a server; does nothing if it is stopped.

        It keeps its allocation, as in Nova; its measured use is 0 until it is started.
        """
        self._set_running(server, running=False)

    def start(self, server: int) -> None:
        """Starts a server; does nothing if it runs. It uses what the measured load says of it."""
        self._set_running(server, running=True)

    def switch(self, host: int, *, enabled: bool) -> None:
        """Enables or disables a host for new servers; does nothing if it is so already."""
        if bool(self.enabled[host]) != enabled:
            self.enabled[host] = enabled
            self._done.append(ServiceSwitch(host, enabled))

    def power(self, host: int, *, on: bool) -> None:
        """Switches a host on or off; does nothing if it is so already."""
        if bool(self.up[host]) != on:
            self.up[host] = on
            self._done.append(PowerSwitch(host, on))

    # -- undoing ----------------------------------------------------------------------------

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
        match step:
            case Move():
                self._carry(step.server, step.source)
                self._drop(step.server, step.destination)
                self.host_of[step.server] = step.source
            case ServiceSwitch():
                self.enabled[step.host] = not step.enabled
            case PowerSwitch():
                self.up[step.host] = not step.on
            case Resize():
                self._set_flavor(step.server, step.before)
            case RunSwitch():
                self._set_use(step.server, running=not step.running)
            case _:
                self._volumes().revert(step)
        return step

    # -- moves in progress ------------------------------------------------------------------

    def start_move(self, server: int, destination: int) -> None:
        """Starts a move: until ``finish_move`` the server counts on both hosts."""
        self._carry(server, destination)
        self.moving[server] = destination
        self.busy[destination] += 1
        self.busy[self.host_of[server]] += 1

    def finish_move(self, server: int) -> Move:
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

    # -- comparing and logging --------------------------------------------------------------

    def diff(self, other: "Branch") -> tuple[Move, ...]:
        """The net moves from this placement to another one of the same model."""
        changed = np.flatnonzero(self.host_of != other.host_of)
        return tuple(Move(int(s), int(self.host_of[s]), int(other.host_of[s])) for s in changed)

    def net_moves(self) -> tuple[Move, ...]:
        """The net moves since the model."""
        start = self.model.servers.host
        changed = np.flatnonzero(start != self.host_of)
        return tuple(Move(int(s), int(start[s]), int(self.host_of[s])) for s in changed)

    def to_log(self) -> list[LoggedStep]:
        """The steps as JSON, by ids: ``["move", server, destination]``, ``["enable", host]``, …."""
        return [self._logged(step) for step in self._done]

    def replay(self, log: Iterable[Sequence[object]]) -> None:
        """Applies the steps that ``to_log`` returned, on models with the same ids.

        Raises:
            InvalidValue: there is no such step, or it names a resource that the models do not have.
        """
        for number, step in enumerate(log):
            try:
                verb, subject, *to = step
                self._replay(str(verb), str(subject), to[0] if to else "")
            except (KeyError, ValueError) as error:
                raise InvalidValue(f"steps[{number}]", f"cannot be applied: {step}") from error

    def _logged(self, step: Step) -> LoggedStep:
        hosts, servers = self.model.hosts.id, self.model.servers.id
        match step:
            case Move():
                return ["move", servers[step.server], hosts[step.destination]]
            case Resize():
                return ["resize", servers[step.server], flavor_record(step.after)]
            case RunSwitch():
                return ["start" if step.running else "stop", servers[step.server]]
            case ServiceSwitch():
                return ["enable" if step.enabled else "disable", hosts[step.host]]
            case PowerSwitch():
                return ["power-on" if step.on else "power-off", hosts[step.host]]
            case _:
                return self._volumes().logged(step)

    def _replay(self, verb: str, subject: str, to: object) -> None:
        match verb:
            case "move":
                self.move(self.model.server_places[subject], self.model.host_places[str(to)])
            case "resize":
                self.resize(self.model.server_places[subject], read_flavor(to))
            case "start" | "stop":
                self._set_running(self.model.server_places[subject], running=verb == "start")
            case "enable" | "disable":
                self.switch(self.model.host_places[subject], enabled=verb == "enable")
            case "power-on" | "power-off":
                self.power(self.model.host_places[subject], on=verb == "power-on")
            case _ if verb in (MOVE_VOLUME, RETYPE):
                self._volumes().replay(verb, subject, str(to))
            case _:
                raise KeyError(verb)

    # -- counting ---------------------------------------------------------------------------

    def _volumes(self) -> StorageBranch:
        if self.storage is None:
            raise InvalidValue("steps", "concern volumes, but there is no storage model")
        return self.storage

    def _set_running(self, server: int, *, running: bool) -> None:
        if bool(self.running[server]) != running:
            self._set_use(server, running=running)
            self._done.append(RunSwitch(server, running))

    def _set_use(self, server: int, *, running: bool) -> None:
        """Starts or stops a server; one that is stopped in the model uses what the load says."""
        first = len(self.model.resources)
        uses = running or self.model.servers.state[server] == _STOPPED
        with self._uncounted(server):
            self.running[server] = running
            self.needs[server, first:] = self.load.need[server] if uses else 0.0

    def _set_flavor(self, server: int, flavor: Flavor | None) -> None:
        """Gives a server a flavor; None for that of the model."""
        resources = self.model.resources
        demand = self.model.demand[server] if flavor is None else flavor.demand(resources)
        with self._uncounted(server):
            self.needs[server, : len(resources)] = demand
            if flavor is None:
                del self.flavors[server], self._guests[server]
            else:
                self.flavors[server] = flavor
                self._guests[server] = self.model.cells.need_of(flavor)
            self._count_cells()

    def _count_cells(self) -> None:
        """Counts use of NUMA cells if some server needs any, as long as one does."""
        cells = self.model.cells
        needed = self.model.numa is not None or any(self._guests.values())
        if not needed or not cells.known.any():
            self.numa = None
        elif self.numa is None:
            self.numa = cells.start.copy(self._guests)

    @contextmanager
    def _uncounted(self, server: int) -> Iterator[None]:
        """Takes a server off the hosts that it counts on, and counts it again afterwards."""
        hosts = [int(self.host_of[server])]
        if server in self.moving:
            hosts.append(self.moving[server])
        for host in hosts:
            self._drop(server, host)
        yield
        for host in hosts:
            self._carry(server, host)

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
