"""Nova: the metadata of a server."""

from collections.abc import Callable

import falcon

from infrastructure.simulator.core.errors import ApiForbidden, ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import Json, accepted, body_of, call_of, reply
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova.commands import NovaCommands

_LONGEST = 255
_QUOTA = 128
"""Items that a server may have (Nova's default of ``metadata_items``)."""

Metadata = dict[str, str]


class ServerMetadataResource:
    """The path `/servers/{server_id}/metadata`, and that of one item below it."""

    def __init__(self, world: World, commands: NovaCommands) -> None:
        self._world = world
        self._commands = commands

    def on_get(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """Show all of it."""
        reply(resp, {"metadata": self._of(req, server_id)})

    def on_post(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """Add and change items."""
        body = body_of(req)
        items = _items(body.get("metadata"))
        after = self._change(req, server_id, body, lambda metadata: metadata | items)
        reply(resp, {"metadata": after})

    def on_put(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """Replace all of it."""
        body = body_of(req)
        items = _items(body.get("metadata"))
        reply(resp, {"metadata": self._change(req, server_id, body, lambda _: items)})

    def on_get_item(
        self, req: falcon.Request, resp: falcon.Response, server_id: str, key: str
    ) -> None:
        """Show one item."""
        metadata = self._of(req, server_id)
        if key not in metadata:
            raise _missing()
        reply(resp, {"meta": {key: metadata[key]}})

    def on_put_item(
        self, req: falcon.Request, resp: falcon.Response, server_id: str, key: str
    ) -> None:
        """Add or change one item."""
        body = body_of(req)
        item = _items(body.get("meta"))
        if list(item) != [key]:
            raise BadRequest("Request body and URI mismatch")
        self._change(req, server_id, body, lambda metadata: metadata | item)
        reply(resp, {"meta": item})

    def on_delete_item(
        self, req: falcon.Request, resp: falcon.Response, server_id: str, key: str
    ) -> None:
        """Remove one item."""

        def without(metadata: Metadata) -> Metadata:
            if key not in metadata:
                raise _missing()
            return {name: value for name, value in metadata.items() if name != key}

        self._change(req, server_id, None, without)
        accepted(resp, 204)

    def _of(self, req: falcon.Request, server_id: str) -> Metadata:
        with self._world.transaction():
            return dict(self._commands.server(server_id, call_of(req).caller).metadata)

    def _change(
        self,
        req: falcon.Request,
        server_id: str,
        body: Json | None,
        change: Callable[[Metadata], Metadata],
    ) -> Metadata:
        caller = call_of(req).caller
        with self._world.transaction() as now:
            server = self._commands.server(server_id, caller)
            after = change(server.metadata)
            if len(after) > _QUOTA:
                raise ApiForbidden("Maximum number of metadata items exceeds quota")
            self._commands.replace_metadata(server, after, caller, now)
            note(self._world, req, body, now, server_id=server_id)
        return after


def _items(given: object) -> Metadata:
    if not isinstance(given, dict) or not all(map(_is_item, given.items())):
        raise BadRequest(f"Invalid input for field/attribute metadata. Value: {given}.")
    return given


def _is_item(item: tuple[object, object]) -> bool:
    key, value = item
    return (
        isinstance(key, str)
        and isinstance(value, str)
        and 0 < len(key) <= _LONGEST
        and len(value) <= _LONGEST
    )


def _missing() -> ApiNotFound:
    return ApiNotFound("Metadata item was not found")
