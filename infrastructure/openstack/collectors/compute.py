"""Reads hosts and servers from Nova and Placement in bulk."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

from openstack.connection import Connection

from application.ports.cloud import CloudUnreachable, ComputeRows
from domain.cluster.compute.foreign_allocations import foreign_allocations
from domain.cluster.compute.reasons import BAD_VALUE, SERVICE_NOT_FOUND
from domain.kernel.reasons import Cause
from infrastructure.openstack.collectors.records import (
    Provider,
    aggregate_row,
    group_row,
    host_row,
    server_row,
    service_host,
)
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import CloudService, Json, compute, placement

K = TypeVar("K")
T = TypeVar("T")
_log = logging.getLogger(__name__)
_ATTEMPTS = 3
_HYPERVISOR = "OS-EXT-SRV-ATTR:hypervisor_hostname"
_UNREADABLE = "UNKNOWN"
"""Status of a server or service whose cell does not respond."""


class NovaCollector:
    """Reads Nova and Placement: paged lists, and three requests per host (Placement has no list).

    Servers are listed before allocations are read: the allocations of a server that is created
    in between are known, although the server is not in the list.
    """

    def __init__(self, connection: Connection, limits: ConnectionLimits | None = None) -> None:
        self._connection = connection
        self._limits = limits or ConnectionLimits()

    def collect(self) -> ComputeRows:
        """Reads everything.

        Raises:
            CloudUnreachable: a part could not be read.
            CloudRefused: the credentials lack a right.
        """
        nova = compute(self._connection, self._limits)
        inventory = placement(self._connection, self._limits)
        with ThreadPoolExecutor(self._limits.workers, "collect") as pool:
            jobs = _Jobs(pool)
            hypervisors = jobs.run(lambda: nova.list_all("/os-hypervisors/detail", "hypervisors"))
            services = jobs.run(lambda: _services(nova))
            servers = jobs.run(
                lambda: nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
            )
            aggregates = jobs.run(lambda: list(nova.get("/os-aggregates")["aggregates"]))
            groups = jobs.run(lambda: _groups(nova, self._limits.page))
            generations = jobs.run(lambda: _generations(inventory))
            jobs.wait()
            virtual, baremetal = _split(hypervisors.result())
            providers = {
                hypervisor["id"]: jobs.run(
                    _provider, inventory, hypervisor["id"], generations.result()
                )
                for hypervisor in virtual
            }
            jobs.wait()
        return _collected(
            virtual,
            services.result(),
            {host: provider.result() for host, provider in providers.items()},
            [s for s in servers.result() if s.get(_HYPERVISOR) not in baremetal],
            groups.result(),
            aggregates.result(),
            nova.calls + inventory.calls,
            tuple(_not_reported(nova)),
        )


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


def _services(nova: CloudService) -> dict[str, Json]:
    services = nova.get("/os-services", {"binary": "nova-compute"})["services"]
    if any(service.get("status") == _UNREADABLE for service in services):
        raise CloudUnreachable("a cell does not respond: some compute services are unknown")
    return {service["host"]: service for service in services}


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
        items = nova.get("/os-server-groups", query)["server_groups"]
        if found:
            if not items or items[0]["id"] != found[-1]["id"]:
                return None
            items = items[1:]
        if not items:
            return found
        found += items


def _generations(inventory: CloudService) -> dict[str, int]:
    providers = inventory.get("/resource_providers")["resource_providers"]
    return {provider["uuid"]: provider["generation"] for provider in providers}


def _provider(
    inventory: CloudService, host: str, generations: Mapping[str, int]
) -> Provider | None:
    """The resource provider of a host; None if Placement has none."""
    if host not in generations:
        return None
    try:
        inventories = inventory.get(f"/resource_providers/{host}/inventories")
        traits = inventory.get(f"/resource_providers/{host}/traits")
        allocations = inventory.get(f"/resource_providers/{host}/allocations")
    except ResourceNotFound:
        return None
    return Provider(
        generations[host],
        inventories["inventories"],
        traits["traits"],
        allocations["allocations"],
    )


def _split(hypervisors: Iterable[Json]) -> tuple[list[Json], set[str]]:
    """Hosts of virtual machines, and the names of bare-metal nodes."""
    virtual: list[Json] = []
    baremetal: set[str] = set()
    for hypervisor in hypervisors:
        if str(hypervisor.get("hypervisor_type", "")).lower() == "ironic":
            baremetal.add(hypervisor["hypervisor_hostname"])
        else:
            virtual.append(hypervisor)
    return virtual, baremetal


def _collected(
    hypervisors: Sequence[Json],
    services: Mapping[str, Json],
    providers: Mapping[str, Provider | None],
    servers: Sequence[Json],
    groups: Sequence[Json],
    aggregates: Sequence[Json],
    calls: int,
    not_reported: tuple[Cause, ...],
) -> ComputeRows:
    if any(server["status"] == _UNREADABLE for server in servers):
        raise CloudUnreachable("a cell does not respond: some servers are unknown")
    member_of = _grouped((m, group["id"]) for group in groups for m in group.get("members") or ())
    aggregates_of = _grouped((host, one["uuid"]) for one in aggregates for host in one["hosts"])
    rows = [server_row(s, member_of[s["id"]]) for s in servers if not _deleted(s)]
    residents = _grouped((row.host, row) for row in rows)
    known = {row.id for row in rows}
    return ComputeRows(
        hosts=[
            host_row(
                h,
                services.get(name),
                provider,
                aggregates_of[name],
                foreign_allocations(provider.booked(), residents[name], known),
            )
            for h in hypervisors
            if (name := service_host(h)) and (provider := providers[h["id"]]) is not None
        ],
        servers=rows,
        groups=[group_row(group) for group in groups],
        aggregates=[aggregate_row(aggregate) for aggregate in aggregates],
        problems=(*not_reported, *_problems(hypervisors, services, providers)),
        calls=calls,
    )


def _grouped(pairs: Iterable[tuple[K, T]]) -> defaultdict[K, list[T]]:
    found: defaultdict[K, list[T]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _deleted(server: Json) -> bool:
    return "deleted" in (str(server.get("OS-EXT-STS:vm_state")), str(server["status"]).lower())


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
    hypervisors: Iterable[Json],
    services: Mapping[str, Json],
    providers: Mapping[str, Provider | None],
) -> Iterable[Cause]:
    for hypervisor in hypervisors:
        host = service_host(hypervisor)
        if host not in services:
            yield Cause(SERVICE_NOT_FOUND, {"host": host})
        if providers[hypervisor["id"]] is None:
            yield Cause(
                BAD_VALUE,
                {"field": "resource provider", "resource": host, "value": "missing"},
            )
