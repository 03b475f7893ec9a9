"""Nova: migrations of one server, and of all."""

from collections.abc import Callable, Iterable

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.clock import iso_micro
from infrastructure.simulator.core.errors import ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import (
    ApiRequest,
    Json,
    accepted,
    body_of,
    call_of,
    next_link,
    query,
    reply,
)
from infrastructure.simulator.core.http.journal import note
from infrastructure.simulator.core.http.paging import page_size
from infrastructure.simulator.core.http.times import parsed
from infrastructure.simulator.core.model import LIVE, LIVE_IN_PROGRESS, Migration
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova.commands import NovaCommands

_MIB = 1024 * 1024
_WITH_UUID: Version = (2, 59)
_WITH_USER: Version = (2, 80)
_PAGED: Version = (2, 59)
_FILTERS = {
    "hidden",
    "host",
    "instance_uuid",
    "source_compute",
    "status",
    "migration_type",
}
_PAGING = {"limit", "marker", "changes-since"}


def _shared(migration: Migration) -> Json:
    return {
        "source_compute": migration.source,
        "dest_compute": migration.dest,
        # nova-compute notes the nodes; a migration that never reached it has none
        "source_node": migration.source if _reached_compute(migration) else None,
        "dest_node": migration.dest,
        "dest_host": None,
        "created_at": iso_micro(migration.created),
        "updated_at": iso_micro(migration.updated),
        "id": migration.id,
        "status": migration.status,
    }


def _reached_compute(migration: Migration) -> bool:
    return migration.kind != LIVE or migration.dest is not None


def progress(world: World, migration: Migration, version: Version, now: float) -> Json:
    """A live migration in progress, with what it has copied."""
    total = copied = None
    if migration.running_since is not None and migration.running_until is not None:
        total = world.flavors[migration.old_flavor].ram_mb * _MIB
        span = max(migration.running_until - migration.running_since, 1e-6)
        share = min(1.0, max(0.0, (now - migration.running_since) / span))
        copied = max(1, min(total - 1, int(total * share)))
    shown = _shared(migration) | {
        "server_uuid": migration.server_id,
        "memory_total_bytes": total,
        "memory_processed_bytes": copied,
        "memory_remaining_bytes": None if total is None or copied is None else total - copied,
        "disk_total_bytes": None,
        "disk_processed_bytes": None,
        "disk_remaining_bytes": None,
    }
    return shown | _identity(migration, version)


def _identity(migration: Migration, version: Version) -> Json:
    shown: Json = {}
    if version >= _WITH_UUID:
        shown["uuid"] = migration.uuid
    if version >= _WITH_USER:
        shown |= {"user_id": migration.user_id, "project_id": migration.project_id}
    return shown


class ServerMigrationsResource:
    """The paths `/servers/{server_id}/migrations...`: live ones that are going on."""

    def __init__(self, world: World, commands: NovaCommands) -> None:
        self._world = world
        self._commands = commands

    def on_get(self, req: falcon.Request, resp: falcon.Response, server_id: str) -> None:
        """List them."""
        call = self._allowed(req, "index", (2, 23))
        world = self._world
        with world.transaction() as now:
            server = self._commands.server(server_id, call.caller)
            shown = [
                progress(world, m, call.version, now)
                for m in world.migrations_of.get(server.id, [])
                if m.kind == LIVE and m.status in LIVE_IN_PROGRESS
            ]
        reply(resp, {"migrations": shown})

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, server_id: str, migration_id: str
    ) -> None:
        """Show one."""
        call = self._allowed(req, "show", (2, 23))
        commands = self._commands
        with self._world.transaction() as now:
            server = commands.server(server_id, call.caller)
            migration = commands.in_progress(server, migration_id)
            shown = progress(self._world, migration, call.version, now)
        reply(resp, {"migration": shown})

    def on_delete_one(
        self, req: falcon.Request, resp: falcon.Response, server_id: str, migration_id: str
    ) -> None:
        """Abort one."""
        call = self._allowed(req, "delete", (2, 24))
        commands = self._commands
        with self._world.transaction() as now:
            server = commands.server(server_id, call.caller)
            migration = commands.abort(server, migration_id, call.version, now, call.caller)
            self._note(req, None, now, migration)
        accepted(resp)

    def on_post_action(
        self, req: falcon.Request, resp: falcon.Response, server_id: str, migration_id: str
    ) -> None:
        """Force one to complete."""
        call = self._allowed(req, "force_complete", (2, 22))
        body = body_of(req)
        if list(body) != ["force_complete"]:
            raise BadRequest(f"There is no such action: {next(iter(body), '')}")
        commands = self._commands
        with self._world.transaction() as now:
            server = commands.server(server_id, call.caller)
            migration = commands.force_complete(server, migration_id, now, call.caller)
            self._note(req, body, now, migration)
        accepted(resp)

    def _note(
        self, req: falcon.Request, body: Json | None, now: float, migration: Migration
    ) -> None:
        world = self._world
        uuid, server_id = migration.uuid, migration.server_id
        note(world, req, body, now, server_id=server_id, migration_uuid=uuid)

    def _allowed(self, req: falcon.Request, rule: str, since: Version) -> ApiRequest:
        call = call_of(req)
        if call.version < since:
            raise ApiNotFound("The resource could not be found.")
        call.require_admin(f"os_compute_api:servers:migrations:{rule}")
        return call


class MigrationsResource:
    """The path `/os-migrations`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List every migration there ever was."""
        call = call_of(req)
        call.require_admin("os_compute_api:os-migrations:index")
        asked = query(req)
        self._check(asked, call.version)
        paged = call.version >= _PAGED
        with self._world.transaction():
            found = self._found(asked, newest_first=paged)
            limit = page_size(req) if paged else len(found)
            page = found[:limit]
            shown = [self._shown(req, m, call.version) for m in page]
        body: Json = {"migrations": shown}
        full = len(page) == limit and "limit" in asked
        if paged and page and (full or len(found) > limit):
            body["migrations_links"] = next_link(req, f"{req.prefix}/compute", page[-1].uuid)
        reply(resp, body)

    def _check(self, asked: dict[str, str], version: Version) -> None:
        if version < _PAGED:
            return
        known = _FILTERS | _PAGING
        known |= {"changes-before"} if version >= (2, 66) else set()
        known |= {"user_id", "project_id"} if version >= _WITH_USER else set()
        for name in sorted(asked.keys() - known):
            raise BadRequest(f"Additional properties are not allowed ({name!r} was unexpected)")

    def _found(self, asked: dict[str, str], *, newest_first: bool) -> list[Migration]:
        tests = list(_tests(asked))
        migrations: Iterable[Migration] = self._world.migrations.values()
        found = [m for m in migrations if all(test(m) for test in tests)]
        found.sort(key=lambda m: (m.created, m.id), reverse=newest_first)
        marker = asked.get("marker") if newest_first else None
        if marker is None:
            return found
        places = [place for place, m in enumerate(found) if m.uuid == marker]
        if not places:
            raise BadRequest(f"Marker {marker} could not be found.")
        return found[places[0] + 1 :]

    def _shown(self, req: falcon.Request, migration: Migration, version: Version) -> Json:
        world = self._world
        shown = _shared(migration) | {
            "old_instance_type_id": world.flavors[migration.old_flavor].number,
            "new_instance_type_id": world.flavors[migration.new_flavor].number,
            "instance_uuid": migration.server_id,
        }
        if migration.kind != LIVE and migration.dest is not None:
            shown["dest_host"] = _address(world, migration.dest)
        if version < (2, 23):
            return shown
        shown["migration_type"] = migration.kind
        if migration.kind == LIVE and migration.status in LIVE_IN_PROGRESS:
            place = f"servers/{migration.server_id}/migrations/{migration.id}"
            shown["links"] = [
                {"rel": "self", "href": f"{req.prefix}/compute/v2.1/{place}"},
                {"rel": "bookmark", "href": f"{req.prefix}/compute/{place}"},
            ]
        return shown | _identity(migration, version)


def _address(world: World, host: str) -> str:
    return address(world.hosts[host].number)


def address(number: int) -> str:
    """The address of the n-th host: 10.x.y.z."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _tests(asked: dict[str, str]) -> Iterable[Callable[[Migration], bool]]:
    equal: dict[str, Callable[[Migration], object]] = {
        "instance_uuid": lambda m: m.server_id,
        "status": lambda m: m.status,
        "migration_type": lambda m: m.kind,
        "source_compute": lambda m: m.source,
        "user_id": lambda m: m.user_id,
        "project_id": lambda m: m.project_id,
    }
    for name, attribute in equal.items():
        if name in asked:
            yield lambda m, a=attribute, v=asked[name]: a(m) == v  # type: ignore[misc]
    if "host" in asked:
        host = asked["host"]
        yield lambda m: host in (m.source, m.dest)
    if "changes-since" in asked:
        since = parsed(asked["changes-since"])
        yield lambda m: m.updated >= since
    if "changes-before" in asked:
        before = parsed(asked["changes-before"])
        yield lambda m: m.updated <= before
