"""Nova: services, and how they are enabled, disabled and forced down."""

import uuid
from collections.abc import Iterator
from typing import Any

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.clock import iso_micro
from infrastructure.simulator.core.errors import ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import (
    Json,
    body_of,
    call_of,
    identified,
    query,
    reply,
)
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.model import Host
from infrastructure.simulator.core.people import stable_hex
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova.commands import NovaCommands

_UUIDS: Version = (2, 53)
_CONTROL = ("nova-conductor", "nova-scheduler")
_CONTROLLER = "controller"


def service_number(host: Host) -> int:
    """The number by which a nova-compute was known until 2.52."""
    return host.number + len(_CONTROL)


class NovaServicesResource:
    """The paths under `/os-services`."""

    def __init__(self, world: World, commands: NovaCommands) -> None:
        self._world = world
        self._commands = commands

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List them, narrowed by host and binary."""
        call, asked = call_of(req), query(req)
        call.require_admin("os_compute_api:os-services:list")
        with self._world.transaction() as now:
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
        for host in self._world.hosts.values():
            yield self._row(host, version, now)

    def _row(self, host: Host, version: Version, now: float) -> Json:
        row: Json = {
            "binary": "nova-compute",
            "host": host.name,
            "id": host.service_id if version >= _UUIDS else service_number(host),
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
        with self._world.transaction() as now:
            if by_id:
                host = self._commands.service_host(identified(service_id))
                change = _change(body)
            else:
                host, change = self._old_style(service_id, body, call.version)
            self._commands.update_service(host, change, now)
            note(self._world, req, body, now, target=host.name)
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
            raise ApiNotFound("Unknown action")
        name = str(body.get("host", ""))
        if name not in self._world.hosts:
            raise ApiNotFound(f"Host '{name}' is not mapped to any cell")
        return self._world.hosts[name], changes[action]


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
