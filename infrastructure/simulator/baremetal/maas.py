"""MAAS API 2.0: the same machines, their power, and the events of failed changes."""

import re
from collections.abc import Iterator
from email.utils import formatdate
from itertools import islice
from urllib.parse import unquote

import falcon

from infrastructure.simulator.baremetal.nodes import OFF, ON, Baremetal, Node
from infrastructure.simulator.core.errors import (
    ApiError,
    ApiNotFound,
    ApiUnauthorized,
    BadRequest,
)
from infrastructure.simulator.core.http.calls import App, Json, query, reply
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.world import World

API_KEY = "vigil:maas:simulator"
"""Of an administrator; not a protection."""
_BASE = "/MAAS/api/2.0"
_POWER = {ON: "on", OFF: "off"}
_TARGETS = {"power_on": ON, "power_off": OFF}
_FIELD = re.compile(r'(\w+)="([^"]*)"')
"""A parameter in the header of OAuth."""
_BUSY = 503
_MOST_EVENTS = 100


class MaasResource:
    """All paths. The key in the header of OAuth gives all rights."""

    def __init__(self, world: World, baremetal: Baremetal) -> None:
        self._world = world
        self._baremetal = baremetal

    def on_get_machines(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the machines, or those with the ids that are asked for."""
        _authenticate(req)
        asked = req.get_param_as_list("id")
        with self._world.transaction():
            machines = [
                _machine(node, req)
                for node in self._baremetal.all()
                if asked is None or node.system_id in asked
            ]
        reply(resp, machines)

    def on_get_machine(self, req: falcon.Request, resp: falcon.Response, system_id: str) -> None:
        """Show one, or ask its BMC."""
        _authenticate(req)
        with self._world.transaction():
            node = self._node(system_id)
            if query(req).get("op") == "query_power_state":
                reply(resp, {"state": _POWER[node.power_state]})
            else:
                reply(resp, _machine(node, req))

    def on_post_machine(self, req: falcon.Request, resp: falcon.Response, system_id: str) -> None:
        """Switch one on or off."""
        _authenticate(req)
        operation = query(req).get("op", "")
        if operation not in _TARGETS:
            raise BadRequest(f"Unrecognised signature: method=POST op={operation}")
        with self._world.transaction() as now:
            node = self._node(system_id)
            if node.target is not None:
                message = f"Unable to power {node.host.name}: a power action is in progress."
                raise ApiError(message, _BUSY)
            self._baremetal.switch(node, _TARGETS[operation], now)
            note(self._world, req, {"op": operation}, now, target=node.host.name)
            reply(resp, _machine(self._node(system_id), req))

    def on_get_events(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the events of failed changes of power, the newest first."""
        _authenticate(req)
        asked = req.get_param_as_list("id")
        with self._world.transaction():
            nodes = self._baremetal.all()
            chosen = (node for node in nodes if asked is None or node.system_id in asked)
            events = list(islice(_events(chosen), _MOST_EVENTS))
        reply(resp, {"count": len(events), "events": events})

    def on_get_users(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show who asks."""
        _authenticate(req)
        reply(resp, {"username": "vigil", "is_superuser": True, "email": "", "is_local": True})

    def _node(self, system_id: str) -> Node:
        node = self._baremetal.find(system_id)
        if node is None or node.system_id != system_id:
            raise ApiNotFound("No Machine matches the given query.")
        return node


def _authenticate(req: falcon.Request) -> None:
    """Refuses a request without the key, signed as OAuth's PLAINTEXT."""
    scheme, _, rest = (req.get_header("Authorization") or "").partition(" ")
    given = {name: unquote(value) for name, value in _FIELD.findall(rest)}
    consumer, token, secret = API_KEY.split(":")
    expected = {
        "oauth_signature_method": "PLAINTEXT",
        "oauth_consumer_key": consumer,
        "oauth_token": token,
        "oauth_signature": f"&{secret}",
    }
    if scheme != "OAuth" or not given.get("oauth_nonce") or not expected.items() <= given.items():
        raise ApiUnauthorized("Authorization Error: Invalid consumer or token.")


def _machine(node: Node, req: falcon.Request) -> Json:
    properties = node.properties
    return {
        "system_id": node.system_id,
        "hostname": node.host.name.partition(".")[0],
        "fqdn": node.host.name,
        "power_state": _POWER[node.power_state],
        "power_type": "redfish",
        "status": 6,
        "status_name": "Deployed",
        "status_message": "",
        "error_description": "",
        "architecture": "amd64/generic",
        "cpu_count": properties["cpus"],
        "memory": properties["memory_mb"],
        "resource_uri": f"{req.prefix}{_BASE}/machines/{node.system_id}/",
    }


def _events(nodes: Iterator[Node]) -> Iterator[Json]:
    failed = [node for node in nodes if node.last_error]
    for node in sorted(failed, key=lambda one: one.updated, reverse=True):
        wanted = "off" if "off" in str(node.last_error) else "on"
        yield {
            "id": int(node.updated),
            "node": node.system_id,
            "hostname": node.host.name.partition(".")[0],
            "level": "ERROR",
            "type": f"Failed to power {wanted} node",
            "description": node.last_error,
            "created": formatdate(node.updated),
        }


def add_routes(app: App, world: World, baremetal: Baremetal) -> None:
    """Serve MAAS under /MAAS."""
    resource = MaasResource(world, baremetal)
    app.add_route(f"{_BASE}/machines", resource, suffix="machines")
    app.add_route(f"{_BASE}/machines/{{system_id}}", resource, suffix="machine")
    app.add_route(f"{_BASE}/events", resource, suffix="events")
    app.add_route(f"{_BASE}/users", resource, suffix="users")
