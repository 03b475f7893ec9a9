"""The simulator's own API, for administrators: faults, journal, host failures, summary."""

from typing import Any

import falcon
import msgspec

from infrastructure.simulator.cloud import Cloud
from infrastructure.simulator.core.errors import ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import (
    ApiRequest,
    App,
    Json,
    accepted,
    body_of,
    call_of,
    query,
    reply,
)


def _admin(req: falcon.Request) -> ApiRequest:
    call = call_of(req)
    call.require_admin("vigil_simulator:control")
    return call


class FaultRulesResource:
    """The paths `/vigil/faults` and `/vigil/faults/{number}`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the rules in force."""
        _admin(req)
        with self._cloud.world.transaction():
            rules = msgspec.to_builtins(self._cloud.faults.all())
        reply(resp, {"faults": rules})

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Add a rule."""
        _admin(req)
        body = body_of(req)
        with self._cloud.world.transaction():
            rule = msgspec.to_builtins(self._cloud.faults.add(body))
        reply(resp, {"fault": rule}, 201)

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Remove all rules."""
        _admin(req)
        with self._cloud.world.transaction():
            removed = self._cloud.faults.remove(None)
        reply(resp, {"removed": removed})

    def on_delete_one(self, req: falcon.Request, resp: falcon.Response, number: int) -> None:
        """Remove one."""
        _admin(req)
        with self._cloud.world.transaction():
            if not self._cloud.faults.remove(number):
                raise ApiNotFound(f"There is no fault rule {number}.")
        accepted(resp, 204)


class JournalResource:
    """The path `/vigil/journal`: every accepted request that changed something."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List entries, oldest first; `after`: only those with a higher number."""
        _admin(req)
        asked = query(req)
        after = asked.get("after", "0")
        if not after.isdecimal():
            raise BadRequest(f"after={after} is not a number")
        server = asked.get("server_id")
        with self._cloud.world.transaction():
            entries = [
                e for e in self._cloud.world.journal[int(after) :] if server in (None, e.server_id)
            ]
            shown = msgspec.to_builtins(entries)
        reply(resp, {"journal": shown})


class StateResource:
    """The path `/vigil/state`: a summary of the cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show it."""
        _admin(req)
        world = self._cloud.world
        with world.transaction() as now:
            servers = [s for s in world.servers.values() if not s.deleted]
            body = {
                "now": now,
                "simulated_seconds": world.clock.simulated(now),
                "speed": world.clock.speed,
                "seed": world.seed,
                "hosts": len(world.hosts),
                "hosts_in_use": sum(bool(here) for here in world.by_host.values()),
                "hosts_enabled": sum(h.status == "enabled" for h in world.hosts.values()),
                "hosts_up": sum(h.up for h in world.hosts.values()),
                "servers": len(servers),
                "servers_by_status": _counts(s.status for s in servers),
                "servers_by_host": {h: len(here) for h, here in world.by_host.items()},
                "migrations_by_status": _counts(m.status for m in world.migrations.values()),
                "journal_entries": len(world.journal),
                "fault_rules": len(self._cloud.faults.all()),
            }
        reply(resp, body)


def _counts(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


class HostPowerResource:
    """The path `/vigil/hosts/{name}`: whether a host's nova-compute runs."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def on_put(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Kill it, or bring it back: `{"alive": false}`."""
        _admin(req)
        alive = body_of(req).get("alive")
        if not isinstance(alive, bool):
            raise BadRequest("'alive' must be true or false")
        world = self._cloud.world
        with world.transaction() as now:
            host = world.hosts.get(name)
            if host is None:
                raise ApiNotFound(f"There is no host {name}.")
            host.alive, host.changed_at = alive, now
            world.touch(host)
        reply(resp, {"host": name, "alive": alive})


class EndpointResource:
    """The path `/vigil/endpoints/{service_type}`: what is in the catalogue."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def on_put(self, req: falcon.Request, resp: falcon.Response, service_type: str) -> None:
        """Register its URL: `{"url": "http://..."}`."""
        _admin(req)
        url: Json = body_of(req)
        if not isinstance(url.get("url"), str):
            raise BadRequest("'url' must be a string")
        with self._cloud.world.transaction():
            self._cloud.register(service_type, url["url"])
        reply(resp, {"type": service_type, "url": url["url"]})

    def on_delete(self, req: falcon.Request, resp: falcon.Response, service_type: str) -> None:
        """Remove it from the catalogue of new tokens, also one of the simulator's own."""
        _admin(req)
        with self._cloud.world.transaction():
            self._cloud.register(service_type, "")
        resp.status = falcon.HTTP_204


def add_routes(app: App, cloud: Cloud) -> None:
    """Serve the simulator's own API under /vigil."""
    app.add_route("/vigil/faults", FaultRulesResource(cloud))
    app.add_route("/vigil/faults/{number:int}", FaultRulesResource(cloud), suffix="one")
    app.add_route("/vigil/journal", JournalResource(cloud))
    app.add_route("/vigil/state", StateResource(cloud))
    app.add_route("/vigil/hosts/{name}", HostPowerResource(cloud))
    app.add_route("/vigil/endpoints/{service_type}", EndpointResource(cloud))
