"""Nova: hypervisors."""

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.errors import ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import (
    ApiRequest,
    Json,
    call_of,
    identified,
    is_true,
    next_link,
    query,
    reply,
)
from infrastructure.simulator.core.http.paging import page_size
from infrastructure.simulator.core.model import Host
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova.migrations import address
from infrastructure.simulator.nova.server_view import instance_name
from infrastructure.simulator.nova.services import service_number

_UUIDS: Version = (2, 53)
_STATISTICS_GONE: Version = (2, 88)
_CPU = (
    '{"arch": "x86_64", "model": "Cascadelake-Server", "vendor": "Intel", '
    '"features": ["pge", "clflush"], "topology": {"cores": 1, "threads": 1, "sockets": 4}}'
)
_CPU_OBJECT: Json = {
    "arch": "x86_64",
    "model": "Cascadelake-Server",
    "vendor": "Intel",
    "features": ["pge", "clflush"],
    "topology": {"cores": 1, "threads": 1, "sockets": 4},
}


def _brief(host: Host, version: Version) -> Json:
    return {
        "id": host.id if version >= _UUIDS else host.number,
        "hypervisor_hostname": host.name,
        "state": "up" if host.up else "down",
        "status": host.status,
    }


def _servers(world: World, host: Host) -> list[Json]:
    here = sorted((world.servers[s] for s in world.by_host[host.name]), key=lambda s: s.number)
    return [{"name": instance_name(s), "uuid": s.id} for s in here]


def statistics(world: World, host: Host) -> Json:
    """What the hypervisor reports of its use, as Nova showed it until 2.87."""
    vcpus, ram, disk = world.ledger.used(host.name)
    memory = ram + host.ram_reserved_mb
    return {
        "vcpus": host.vcpus,
        "memory_mb": host.ram_mb,
        "local_gb": host.disk_gb,
        "vcpus_used": vcpus,
        "memory_mb_used": memory,
        "local_gb_used": disk,
        "free_ram_mb": host.ram_mb - memory,
        "free_disk_gb": host.disk_gb - disk,
        "current_workload": sum(
            world.servers[s].task_state is not None for s in world.by_host[host.name]
        ),
        "running_vms": len(world.by_host[host.name]),
        "disk_available_least": max(host.disk_gb - disk, 0),
    }


class HypervisorsResource:
    """The paths under `/os-hypervisors`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List names and states."""
        self._list(req, resp, "list", detailed=False)

    def on_get_detail(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List with details."""
        self._list(req, resp, "list-detail", detailed=True)

    def _list(
        self, req: falcon.Request, resp: falcon.Response, rule: str, *, detailed: bool
    ) -> None:
        call, asked = call_of(req), query(req)
        call.require_admin(f"os_compute_api:os-hypervisors:{rule}")
        limit = page_size(req)
        with self._world.transaction():
            found = self._found(asked, call)
            page = found[:limit]
            shown = [self._shown(h, call, asked, detailed=detailed) for h in page]
        body: Json = {"hypervisors": shown}
        full = len(page) == limit and "limit" in asked
        if call.version >= (2, 33) and page and (full or len(found) > limit):
            body["hypervisors_links"] = next_link(
                req, f"{req.prefix}/compute", str(shown[-1]["id"])
            )
        reply(resp, body)

    def _found(self, asked: dict[str, str], call: ApiRequest) -> list[Host]:
        hosts = list(self._world.hosts.values())
        if "hypervisor_hostname_pattern" in asked and call.version >= _UUIDS:
            pattern = asked["hypervisor_hostname_pattern"]
            hosts = [h for h in hosts if pattern in h.name]
            if not hosts:
                raise ApiNotFound(f"No hypervisor matching '{pattern}' could be found.")
        marker = asked.get("marker")
        if marker is None:
            return hosts
        places = [i for i, h in enumerate(hosts) if marker in (h.id, str(h.number))]
        if not places:
            raise BadRequest(f"Marker [{marker}] not found")
        return hosts[places[0] + 1 :]

    def _shown(
        self, host: Host, call: ApiRequest, asked: dict[str, str], *, detailed: bool
    ) -> Json:
        world, version = self._world, call.version
        shown = _brief(host, version)
        if detailed:
            shown |= self._details(host, version)
        if is_true(asked.get("with_servers")) and version >= _UUIDS:
            servers = _servers(world, host)
            if servers or version >= (2, 75):
                shown["servers"] = servers
        return shown

    def _details(self, host: Host, version: Version) -> Json:
        world = self._world
        shown: Json = {
            "hypervisor_type": "QEMU",
            "hypervisor_version": 8002002,
            "host_ip": address(host.number),
            "service": {
                "id": host.service_id if version >= _UUIDS else service_number(host),
                "host": host.name,
                "disabled_reason": host.disabled_reason,
            },
        }
        if version >= _STATISTICS_GONE:
            return shown | {"uptime": self._uptime(host)}
        cpu = _CPU_OBJECT if version >= (2, 28) else _CPU
        return shown | statistics(world, host) | {"cpu_info": cpu}

    def _uptime(self, host: Host) -> str | None:
        if not host.up:
            return None
        clock = self._world.clock
        minutes = int(clock.simulated(clock.now()) // 60)
        return f" 00:00:00 up {minutes} min,  0 users,  load average: 0.00, 0.00, 0.00"

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, host_id: str) -> None:
        """Show one (`statistics`: the sum of all)."""
        call, asked = call_of(req), query(req)
        if host_id == "statistics" and call.version < _STATISTICS_GONE:
            self._sum(call, resp)
            return
        call.require_admin("os_compute_api:os-hypervisors:show")
        with self._world.transaction():
            host = self._host(host_id, call.version)
            shown = self._shown(host, call, asked, detailed=True)
        reply(resp, {"hypervisor": shown})

    def _host(self, host_id: str, version: Version) -> Host:
        world = self._world
        wanted = identified(host_id) if version >= _UUIDS else host_id
        for host in world.hosts.values():
            if wanted == (host.id if version >= _UUIDS else str(host.number)):
                return host
        raise ApiNotFound(f"Hypervisor with ID '{host_id}' could not be found.")

    def _sum(self, call: ApiRequest, resp: falcon.Response) -> None:
        call.require_admin("os_compute_api:os-hypervisors:statistics")
        world = self._world
        with world.transaction():
            each = [statistics(world, h) for h in world.hosts.values() if h.status == "enabled"]
        names = each[0] if each else {}
        total = {name: sum(row[name] for row in each) for name in names}
        reply(resp, {"hypervisor_statistics": {"count": len(each)} | total})

    def on_get_uptime(self, req: falcon.Request, resp: falcon.Response, host_id: str) -> None:
        """Show one with its uptime, as it was until 2.87."""
        call = call_of(req)
        call.require_admin("os_compute_api:os-hypervisors:uptime")
        if call.version >= _STATISTICS_GONE:
            raise ApiNotFound("The resource could not be found.")
        with self._world.transaction():
            host = self._host(host_id, call.version)
            shown = _brief(host, call.version) | {"uptime": self._uptime(host)}
        reply(resp, {"hypervisor": shown})
