"""Nova: lists of servers, one server, its deletion."""

import re
from collections.abc import Callable, Iterator

import falcon

from infrastructure.simulator.core.errors import ApiForbidden, BadRequest
from infrastructure.simulator.core.http.calls import (
    ApiRequest,
    Json,
    accepted,
    call_of,
    is_true,
    next_link,
    query,
    reply,
)
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.http.paging import page_size
from infrastructure.simulator.core.http.times import parsed
from infrastructure.simulator.core.model import Server
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova.commands import NovaCommands
from infrastructure.simulator.nova.server_view import Attachments, ServerView

Test = Callable[[Server], bool]

_ALL_TENANTS = "all_tenants"


def shown_to(req: falcon.Request, world: World, attached: Attachments) -> ServerView:
    """How servers look in the answer to a request."""
    call = call_of(req)
    prefix = f"{req.prefix}/compute"
    return ServerView(world, attached, prefix, call.version, call.caller.is_admin)


class ServersResource:
    """The paths `/servers` and `/servers/detail`."""

    def __init__(self, world: World, attached: Attachments) -> None:
        self._world = world
        self._attached = attached

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List ids and names."""
        self._list(req, resp, detailed=False)

    def on_get_detail(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List with all attributes."""
        self._list(req, resp, detailed=True)

    def _list(self, req: falcon.Request, resp: falcon.Response, *, detailed: bool) -> None:
        call = call_of(req)
        tests = self._tests(req, call, detailed=detailed)
        limit = page_size(req)
        view = shown_to(req, self._world, self._attached)
        show = view.detail if detailed else view.brief
        with self._world.transaction():
            found = [
                server
                for server in self._after(query(req).get("marker"))
                if all(test(server) for test in tests)
            ]
            servers = [show(server) for server in found[:limit]]
        body: Json = {"servers": servers}
        # Nova links to a next page whenever a page is full
        asked = len(servers) == limit and "limit" in query(req)
        if servers and (asked or len(found) > limit):
            body["servers_links"] = next_link(req, f"{req.prefix}/compute", servers[-1]["id"])
        reply(resp, body)

    def _after(self, marker: str | None) -> Iterator[Server]:
        world = self._world
        if marker is None:
            yield from world.order
            return
        if marker not in world.position:
            raise BadRequest(f"marker [{marker}] not found")
        yield from world.order[world.position[marker] + 1 :]

    def _tests(self, req: falcon.Request, call: ApiRequest, *, detailed: bool) -> list[Test]:
        asked = query(req)
        everyone = _ALL_TENANTS in asked and (
            asked[_ALL_TENANTS] == "" or is_true(asked[_ALL_TENANTS])
        )
        if everyone and not call.caller.is_admin:
            which = "detail" if detailed else "index"
            raise ApiForbidden(
                f"Policy doesn't allow os_compute_api:servers:{which}:get_all_tenants "
                "to be performed."
            )
        changed = "changes-since" in asked
        tests: list[Test] = [] if changed else [lambda s: not s.deleted]
        if not everyone:
            project = call.caller.project_id
            tests.append(lambda s: s.project_id == project)
        if changed:
            since = parsed(asked["changes-since"])
            tests.append(lambda s: s.updated >= since)
        return tests + list(self._filters(asked, call))

    def _filters(self, asked: dict[str, str], call: ApiRequest) -> Iterator[Test]:
        if call.caller.is_admin:
            yield from self._administrative(asked)
        if "status" in asked:
            status = asked["status"].upper()
            yield lambda s: s.status == status
        if "name" in asked:
            try:
                pattern = re.compile(asked["name"])
            except re.error as error:
                raise BadRequest(f"Invalid name filter: {error}") from error
            yield lambda s: pattern.search(s.name) is not None
        if "flavor" in asked:
            flavor = asked["flavor"]
            yield lambda s: s.flavor == flavor

    def _administrative(self, asked: dict[str, str]) -> Iterator[Test]:
        host = asked.get("host") or asked.get("node")
        project = asked.get("project_id") or asked.get("tenant_id")
        zone = asked.get("availability_zone")
        hosts = self._world.hosts
        if host:
            yield lambda s: s.host == host
        if project:
            yield lambda s: s.project_id == project
        if zone:
            yield lambda s: s.host != "" and hosts[s.host].zone == zone
        if "uuid" in asked:
            wanted = asked["uuid"]
            yield lambda s: s.id == wanted
        if "vm_state" in asked:
            state = asked["vm_state"]
            yield lambda s: s.vm_state == state


class ServerResource:
    """The path `/servers/{server_id}`."""

    def __init__(self, world: World, commands: NovaCommands, attached: Attachments) -> None:
        self._world = world
        self._commands = commands
        self._attached = attached

    def on_get(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """Show it."""
        with self._world.transaction():
            server = self._commands.server(server_id, call_of(req).caller)
            body = shown_to(req, self._world, self._attached).one(server)
        reply(resp, {"server": body})

    def on_delete(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """Delete it."""
        call = call_of(req)
        with self._world.transaction() as now:
            server = self._commands.server(server_id, call.caller)
            self._commands.delete(server, call.caller, now)
            note(self._world, req, None, now, server_id=server_id)
        accepted(resp, 204)
