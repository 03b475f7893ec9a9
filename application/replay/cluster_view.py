"""A compute model as lists of hosts and servers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Final

from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import FloatArray, IntArray
from domain.kernel.errors import InvalidValue, NotFound

_VCPUS, _MEMORY, _DISK = range(3)
"""Places of the resources in ``ComputeModel.resources``."""
_NAMED: Final = 5
"""Servers that an error names."""


@dataclass(frozen=True)
class Amount:
    """A resource of a host.

    Attributes:
        total: what the host has, less what is reserved.
        ratio: by which it may be overcommitted.
        used: what is allocated, also to other consumers than servers.
        capacity: what can be allocated; None: unlimited (shared storage).
    """

    total: int
    ratio: float
    used: float
    capacity: float | None


@dataclass(frozen=True)
class HostAfter:
    """What is allocated on a host when a plan has ended."""

    servers: int
    vcpus: float
    memory_mb: float
    disk_gb: float


@dataclass(frozen=True)
class HostLine:
    """A host. ``after``: when the plan that was asked for has ended."""

    name: str
    uuid: str
    zone: str
    status: str
    state: str
    disabled_reason: str | None
    servers: int
    vcpus: Amount
    memory_mb: Amount
    disk_gb: Amount
    after: HostAfter | None = None


@dataclass(frozen=True)
class ServerLine:
    """A server.

    Attributes:
        host: None if it is on none.
        vcpus, memory_mb, disk_gb: allocated to it.
        after_host: where the plan that was asked for moves it, None if it does not.
    """

    uuid: str
    name: str
    host: str | None
    state: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    project: str
    flavor: str
    locked: bool
    after_host: str | None = None


class ClusterView:
    """A model as lists of hosts and servers, each made once.

    Args:
        model: the model.
    """

    def __init__(self, model: ComputeModel) -> None:
        self.model = model

    @cached_property
    def hosts(self) -> tuple[HostLine, ...]:
        """The hosts, by name."""
        lines = map(self._host, range(len(self.model.hosts)))
        return tuple(sorted(lines, key=lambda one: one.name))

    @cached_property
    def servers(self) -> tuple[ServerLine, ...]:
        """The servers, by uuid; also those that are on no host."""
        model = self.model
        placed = _servers(model.servers, [model.hosts.name[one] for one in model.servers.host])
        unplaced = _servers(model.unplaced, [None] * len(model.unplaced))
        return tuple(sorted((*placed, *unplaced), key=lambda one: one.uuid))

    @cached_property
    def allocations(self) -> Mapping[str, HostAfter]:
        """Uuid of a host → what is allocated on it."""
        return {
            one.uuid: HostAfter(one.servers, one.vcpus.used, one.memory_mb.used, one.disk_gb.used)
            for one in self.hosts
        }

    def host(self, ident: str) -> HostLine:
        """A host by name or uuid, in any case.

        Raises:
            NotFound: there is none.
        """
        wanted = ident.casefold()
        for one in self.hosts:
            if wanted in {one.name.casefold(), one.uuid.casefold()}:
                return one
        raise NotFound("Host", ident)

    def server(self, ident: str) -> ServerLine:
        """A server by uuid, by a name or by the beginning of a uuid, if only one has it.

        Raises:
            NotFound: there is none.
            InvalidValue: several have the name or the beginning.
        """
        wanted = ident.casefold()
        matches: tuple[Callable[[ServerLine], bool], ...] = (
            lambda one: one.uuid.casefold() == wanted,
            lambda one: one.name.casefold() == wanted,
            lambda one: one.uuid.casefold().startswith(wanted),
        )
        for has in matches:
            found = [one for one in self.servers if has(one)]
            if len(found) == 1:
                return found[0]
            if found:
                some = ", ".join(one.uuid for one in found[:_NAMED])
                raise InvalidValue("server", f"{len(found)} servers match {ident}: {some}")
        raise NotFound("Server", ident)

    def _host(self, place: int) -> HostLine:
        hosts = self.model.hosts
        shares = self._amount
        return HostLine(
            name=hosts.name[place],
            uuid=hosts.id[place],
            zone=hosts.zone[place],
            status=hosts.status[place],
            state=hosts.state[place],
            disabled_reason=hosts.disabled_reason[place],
            servers=int(self.model.servers_per_host[place]),
            vcpus=shares(place, _VCPUS, hosts.vcpus, hosts.vcpus_reserved, hosts.cpu_ratio),
            memory_mb=shares(
                place, _MEMORY, hosts.memory_mb, hosts.memory_reserved_mb, hosts.ram_ratio
            ),
            disk_gb=shares(place, _DISK, hosts.disk_gb, hosts.disk_reserved_gb, hosts.disk_ratio),
        )

    def _amount(
        self, place: int, resource: int, total: IntArray, reserved: IntArray, ratio: FloatArray
    ) -> Amount:
        capacity = float(self.model.capacity[resource, place])
        return Amount(
            total=max(0, int(total[place] - reserved[place])),
            ratio=float(ratio[place]),
            used=self._used(resource, place),
            capacity=capacity if isfinite(capacity) else None,
        )

    def _used(self, resource: int, place: int) -> float:
        allocated = self.model.allocated[resource, place]
        return float(allocated + self.model.foreign_allocated[resource, place])


def _servers(rows: ServerColumns, hosts: Sequence[str | None]) -> Iterator[ServerLine]:
    for place, host in enumerate(hosts):
        yield ServerLine(
            uuid=rows.id[place],
            name=rows.name[place],
            host=host,
            state=rows.state[place],
            vcpus=int(rows.vcpus[place]),
            memory_mb=int(rows.memory_mb[place]),
            disk_gb=int(rows.disk_gb[place]),
            project=rows.project_id[place],
            flavor=rows.flavor[place],
            locked=bool(rows.locked[place]),
        )
