"""What a client may do to servers and services, with Nova's checks in Nova's order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infrastructure.simulator.core.caller import RequestContext, Version
from infrastructure.simulator.core.errors import ApiConflict, ApiError, ApiNotFound, BadRequest
from infrastructure.simulator.core.model import (
    ACTIVE,
    COLD,
    LIVE,
    LIVE_IN_PROGRESS,
    OFFLOADED,
    PAUSED,
    RESIZE,
    RESIZED,
    STOPPED,
    Host,
    Migration,
    Server,
)
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova import history
from infrastructure.simulator.nova.lifecycle import CHORE_SECONDS
from infrastructure.simulator.nova.migration_engine import CONDUCTOR, MigrationEngine

ASYNC_LIVE_MIGRATION: Version = (2, 34)
SCHEDULER_CHECKS_HOST: Version = (2, 30)
ABORT_QUEUED: Version = (2, 65)


# action: what it does, in which vm_states it may be asked for, the task_state meanwhile
CHORES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "os-stop": ("stop", (ACTIVE,), "powering-off"),
    "os-start": ("start", (STOPPED,), "powering-on"),
    "pause": ("pause", (ACTIVE,), "pausing"),
    "unpause": ("unpause", (PAUSED,), "unpausing"),
    "shelve": ("shelve", (ACTIVE, STOPPED, PAUSED), "shelving"),
    "unshelve": ("unshelve", (OFFLOADED,), "spawning"),
}


@dataclass(frozen=True)
class LiveMigration:
    """The body of os-migrateLive. `forced`: the host is not checked by the scheduler."""

    host: str | None
    forced: bool
    synchronous: bool


Doom = Callable[[Migration], None]  # lets injected faults mark a new migration


class NovaCommands:
    """Accepts or refuses requests; the lifecycle carries them out."""

    def __init__(self, world: World, migrations: MigrationEngine, doom: Doom) -> None:
        self.world, self.migrations, self.doom = world, migrations, doom

    def server(self, server_id: str, caller: RequestContext) -> Server:
        """A server that the caller may see.

        Raises:
            ApiNotFound: for everything else.
        """
        server = self.world.servers.get(server_id)
        visible = server is not None and (caller.is_admin or server.project_id == caller.project_id)
        if server is None or server.deleted or not visible:
            raise ApiNotFound(f"Instance {server_id} could not be found.")
        return server

    def live_migrate(
        self, server: Server, wish: LiveMigration, caller: RequestContext, now: float
    ) -> Migration:
        """Accept a live migration; a synchronous one is scheduled before the answer."""
        self._ready(server, "os-migrateLive", (ACTIVE, PAUSED), caller)
        self._known(wish.host)
        history.begin(self.world, server, "live-migration", *self._who(caller), now)
        migration = self._migration(server, LIVE, server.flavor, caller, now)
        migration.requested, migration.forced = wish.host, wish.forced
        server.task_state = "migrating"
        self.world.changed(server, now)
        if not wish.synchronous:
            return self._later(migration, now)
        try:
            self.migrations.schedule(migration, now)
        except ApiError:
            history.finish(self.world, migration, now, error=True)
            raise
        return migration

    def _later(self, migration: Migration, now: float) -> Migration:
        migration.next_at = self.world.clock.wall_after(now, CONDUCTOR)
        self.world.touch(migration)
        return migration

    def _known(self, host: str | None) -> None:
        if host is not None and host not in self.world.hosts:
            raise BadRequest(f"Compute host {host} could not be found.")

    def _who(self, caller: RequestContext) -> tuple[str, str, str]:
        return caller.request_id, caller.user_id, caller.project_id

    def _migration(
        self, server: Server, kind: str, flavor: str, caller: RequestContext, now: float
    ) -> Migration:
        number = self.world.next_migration_id()
        migration = Migration(
            id=number,
            uuid=self.world.stable_uuid("migration", number),
            server_id=server.id,
            kind=kind,
            source=server.host,
            status="accepted",
            created=now,
            updated=now,
            old_flavor=server.flavor,
            new_flavor=flavor,
            user_id=caller.user_id,
            project_id=caller.project_id,
            request_id=caller.request_id,
        )
        self.doom(migration)
        self.world.add_migration(migration)
        return migration

    def migrate(
        self, server: Server, host: str | None, caller: RequestContext, now: float
    ) -> Migration:
        """Accept a cold migration."""
        self._ready(server, "migrate", (ACTIVE, STOPPED), caller)
        self._known(host)
        if host == server.host:
            raise BadRequest("Cannot migrate to the host where the server exists.")
        history.begin(self.world, server, "migrate", *self._who(caller), now)
        return self._begin_cold(server, COLD, server.flavor, host, caller, now)

    def resize(self, server: Server, flavor: str, caller: RequestContext, now: float) -> Migration:
        """Accept a resize to another flavor."""
        self._ready(server, "resize", (ACTIVE, STOPPED), caller)
        if flavor not in self.world.flavors:
            raise BadRequest(f"Flavor {flavor} could not be found.")
        if flavor == server.flavor:
            raise BadRequest("When resizing, instances must change flavor!")
        history.begin(self.world, server, "resize", *self._who(caller), now)
        return self._begin_cold(server, RESIZE, flavor, None, caller, now)

    def _begin_cold(
        self,
        server: Server,
        kind: str,
        flavor: str,
        host: str | None,
        caller: RequestContext,
        now: float,
    ) -> Migration:
        migration = self._migration(server, kind, flavor, caller, now)
        migration.requested = host
        server.old_vm_state, server.task_state = server.vm_state, "resize_prep"
        self.world.changed(server, now)
        return self._later(migration, now)

    def settle_resize(
        self, server: Server, action: str, caller: RequestContext, now: float
    ) -> None:
        """Accept `confirmResize` or `revertResize`."""
        self._ready(server, action, (RESIZED,), caller)
        finished = [
            m for m in self.world.migrations_of.get(server.id, []) if m.status == "finished"
        ]
        if not finished:
            raise BadRequest("Instance has not been resized.")
        confirm = action == "confirmResize"
        finished[-1].status = "confirming" if confirm else "reverting"
        self.world.touch(finished[-1])
        self._chore(server, "confirm" if confirm else "revert", action, caller, now)
        if not confirm:
            server.task_state = "resize_reverting"
            self.world.changed(server, now)

    def begin_chore(self, server: Server, action: str, caller: RequestContext, now: float) -> None:
        """Accept one of `CHORES`."""
        operation, states, task = CHORES[action]
        self._ready(server, operation, states, caller)
        self._chore(server, operation, operation, caller, now)
        server.task_state = task
        self.world.changed(server, now)

    def lock(self, server: Server, reason: str | None, now: float) -> None:
        """Keep everyone but administrators from changing a server."""
        server.locked, server.locked_reason = True, reason
        self.world.changed(server, now)

    def unlock(self, server: Server, now: float) -> None:
        """Undo `lock`."""
        server.locked, server.locked_reason = False, None
        self.world.changed(server, now)

    def delete(self, server: Server, caller: RequestContext, now: float) -> None:
        """Accept the deletion of a server in any state."""
        self._locked(server, caller)
        self._chore(server, "delete", "delete", caller, now)
        server.task_state = "deleting"
        self.world.changed(server, now)

    def replace_metadata(
        self, server: Server, metadata: dict[str, str], caller: RequestContext, now: float
    ) -> None:
        """Change the metadata of a server that nothing else is happening to."""
        self._ready(server, "update metadata", (ACTIVE, PAUSED, STOPPED), caller)
        server.metadata = metadata
        self.world.changed(server, now)

    def _chore(
        self, server: Server, operation: str, action: str, caller: RequestContext, now: float
    ) -> None:
        due = self.world.clock.wall_after(now, CHORE_SECONDS[operation])
        history.begin(self.world, server, action, *self._who(caller), now)
        self.world.add_chore(server.id, operation, due, caller.request_id)

    def _ready(
        self, server: Server, action: str, vm_states: tuple[str, ...], caller: RequestContext
    ) -> None:
        self._locked(server, caller)
        refused = f"Cannot '{action}' instance {server.id} while it is in"
        if server.vm_state not in vm_states:
            raise ApiConflict(f"{refused} vm_state {server.vm_state}")
        if server.task_state is not None:
            raise ApiConflict(f"{refused} task_state {server.task_state}")

    def _locked(self, server: Server, caller: RequestContext) -> None:
        if server.locked and not caller.is_admin:
            raise ApiConflict(f"Instance {server.id} is locked")

    def in_progress(self, server: Server, migration_id: str) -> Migration:
        """One live migration of a server that is going on.

        Raises:
            ApiNotFound: when it is not.
        """
        for migration in self.world.migrations_of.get(server.id, []):
            going = migration.kind == LIVE and migration.status in LIVE_IN_PROGRESS
            if going and str(migration.id) == migration_id:
                return migration
        raise ApiNotFound(
            f"In-progress live migration {migration_id} is not found for server {server.id}."
        )

    def abort(
        self,
        server: Server,
        migration_id: str,
        version: Version,
        now: float,
        caller: RequestContext,
    ) -> Migration:
        """Cancel a live migration."""
        migration = self._controllable(server, migration_id, "abort live migration")
        allowed = {"running"} | ({"queued", "preparing"} if version >= ABORT_QUEUED else set())
        if migration.status not in allowed:
            raise self._bad_state(migration, "abort_live_migration")
        history.begin(self.world, server, "live_migration_cancel", *self._who(caller), now)
        self.migrations.abort(migration, now)
        return migration

    def force_complete(
        self, server: Server, migration_id: str, now: float, caller: RequestContext
    ) -> Migration:
        """Make a live migration end soon."""
        migration = self._controllable(server, migration_id, "force_complete")
        if migration.status != "running":
            raise self._bad_state(migration, "force_complete")
        history.begin(self.world, server, "live_migration_force_complete", *self._who(caller), now)
        self.migrations.force_complete(migration, now)
        return migration

    def _controllable(self, server: Server, migration_id: str, what: str) -> Migration:
        if server.task_state != "migrating":
            raise ApiConflict(f"Instance {server.id} is in an invalid state for '{what}'")
        for migration in self.world.migrations_of.get(server.id, []):
            if str(migration.id) == migration_id:
                return migration
        raise ApiNotFound(f"Migration {migration_id} for server {server.id} could not be found.")

    def _bad_state(self, migration: Migration, method: str) -> BadRequest:
        return BadRequest(
            f"Migration {migration.id} state of instance {migration.server_id} is "
            f"{migration.status}. Cannot {method} while the migration is in this state."
        )

    def service_host(self, service_id: str) -> Host:
        """The host of a nova-compute service, by the service's UUID."""
        for host in self.world.hosts.values():
            if host.service_id == service_id:
                return host
        raise ApiNotFound(f"Service {service_id} could not be found.")

    def update_service(self, host: Host, change: dict[str, Any], now: float) -> None:
        """Enable, disable or force down a nova-compute service."""
        status = change.get("status")
        reason = change.get("disabled_reason")
        if status is None and "forced_down" not in change:
            raise BadRequest(
                "No updates were requested. Fields 'status' or 'forced_down' should be specified."
            )
        if status == "enabled" and reason is not None:
            raise BadRequest("Specifying 'disabled_reason' with status 'enabled' is invalid.")
        if status is not None:
            host.status = status
            host.disabled_reason = reason if status == "disabled" else None
        host.forced_down = bool(change.get("forced_down", host.forced_down))
        host.changed_at = now
        host.generation += 1
        self.world.touch(host)
