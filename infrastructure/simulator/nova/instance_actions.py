"""Nova: what was done to a server (`/servers/{server_id}/os-instance-actions`)."""

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.clock import iso_micro
from infrastructure.simulator.core.errors import ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import (
    ApiRequest,
    Json,
    call_of,
    next_link,
    query,
    reply,
)
from infrastructure.simulator.core.http.paging import page_size
from infrastructure.simulator.core.http.times import parsed
from infrastructure.simulator.core.model import ActionEvent, InstanceAction, Server
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova import history
from infrastructure.simulator.nova.commands import NovaCommands
from infrastructure.simulator.nova.server_view import host_id

_PAGED: Version = (2, 58)


def _action(action: InstanceAction, version: Version) -> Json:
    shown: Json = {
        "action": action.action,
        "instance_uuid": action.server_id,
        "request_id": action.request_id,
        "user_id": action.user_id,
        "project_id": action.project_id,
        "start_time": iso_micro(action.start),
        "message": action.message,
    }
    return shown | ({"updated_at": iso_micro(action.updated)} if version >= _PAGED else {})


def _event(event: ActionEvent, server: Server, call: ApiRequest) -> Json:
    shown: Json = {
        "event": event.event,
        "start_time": iso_micro(event.start),
        "finish_time": iso_micro(event.finish),
        "result": event.result,
    }
    if call.caller.is_admin:
        shown["traceback"] = None if event.result != "Error" else "not recorded by the simulator"
    if call.version >= (2, 62):
        if call.caller.is_admin:
            shown["host"] = event.host
        shown["hostId"] = host_id(server.project_id, event.host or "")
    if call.version >= (2, 84) and call.caller.is_admin:
        shown["details"] = None
    return shown


class InstanceActionsResource:
    """The list, and one action by its request id."""

    def __init__(self, world: World, commands: NovaCommands) -> None:
        self._world = world
        self._commands = commands

    def _of(self, server: Server) -> list[InstanceAction]:
        """Newest first; the creation came before everything that was recorded."""
        recorded = self._world.actions.get(server.id, [])
        return [*reversed(recorded), history.creation(server)]

    def _server(self, server_id: str, call: ApiRequest) -> Server:
        """Nova keeps the actions of deleted servers, too (since 2.21)."""
        server = self._world.servers.get(server_id)
        if server is not None and server.deleted and call.version >= (2, 21):
            own = server.project_id == call.caller.project_id
            if call.caller.is_admin or own:
                return server
        return self._commands.server(server_id, call.caller)

    def on_get(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """List them."""
        call, asked = call_of(req), query(req)
        paged = call.version >= _PAGED
        with self._world.transaction():
            found = self._of(self._server(server_id, call))
            if paged:
                found = self._narrowed(found, asked)
            limit = page_size(req) if paged else len(found)
            page = [_action(a, call.version) for a in found[:limit]]
        body: Json = {"instanceActions": page}
        full = len(page) == limit and "limit" in asked
        if paged and page and (full or len(found) > limit):
            marker = str(page[-1]["request_id"])
            body["links"] = next_link(req, f"{req.prefix}/compute", marker)
        reply(resp, body)

    def _narrowed(self, found: list[InstanceAction], asked: dict[str, str]) -> list[InstanceAction]:
        if "changes-since" in asked:
            since = parsed(asked["changes-since"])
            found = [a for a in found if a.updated >= since]
        if "changes-before" in asked:
            before = parsed(asked["changes-before"])
            found = [a for a in found if a.updated <= before]
        marker = asked.get("marker")
        if marker is None:
            return found
        places = [i for i, a in enumerate(found) if a.request_id == marker]
        if not places:
            raise BadRequest(f"Marker {marker} could not be found.")
        return found[places[0] + 1 :]

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, server_id: str, request_id: str
    ) -> None:
        """Show one with its steps, newest first."""
        call = call_of(req)
        with self._world.transaction():
            server = self._server(server_id, call)
            for action in self._of(server):
                if action.request_id == request_id:
                    shown = _action(action, call.version)
                    if call.caller.is_admin or call.version >= (2, 51):
                        steps = reversed(action.events)
                        shown["events"] = [_event(e, server, call) for e in steps]
                    reply(resp, {"instanceAction": shown})
                    return
        raise ApiNotFound(f"Action {request_id} not found")
