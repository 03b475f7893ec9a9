"""Reads what Nova lists: hypervisors, compute services, servers, groups, aggregates."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from application.ports.cloud import CloudUnreachable
from infrastructure.openstack.collectors.jobs import Jobs
from infrastructure.openstack.collectors.records import UNREADABLE
from infrastructure.openstack.service import CloudService, Json

_log = logging.getLogger(__name__)
_ATTEMPTS = 3
_HYPERVISOR = "OS-EXT-SRV-ATTR:hypervisor_hostname"


@dataclass(frozen=True)
class NovaLists:
    """What Nova lists; services by host."""

    hypervisors: Sequence[Json]
    services: Mapping[str, Json]
    servers: Sequence[Json]
    groups: Sequence[Json]
    aggregates: Sequence[Json]


def read_lists(jobs: Jobs, nova: CloudService, page: int) -> NovaLists:
    """Reads the lists; without bare-metal nodes and the servers on them."""
    hypervisors = jobs.run(lambda: nova.list_all("/os-hypervisors/detail", "hypervisors"))
    services = jobs.run(lambda: compute_services(nova))
    servers = jobs.run(lambda: _servers(nova))
    aggregates = jobs.run(lambda: nova.get_list("/os-aggregates", "aggregates"))
    groups = jobs.run(lambda: _groups(nova, page))
    jobs.wait()
    virtual, baremetal = _split(hypervisors.result())
    return NovaLists(
        virtual,
        {str(service.get("host")): service for service in services.result()},
        [one for one in servers.result() if str(one.get(_HYPERVISOR)) not in baremetal],
        groups.result(),
        aggregates.result(),
    )


def compute_services(nova: CloudService) -> list[Json]:
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
