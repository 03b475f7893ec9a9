"""Nova: what may be done to a server (`POST /servers/{server_id}/action`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.errors import BadRequest
from infrastructure.simulator.core.http.calls import ApiRequest, Json, accepted, body_of, call_of
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.model import Migration, Server
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova.commands import (
    ASYNC_LIVE_MIGRATION,
    SCHEDULER_CHECKS_HOST,
    LiveMigration,
    NovaCommands,
)

_RULE = "os_compute_api:os-migrate-server"


@dataclass(frozen=True)
class ServerActionRequest:
    """An action as it was asked for."""

    commands: NovaCommands
    call: ApiRequest
    name: str
    server: Server
    given: Any
    now: float

    def properties(self, allowed: set[str], required: set[str]) -> Json:
        """What is given, as an object with these properties.

        Raises:
            BadRequest: it is not such an object.
        """
        given = self.given
        where = f"Invalid input for field/attribute {self.name}. Value: {given}."
        if not isinstance(given, dict):
            raise BadRequest(f"{where} {given!r} is not of type 'object'")
        for name in required - given.keys():
            raise BadRequest(f"{where} {name!r} is a required property")
        for name in given.keys() - allowed:
            raise BadRequest(
                f"{where} Additional properties are not allowed ({name!r} was unexpected)"
            )
        return given


def _live_migrate(wish: ServerActionRequest) -> Migration:
    wish.call.require_admin(f"{_RULE}:migrate_live")
    version = wish.call.version
    allowed = {"host", "block_migration"}
    if version < (2, 25):
        allowed |= {"disk_over_commit"}
    if (2, 30) <= version < (2, 68):
        allowed |= {"force"}
    given = wish.properties(allowed, allowed - {"force"})
    host = _host(given)
    forced = host is not None and (
        version < SCHEDULER_CHECKS_HOST or given.get("force") in (True, "true", "True")
    )
    asked = LiveMigration(host=host, forced=forced, synchronous=version < ASYNC_LIVE_MIGRATION)
    return wish.commands.live_migrate(wish.server, asked, wish.call.caller, wish.now)


def _host(given: Json) -> str | None:
    host = given.get("host")
    if host is not None and not isinstance(host, str):
        raise BadRequest(
            f"Invalid input for field/attribute host. Value: {host}. "
            f"{host!r} is not of type 'string', 'null'"
        )
    return host or None


def _migrate(wish: ServerActionRequest) -> Migration:
    wish.call.require_admin(f"{_RULE}:migrate")
    host = None
    if wish.given is not None and wish.call.version >= (2, 56):
        host = _host(wish.properties({"host"}, set()))
    return wish.commands.migrate(wish.server, host, wish.call.caller, wish.now)


def _resize(wish: ServerActionRequest) -> Migration:
    given = wish.properties({"flavorRef", "OS-DCF:diskConfig"}, {"flavorRef"})
    flavor = str(given["flavorRef"]).rsplit("/", 1)[-1]
    return wish.commands.resize(wish.server, flavor, wish.call.caller, wish.now)


def _settle(wish: ServerActionRequest) -> None:
    wish.commands.settle_resize(wish.server, wish.name, wish.call.caller, wish.now)


def _chore(wish: ServerActionRequest) -> None:
    wish.commands.begin_chore(wish.server, wish.name, wish.call.caller, wish.now)


def _lock(wish: ServerActionRequest) -> None:
    reason = None
    if wish.given is not None and wish.call.version >= (2, 73):
        reason = wish.properties({"locked_reason"}, set()).get("locked_reason")
    wish.commands.lock(wish.server, reason, wish.now)


def _unlock(wish: ServerActionRequest) -> None:
    wish.commands.unlock(wish.server, wish.now)


Perform = Callable[[ServerActionRequest], Migration | None]

# action: since which microversion, the status of the answer, what it does
ACTIONS: dict[str, tuple[Version, int, Perform]] = {
    "os-migrateLive": ((2, 1), 202, _live_migrate),
    "migrate": ((2, 1), 202, _migrate),
    "resize": ((2, 1), 202, _resize),
    "confirmResize": ((2, 1), 204, _settle),
    "revertResize": ((2, 1), 202, _settle),
    "os-stop": ((2, 1), 202, _chore),
    "os-start": ((2, 1), 202, _chore),
    "pause": ((2, 1), 202, _chore),
    "unpause": ((2, 1), 202, _chore),
    "shelve": ((2, 1), 202, _chore),
    "unshelve": ((2, 1), 202, _chore),
    "lock": ((2, 1), 202, _lock),
    "unlock": ((2, 1), 202, _unlock),
}


class ServerActionResource:
    """The path `/servers/{server_id}/action`."""

    def __init__(self, world: World, commands: NovaCommands) -> None:
        self._world = world
        self._commands = commands

    def on_post(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """Do something to the server."""
        call, body = call_of(req), body_of(req)
        name = next(iter(body), "")
        since, status, perform = ACTIONS.get(name, ((9, 9), 400, _lock))
        if len(body) != 1 or call.version < since:
            raise BadRequest(f"There is no such action: {name}")
        commands = self._commands
        with self._world.transaction() as now:
            server = commands.server(server_id, call.caller)
            migration = perform(ServerActionRequest(commands, call, name, server, body[name], now))
            note(
                self._world,
                req,
                body,
                now,
                server_id=server_id,
                target=migration.requested if migration else None,
                migration_uuid=migration.uuid if migration else None,
            )
        accepted(resp, status)
