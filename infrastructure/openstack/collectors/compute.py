"""Reads hosts and servers from Nova and Placement in bulk."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from openstack.connection import Connection

from application.ports.cloud import CloudUnreachable, ComputeRows
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
from infrastructure.openstack.collectors.providers import ProviderMemory, ProviderReading
from infrastructure.openstack.collectors.records import (
    UNREADABLE,
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
_log = logging.getLogger(__name__)
_ATTEMPTS = 3
_HOST = "OS-EXT-SRV-ATTR:host"
_HYPERVISOR = "OS-EXT-SRV-ATTR:hypervisor_hostname"


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
            jobs = _Jobs(pool)
            listed = _listed(jobs, nova, self._limits.page)
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


@dataclass(frozen=True)
class _Listed:
    """What Nova lists; services by host."""

    hypervisors: Sequence[Json]
    services: Mapping[str, Json]
    servers: Sequence[Json]
    groups: Sequence[Json]
    aggregates: Sequence[Json]


@dataclass(frozen=True)
class _Rows:
    """Rows of the lists; hosts still need their providers."""

    hosts: Sequence[Hypervisor]
    servers: Sequence[ServerRow]
    groups: Sequence[GroupRow]
    aggregates: Sequence[AggregateRow]
    residents: Mapping[str | None, Sequence[ServerRow]]


class _Jobs:
    """Jobs on a pool of threads. The first failure cancels the others."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._futures: list[Future[object]] = []

    def run(self, work: Callable[..., T], *args: object) -> "Future[T]":
        # in a copy of the caller's context, which has the correlation id
        future: Future[T] = self._pool.submit(copy_context().run, work, *args)
        self._futures.append(future)  # type: ignore[arg-type]
        return future

    def wait(self) -> None:
        """Returns when all jobs are done, or raises the first failure."""
        done, pending = wait(self._futures, return_when=FIRST_EXCEPTION)
        for future in pending:
            future.cancel()
        for future in done:
            future.result()
        self._futures.clear()


def _listed(jobs: _Jobs, nova: CloudService, page: int) -> _Listed:
    """Reads the lists; without bare-metal nodes and the servers on them."""
    hypervisors = jobs.run(lambda: nova.list_all("/os-hypervisors/detail", "hypervisors"))
    services = jobs.run(lambda: _services(nova))
    servers = jobs.run(lambda: _servers(nova))
    aggregates = jobs.run(lambda: nova.get_list("/os-aggregates", "aggregates"))
    groups = jobs.run(lambda: _groups(nova, page))
    jobs.wait()
    virtual, baremetal = _split(hypervisors.result())
    return _Listed(
        virtual,
        {str(service.get("host")): service for service in services.result()},
        [one for one in servers.result() if str(one.get(_HYPERVISOR)) not in baremetal],
        groups.result(),
        aggregates.result(),
    )


def _providers(
    jobs: _Jobs, reading: ProviderReading, inventory: CloudService, rows: _Rows
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


def _services(nova: CloudService) -> list[Json]:
    """The compute services. For one of a cell that is down, Nova gives name and status only."""
    services = nova.get_list("/os-services", "services", {"binary": "nova-compute"})
    if any(one.get("status") == UNREADABLE and "state" not in one for one in services):
        raise CloudUnreachable("a cell does not respond: some compute services are unknown")
    return services


def _servers(nova: CloudService) -> list[Json]:
    """All servers. For one of a cell that is down, Nova gives id, project and times only."""
    servers = nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    if any(one.get("status") == UNREADABLE and "flavor" not in one for one in servers):
        raise CloudUnreachable("a cell does not respond: some servers are unknown")
    return servers


def _groups(nova: CloudService, page: int) -> list[Json]:
    """Server groups of all projects: a list paged by offset, without a mark at its end.

    Raises:
        CloudUnreachable: the list changed during each attempt.
    """
    for _ in range(_ATTEMPTS):
        found = _paged_groups(nova, page)
        if found is not None:
            return found
        _log.info("server groups changed while they were listed: listing them again")
    raise CloudUnreachable("/os-server-groups changes too fast to be listed")


def _paged_groups(nova: CloudService, page: int) -> list[Json] | None:
    """The list; None if it changed between two pages.

    Each page begins with the last item of the previous page: if a group was deleted in between, the
    following groups have moved up, and the next page would miss one.
    """
    found: list[Json] = []
    while True:
        seen = len(found)
        query = {"all_projects": "true", "limit": page + (seen > 0), "offset": max(0, seen - 1)}
        items = nova.get_list("/os-server-groups", "server_groups", query)
        if found:
            if not items or repr(items[0].get("id")) != repr(found[-1].get("id")):
                return None
            items = items[1:]
        if not items:
            return found
        found += items


def _split(hypervisors: Iterable[Json]) -> tuple[list[Json], set[str]]:
    """Hosts of virtual machines, and the names of bare-metal nodes."""
    virtual: list[Json] = []
    baremetal: set[str] = set()
    for hypervisor in hypervisors:
        if str(hypervisor.get("hypervisor_type", "")).lower() == "ironic":
            baremetal.add(str(hypervisor.get("hypervisor_hostname")))
        else:
            virtual.append(hypervisor)
    return virtual, baremetal


def _rows(conversion: Conversion, listed: _Listed) -> _Rows:
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
    conversion: Conversion, listed: _Listed, rows: _Rows, found: Mapping[str, Provider | None]
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
    hosts: Iterable[Hypervisor], listed: _Listed, found: Mapping[str, Provider | None]
) -> Iterable[Cause]:
    for one in hosts:
        if one.host not in listed.services:
            yield Cause(SERVICE_NOT_FOUND, {"host": one.host})
        if found[one.id] is None:
            yield bad_value("resource provider", one.host, "missing")
