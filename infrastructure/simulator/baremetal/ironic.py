"""Ironic v1: nodes, their states, and their power."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import falcon

from infrastructure.simulator.baremetal.ironic_view import BRIEF, FIELDS, IronicView
from infrastructure.simulator.baremetal.nodes import (
    DRIVER,
    OFF,
    ON,
    RESOURCE_CLASS,
    Baremetal,
    Node,
)
from infrastructure.simulator.core.caller import Version as Microversion
from infrastructure.simulator.core.errors import ApiError, ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import (
    ApiRequest,
    App,
    Json,
    accepted,
    body_of,
    call_of,
    is_true,
    query,
    reply,
)
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.http.microversions import MAXIMUM, MINIMUM, text
from infrastructure.simulator.core.http.paging import LARGEST
from infrastructure.simulator.core.world import World

_BASE = "/baremetal/v1"
_FIELDS_PARAMETER: Microversion = (1, 8)
_DETAIL_PARAMETER: Microversion = (1, 43)


class IronicVersionsResource:
    """Discovery: `/baremetal` and `/baremetal/v1`, for everyone."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the versions."""
        version = _version(req)
        body = {
            "name": "OpenStack Ironic API",
            "description": "Ironic is an OpenStack project which enables the provision and "
            "management of baremetal machines.",
            "default_version": version,
            "versions": [version],
        }
        reply(resp, body)

    def on_get_one(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the version and what is in it."""
        base, bookmark = f"{req.prefix}{_BASE}", f"{req.prefix}/baremetal"
        body = {
            "id": "v1",
            "links": [{"rel": "self", "href": f"{base}/"}],
            "media_types": [
                {
                    "base": "application/json",
                    "type": "application/vnd.openstack.ironic.v1+json",
                }
            ],
            "version": _version(req),
            "nodes": [
                {"rel": "self", "href": f"{base}/nodes/"},
                {"rel": "bookmark", "href": f"{bookmark}/nodes/"},
            ],
        }
        reply(resp, body)


def _version(req: falcon.Request) -> Json:
    return {
        "id": "v1",
        "status": "CURRENT",
        "version": text(MAXIMUM["baremetal"]),
        "min_version": text(MINIMUM["baremetal"]),
        "links": [{"rel": "self", "href": f"{req.prefix}{_BASE}/"}],
    }


class NodesResource:
    """The paths under `/nodes`. Only administrators see machines."""

    def __init__(self, world: World, baremetal: Baremetal) -> None:
        self._world = world
        self._baremetal = baremetal

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List them: briefly, in detail, or the fields that are asked for."""
        call, asked = call_of(req), query(req)
        fields = _fields(asked, call.version)
        if "detail" in asked:
            if call.version < _DETAIL_PARAMETER:
                raise BadRequest("Unknown argument(s): detail")
            if is_true(asked["detail"]):
                if fields:
                    raise BadRequest("Can't fetch a subset of fields with 'detail' set")
                fields = tuple(FIELDS)
        self._list(req, resp, fields or BRIEF, "nodes")

    def on_get_detail(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List all of them with everything."""
        self._list(req, resp, tuple(FIELDS), "nodes/detail")

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, identity: str) -> None:
        """Show one, by uuid or name."""
        call = call_of(req)
        fields = _fields(query(req), call.version) or tuple(FIELDS)
        with self._world.transaction():
            body = self._view(req, call).node(self._node(call, identity), fields)
        reply(resp, body)

    def on_get_states(self, req: falcon.Request, resp: falcon.Response, identity: str) -> None:
        """Show the states of one."""
        call = call_of(req)
        with self._world.transaction():
            body = self._view(req, call).states(self._node(call, identity))
        reply(resp, body)

    def on_put_power(self, req: falcon.Request, resp: falcon.Response, identity: str) -> None:
        """Switch one on or off."""
        call, body = call_of(req), body_of(req)
        target = body.get("target")
        with self._world.transaction() as now:
            node = self._node(call, identity)
            if target not in (ON, OFF):
                raise BadRequest(f'The requested state "{target}" is not valid.')
            self._baremetal.switch(node, target, now)
            note(self._world, req, body, now, target=node.host.name)
        accepted(resp)

    def _view(self, req: falcon.Request, call: ApiRequest) -> IronicView:
        return IronicView(call.version, f"{req.prefix}/baremetal")

    def _node(self, call: ApiRequest, identity: str) -> Node:
        node = self._baremetal.find(identity) if call.caller.is_admin else None
        if node is None:
            raise ApiNotFound(f"Node {identity} could not be found.")
        return node

    def _list(
        self, req: falcon.Request, resp: falcon.Response, fields: tuple[str, ...], path: str
    ) -> None:
        call, asked = call_of(req), query(req)
        limit = _limit(asked)
        view = self._view(req, call)
        with self._world.transaction():
            mine = self._baremetal.all() if call.caller.is_admin else iter(())
            found = list(_after(asked.get("marker"), [n for n in mine if _wanted(n, asked)]))
            page = found[:limit]
            body: Json = {"nodes": [view.node(node, fields) for node in page]}
        if page and len(page) == limit:
            kept = asked | {"limit": str(limit), "marker": page[-1].id}
            body["next"] = f"{req.prefix}{_BASE}/{path}?{urlencode(kept)}"
        reply(resp, body)


def _after(marker: str | None, nodes: list[Node]) -> Iterator[Node]:
    if marker is None:
        yield from nodes
        return
    places = {node.id: place for place, node in enumerate(nodes)}
    if marker not in places:
        raise ApiNotFound(f"Node {marker} could not be found.")
    yield from nodes[places[marker] + 1 :]


def _limit(asked: Mapping[str, str]) -> int:
    try:
        limit = int(asked.get("limit", LARGEST))
    except ValueError as error:
        raise BadRequest(f"Expected an integer for limit: {asked['limit']}") from error
    if limit <= 0:
        raise BadRequest("Limit must be positive")
    return min(limit, LARGEST)


def _fields(asked: Mapping[str, str], version: Microversion) -> tuple[str, ...]:
    """The fields that are asked for, if any.

    Raises:
        BadRequest: there are no such fields.
        ApiError: 406, this version does not know them.
    """
    if "fields" not in asked:
        return ()
    fields = tuple(name.strip() for name in asked["fields"].split(",") if name.strip())
    unknown = sorted(set(fields) - FIELDS.keys())
    if unknown:
        raise BadRequest(f'Field(s) "{", ".join(unknown)}" are not valid. ')
    if version < _FIELDS_PARAMETER or any(FIELDS[name] > version for name in fields):
        raise ApiError("Request not acceptable.", 406)
    return fields


def _wanted(node: Node, asked: Mapping[str, str]) -> bool:
    held = {
        "driver": DRIVER,
        "resource_class": RESOURCE_CLASS,
        "provision_state": "active",
        "instance_uuid": "",
    }
    flags = {"maintenance": node.maintenance, "associated": False}
    return all(asked[name] == value for name, value in held.items() if name in asked) and all(
        is_true(asked[name]) == value for name, value in flags.items() if name in asked
    )


def add_routes(app: App, world: World, baremetal: Baremetal) -> None:
    """Serve Ironic under /baremetal."""
    app.add_route("/baremetal", IronicVersionsResource())
    app.add_route(_BASE, IronicVersionsResource(), suffix="one")
    nodes = NodesResource(world, baremetal)
    app.add_route(f"{_BASE}/nodes", nodes)
    app.add_route(f"{_BASE}/nodes/detail", nodes, suffix="detail")
    app.add_route(f"{_BASE}/nodes/{{identity}}", nodes, suffix="one")
    app.add_route(f"{_BASE}/nodes/{{identity}}/states", nodes, suffix="states")
    app.add_route(f"{_BASE}/nodes/{{identity}}/states/power", nodes, suffix="power")
