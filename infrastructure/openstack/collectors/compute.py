"""Reads hosts and servers from Nova and Placement in bulk."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from openstack.connection import Connection

from application.ports.cloud import ComputeRows
from domain.cluster.compute.foreign_allocations import foreign_allocations
from domain.cluster.compute.reasons import BAD_VALUE, SERVICE_NOT_FOUND
from domain.cluster.compute.records import (
    AggregateRow,
    GroupRow,
    HostRow,
    ServerRow,
    bad_value,
)
from domain.kernel.reasons import Cause
from infrastructure.openstack.collectors.conversion import Conversion, field
from infrastructure.openstack.collectors.jobs import Jobs
from infrastructure.openstack.collectors.lists import NovaLists, compute_services, read_lists
from infrastructure.openstack.collectors.providers import ProviderMemory, ProviderReading
from infrastructure.openstack.collectors.records import (
    Hypervisor,
    Provider,
    aggregate_row,
    group_row,
    host_row,
    hypervisor_of,
    server_row,
)
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.service import CloudService, Json, compute, placement

K = TypeVar("K")
T = TypeVar("T")
_HOST = "OS-EXT-SRV-ATTR:host"


class NovaCollector:
    """Reads Nova and Placement: paged lists, and of Placement what may have changed since.

    The first collection reads three parts of each host's provider (Placement has no lists of them).

    Args:
        connection: to the cloud.
        limits: time-outs and sizes.
        interval: seconds after which a collection reads everything again.
        clock: returns seconds, from any beginning.
    """

    def __init__(
        self,
        connection: Connection,
        limits: ConnectionLimits | None = None,
        *,
        interval: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._limits = limits or ConnectionLimits()
        self._providers = ProviderMemory(interval, clock)

    def collect(self) -> ComputeRows:
        """Reads everything that may have changed.

        Raises:
            CloudUnreachable: a part could not be read.
            CloudRefused: the credentials lack a right.
        """
        nova = compute(self._connection, self._limits)
        inventory = placement(self._connection, self._limits)
        conversion = Conversion()
        reading = self._providers.reading()
        with ThreadPoolExecutor(self._limits.workers, "collect") as pool:
            jobs = Jobs(pool)
            listed = read_lists(jobs, nova, self._limits.page)
            rows = _rows(conversion, listed)
            reading = reading.listed(inventory)
            found = _providers(jobs, reading, inventory, rows)
        self._providers.keep(reading, found)
        return ComputeRows(
            _hosts(conversion, listed, rows, found),
            rows.servers,
            rows.groups,
            rows.aggregates,
            aside=conversion.aside,
            problems=(*_not_reported(nova), *_problems(rows.hosts, listed, found)),
            calls=nova.calls + inventory.calls,
            whole_age=reading.age,
        )

    def host_states(self) -> dict[str, str]:
        """The state of each compute service, by host.

        Raises:
            CloudUnreachable: they could not be read.
            CloudRefused: the credentials lack a right.
        """
        services = compute_services(compute(self._connection, self._limits))
        return {str(one.get("host")): str(one.get("state")) for one in services}


@dataclass(frozen=True)
class _Rows:
    """Rows of the lists; hosts still need their providers."""

    hosts: Sequence[Hypervisor]
    servers: Sequence[ServerRow]
    groups: Sequence[GroupRow]
    aggregates: Sequence[AggregateRow]
    residents: Mapping[str | None, Sequence[ServerRow]]


def _providers(
    jobs: Jobs, reading: ProviderReading, inventory: CloudService, rows: _Rows
) -> dict[str, Provider | None]:
    """The providers of all hosts, by id."""
    found: dict[str, Provider | None] = {
        host.id: reading.unchanged(host, rows.residents[host.host]) for host in rows.hosts
    }
    read = {
        host.id: jobs.run(reading.read, inventory, host)
        for host in rows.hosts
        if found[host.id] is None
    }
    jobs.wait()
    return {**found, **{host: provider.result() for host, provider in read.items()}}


def _rows(conversion: Conversion, listed: NovaLists) -> _Rows:
    """The rows of what Nova lists; servers need their groups."""
    hosts = conversion.rows("host", listed.hypervisors, hypervisor_of, identity=field("id"))
    groups = conversion.rows("server group", listed.groups, group_row, identity=field("id"))
    aggregates = conversion.rows(
        "host aggregate", listed.aggregates, aggregate_row, identity=lambda one: str(one.get("id"))
    )
    member_of = _grouped((member, group.id) for group in groups for member in group.members)
    servers = conversion.rows(
        "server",
        (server for server in listed.servers if not _deleted(server)),
        lambda server: server_row(server, member_of),
        identity=field("id"),
        place=field(_HOST),
    )
    return _Rows(hosts, servers, groups, aggregates, _grouped((row.host, row) for row in servers))


def _hosts(
    conversion: Conversion, listed: NovaLists, rows: _Rows, found: Mapping[str, Provider | None]
) -> list[HostRow]:
    """The rows of the hosts that have a provider."""
    aggregates_of = _grouped((host, one.uuid) for one in rows.aggregates for host in one.hosts)
    known = {row.id for row in rows.servers}

    def host(one: tuple[Hypervisor, Provider]) -> HostRow:
        hypervisor, provider = one
        name = hypervisor.host
        others = foreign_allocations(provider.allocations(), rows.residents[name], known)
        service = listed.services.get(name)
        return host_row(hypervisor, service, provider, aggregates_of[name], others)

    provided = [(one, provider) for one in rows.hosts if (provider := found[one.id]) is not None]
    return conversion.rows("host", provided, host, identity=lambda one: one[0].host)


def _grouped(pairs: Iterable[tuple[K, T]]) -> defaultdict[K, list[T]]:
    found: defaultdict[K, list[T]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _deleted(server: Json) -> bool:
    states = (server.get("OS-EXT-STS:vm_state"), server.get("status"))
    return any(str(state).lower() == "deleted" for state in states)


_REPORTED_SINCE = {
    "2.61": "extra specs of flavors are not reported",
    "2.69": "servers of a cell that is down are left out without an error",
}
"""What is missing in the responses of a Nova that does not support a microversion."""


def _not_reported(nova: CloudService) -> Iterable[Cause]:
    for version, missing in _REPORTED_SINCE.items():
        if not nova.supports(version):
            value = f"<{version}: {missing}"
            yield Cause(BAD_VALUE, {"field": "microversion", "resource": "nova", "value": value})


def _problems(
    hosts: Iterable[Hypervisor], listed: NovaLists, found: Mapping[str, Provider | None]
) -> Iterable[Cause]:
    for one in hosts:
        if one.host not in listed.services:
            yield Cause(SERVICE_NOT_FOUND, {"host": one.host})
        if found[one.id] is None:
            yield bad_value("resource provider", one.host, "missing")
