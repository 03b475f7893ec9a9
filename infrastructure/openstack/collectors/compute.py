"""The compute side of a cloud, in bulk."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

from openstack.connection import Connection

from application.ports.cloud import CloudUnreachable, ComputeRows
from domain.cluster.compute.foreign_allocations import unaccounted
from domain.kernel.reasons import Cause, Reason
from infrastructure.openstack.collectors.records import (
    Json,
    Provider,
    aggregate_row,
    group_row,
    host_row,
    server_row,
    service_host,
)
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import CloudService, compute, placement

K = TypeVar("K")
T = TypeVar("T")
_log = logging.getLogger(__name__)
_ATTEMPTS = 3
_UNREADABLE = "UNKNOWN"
"""Status of a server, and of a service, whose cell does not answer."""


class NovaCollector:
    """Reads Nova and Placement: lists in pages, and three requests per host that Placement forces.

    Servers are listed before allocations are read: a server that comes up meanwhile is on no list,
    but what it holds is known.


    Raises nothing at construction; every collection starts afresh.
    """

    def __init__(self, connection: Connection, limits: ConnectionLimits | None = None) -> None:
        self._connection = connection
        self._limits = limits or ConnectionLimits()

    def collect(self) -> ComputeRows:
        """Everything, or an exception.

        Raises:
            CloudUnreachable: some part could not be read.
            CloudRefused: credentials lack a right.
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
            jobs.all_done()
            virtual, dropped = _split(hypervisors.result())
            providers = {
                hypervisor["id"]: jobs.run(
                    _provider, inventory, hypervisor["id"], generations.result()
                )
                for hypervisor in virtual
            }
            jobs.all_done()
        return _collected(
            virtual,
            services.result(),
            {host: provider.result() for host, provider in providers.items()},
            [s for s in servers.result() if s.get(_HYPERVISOR) not in dropped],
            groups.result(),
            aggregates.result(),
            nova.calls + inventory.calls,
            tuple(_untold(nova)),
        )


_HYPERVISOR = "OS-EXT-SRV-ATTR:hypervisor_hostname"


class _Jobs:
    """Work on a pool of threads; the first failure ends it all."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._futures: list[Future[object]] = []

    def run(self, work: Callable[..., T], *args: object) -> "Future[T]":
        # each job in a copy of the caller's context: it carries the correlation id
        future: Future[T] = self._pool.submit(copy_context().run, work, *args)
        self._futures.append(future)  # type: ignore[arg-type]
        return future

    def all_done(self) -> None:
        done, pending = wait(self._futures, return_when=FIRST_EXCEPTION)
        for future in pending:
            future.cancel()
        for future in done:
            future.result()
        self._futures.clear()


def _services(nova: CloudService) -> dict[str, Json]:
    services = nova.get("/os-services", {"binary": "nova-compute"})["services"]
    if any(service.get("status") == _UNREADABLE for service in services):
        raise CloudUnreachable("a cell does not answer: some compute services are unknown")
    return {service["host"]: service for service in services}


def _groups(nova: CloudService, page: int) -> list[Json]:
    """Server groups of all projects: a list paged by offset that does not mark its end.

    Raises:
        CloudUnreachable: it was never the same from one page to the next.
    """
    for _ in range(_ATTEMPTS):
        found = _connected(nova, page)
        if found is not None:
            return found
        _log.info("server groups changed while they were listed: listing them again")
    raise CloudUnreachable("/os-server-groups changes too fast to be listed")


def _connected(nova: CloudService, page: int) -> list[Json] | None:
    """The list, each page begun with the last item of the one before; None if it was another.

    A group that is deleted meanwhile moves those after it up: the next page would miss one.
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
    """What Placement knows of a host; None if it does not know it (yet, or any more)."""
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
    """Hosts of virtual machines, and the names of the nodes of bare metal."""
    virtual: list[Json] = []
    metal: set[str] = set()
    for hypervisor in hypervisors:
        if str(hypervisor.get("hypervisor_type", "")).lower() == "ironic":
            metal.add(hypervisor["hypervisor_hostname"])
        else:
            virtual.append(hypervisor)
    return virtual, metal


def _collected(
    hypervisors: Sequence[Json],
    services: Mapping[str, Json],
    providers: Mapping[str, Provider | None],
    servers: Sequence[Json],
    groups: Sequence[Json],
    aggregates: Sequence[Json],
    calls: int,
    untold: tuple[Cause, ...],
) -> ComputeRows:
    if any(server["status"] == _UNREADABLE for server in servers):
        raise CloudUnreachable("a cell does not answer: some servers are unknown")
    member_of = _gathered((m, group["id"]) for group in groups for m in group.get("members") or ())
    aggregates_of = _gathered((host, one["uuid"]) for one in aggregates for host in one["hosts"])
    rows = [server_row(s, member_of[s["id"]]) for s in servers if not _deleted(s)]
    residents = _gathered((row.host, row) for row in rows)
    known = {row.id for row in rows}
    return ComputeRows(
        hosts=[
            host_row(
                h,
                services.get(name),
                provider,
                aggregates_of[name],
                unaccounted(provider.booked(), residents[name], known),
            )
            for h in hypervisors
            if (name := service_host(h)) and (provider := providers[h["id"]]) is not None
        ],
        servers=rows,
        groups=[group_row(group) for group in groups],
        aggregates=[aggregate_row(aggregate) for aggregate in aggregates],
        problems=(*untold, *_problems(hypervisors, services, providers)),
        calls=calls,
    )


def _gathered(pairs: Iterable[tuple[K, T]]) -> defaultdict[K, list[T]]:
    found: defaultdict[K, list[T]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _deleted(server: Json) -> bool:
    return "deleted" in (str(server.get("OS-EXT-STS:vm_state")), str(server["status"]).lower())


_UNTOLD = {
    "2.61": "what the extra specs of flavors ask for is not told",
    "2.69": "a cell that is down is left out without a word",
}
"""What a Nova does not tell that does not speak a microversion yet."""


def _untold(nova: CloudService) -> Iterable[Cause]:
    for version, untold in _UNTOLD.items():
        if not nova.supports(version):
            facts = {"field": "microversion", "resource": "nova", "value": f"<{version}: {untold}"}
            yield Cause(Reason.BAD_VALUE, {**facts})


def _problems(
    hypervisors: Iterable[Json],
    services: Mapping[str, Json],
    providers: Mapping[str, Provider | None],
) -> Iterable[Cause]:
    for hypervisor in hypervisors:
        host = service_host(hypervisor)
        if host not in services:
            yield Cause(Reason.SERVICE_NOT_FOUND, {"host": host})
        if providers[hypervisor["id"]] is None:
            yield Cause(
                Reason.BAD_VALUE,
                {"field": "resource provider", "resource": host, "value": "missing"},
            )
