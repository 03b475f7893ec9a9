"""Nova: hypervisors and services."""

import uuid
from collections.abc import Iterator
from typing import Any

import falcon

from infrastructure.simulator.api.calls import (
    Call,
    Json,
    body_of,
    call_of,
    is_true,
    next_link,
    query,
    reply,
)
from infrastructure.simulator.api.journal import note
from infrastructure.simulator.api.migrations import address
from infrastructure.simulator.api.paging import page_size
from infrastructure.simulator.api.server_view import instance_name
from infrastructure.simulator.clock import iso_micro
from infrastructure.simulator.commands import Version
from infrastructure.simulator.engine import Cloud
from infrastructure.simulator.errors import BadRequest, NotFound
from infrastructure.simulator.model import Host
from infrastructure.simulator.people import stable_hex
from infrastructure.simulator.world import World

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
_CONTROL = ("nova-conductor", "nova-scheduler")
_CONTROLLER = "controller"


def _identified(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise BadRequest(f"Invalid uuid {text}") from error


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


class Hypervisors:
    """The paths under `/os-hypervisors`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

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
        with self._cloud.world.transaction():
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

    def _found(self, asked: dict[str, str], call: Call) -> list[Host]:
        hosts = list(self._cloud.world.hosts.values())
        if "hypervisor_hostname_pattern" in asked and call.version >= _UUIDS:
            pattern = asked["hypervisor_hostname_pattern"]
            hosts = [h for h in hosts if pattern in h.name]
            if not hosts:
                raise NotFound(f"No hypervisor matching '{pattern}' could be found.")
        marker = asked.get("marker")
        if marker is None:
            return hosts
        places = [i for i, h in enumerate(hosts) if marker in (h.id, str(h.number))]
        if not places:
            raise BadRequest(f"Marker [{marker}] not found")
        return hosts[places[0] + 1 :]

    def _shown(self, host: Host, call: Call, asked: dict[str, str], *, detailed: bool) -> Json:
        world, version = self._cloud.world, call.version
        shown = _brief(host, version)
        if detailed:
            shown |= self._details(host, version)
        if is_true(asked.get("with_servers")) and version >= _UUIDS:
            servers = _servers(world, host)
            if servers or version >= (2, 75):
                shown["servers"] = servers
        return shown

    def _details(self, host: Host, version: Version) -> Json:
        world = self._cloud.world
        shown: Json = {
            "hypervisor_type": "QEMU",
            "hypervisor_version": 8002002,
            "host_ip": address(host.number),
            "service": {
                "id": host.service_id if version >= _UUIDS else host.number + len(_CONTROL),
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
        clock = self._cloud.world.clock
        minutes = int(clock.simulated(clock.now()) // 60)
        return f" 00:00:00 up {minutes} min,  0 users,  load average: 0.00, 0.00, 0.00"

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, host_id: str) -> None:
        """Show one (`statistics`: the sum of all)."""
        call, asked = call_of(req), query(req)
        if host_id == "statistics" and call.version < _STATISTICS_GONE:
            self._sum(call, resp)
            return
        call.require_admin("os_compute_api:os-hypervisors:show")
        with self._cloud.world.transaction():
            host = self._host(host_id, call.version)
            shown = self._shown(host, call, asked, detailed=True)
        reply(resp, {"hypervisor": shown})

    def _host(self, host_id: str, version: Version) -> Host:
        world = self._cloud.world
        wanted = _identified(host_id) if version >= _UUIDS else host_id
        for host in world.hosts.values():
            if wanted == (host.id if version >= _UUIDS else str(host.number)):
                return host
        raise NotFound(f"Hypervisor with ID '{host_id}' could not be found.")

    def _sum(self, call: Call, resp: falcon.Response) -> None:
        call.require_admin("os_compute_api:os-hypervisors:statistics")
        world = self._cloud.world
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
            raise NotFound("The resource could not be found.")
        with self._cloud.world.transaction():
            host = self._host(host_id, call.version)
            shown = _brief(host, call.version) | {"uptime": self._uptime(host)}
        reply(resp, {"hypervisor": shown})


class Services:
    """The paths under `/os-services`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List them, narrowed by host and binary."""
        call, asked = call_of(req), query(req)
        call.require_admin("os_compute_api:os-services:list")
        with self._cloud.world.transaction() as now:
            rows = [
                row
                for row in self._rows(call.version, now)
                if all(asked.get(name) in (None, "", row[name]) for name in ("host", "binary"))
            ]
        reply(resp, {"services": rows})

    def _rows(self, version: Version, now: float) -> Iterator[Json]:
        for number, binary in enumerate(_CONTROL, 1):
            digits = stable_hex("service", binary)
            row: Json = {
                "binary": binary,
                "host": _CONTROLLER,
                "id": str(uuid.UUID(digits)) if version >= _UUIDS else number,
                "zone": "internal",
                "status": "enabled",
                "state": "up",
                "updated_at": iso_micro(now),
                "disabled_reason": None,
            }
            yield row | ({"forced_down": False} if version >= (2, 11) else {})
        for host in self._cloud.world.hosts.values():
            yield self._row(host, version, now)

    def _row(self, host: Host, version: Version, now: float) -> Json:
        row: Json = {
            "binary": "nova-compute",
            "host": host.name,
            "id": host.service_id if version >= _UUIDS else host.number + len(_CONTROL),
            "zone": host.zone,
            "status": host.status,
            "state": "up" if host.up else "down",
            "updated_at": iso_micro(now if host.alive else host.changed_at),
            "disabled_reason": host.disabled_reason,
        }
        if version >= (2, 11):
            row["forced_down"] = host.forced_down
        return row

    def on_put_one(self, req: falcon.Request, resp: falcon.Response, service_id: str) -> None:
        """Change a service: by its UUID, or (until 2.52) by an action's name."""
        call, body = call_of(req), body_of(req)
        call.require_admin("os_compute_api:os-services:update")
        by_id = call.version >= _UUIDS
        with self._cloud.world.transaction() as now:
            if by_id:
                host = self._cloud.commands.service_host(_identified(service_id))
                change = _change(body)
            else:
                host, change = self._old_style(service_id, body, call.version)
            self._cloud.commands.update_service(host, change, now)
            note(self._cloud.world, req, body, now, target=host.name)
            row = self._row(host, call.version, now)
        reply(resp, {"service": row if by_id else _old_row(row, change)})

    def _old_style(self, action: str, body: Json, version: Version) -> tuple[Host, Json]:
        changes: dict[str, Json] = {
            "enable": {"status": "enabled"},
            "disable": {"status": "disabled"},
            "disable-log-reason": {
                "status": "disabled",
                "disabled_reason": body.get("disabled_reason"),
            },
        }
        if version >= (2, 11):
            changes["force-down"] = {"forced_down": body.get("forced_down")}
        if action not in changes:
            raise NotFound("Unknown action")
        name = str(body.get("host", ""))
        if name not in self._cloud.world.hosts:
            raise NotFound(f"Host '{name}' is not mapped to any cell")
        return self._cloud.world.hosts[name], changes[action]


def _old_row(row: Json, change: Json) -> Json:
    shown = {name: row[name] for name in ("host", "binary")}
    return shown | {name: row[name] for name in change}


def _change(body: Json) -> Json:
    allowed: dict[str, tuple[Any, ...]] = {
        "status": ("enabled", "disabled"),
        "forced_down": (True, False),
    }
    for name in sorted(body.keys() - {*allowed, "disabled_reason"}):
        raise BadRequest(f"Additional properties are not allowed ({name!r} was unexpected)")
    for name, values in allowed.items():
        if name in body and body[name] not in values:
            raise BadRequest(
                f"Invalid input for field/attribute {name}. Value: {body[name]}. "
                f"{body[name]!r} is not one of {list(values)}"
            )
    return body
