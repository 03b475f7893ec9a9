"""How migrations proceed: a small state machine per record, stepped at stored wall times.

live:  accepted -> (queued) -> preparing -> running -> completed | failed | cancelled
       (the server is ACTIVE at its destination a moment before the record is completed)
cold:  accepted -> pre-migrating -> migrating -> post-migrating -> finished -> (user) -> confirmed
       (the record is confirmed a moment before the server leaves VERIFY_RESIZE)
either may end in `error` when the scheduler finds no host.
"""

from infrastructure.simulator.core.errors import ApiError, BadRequest
from infrastructure.simulator.core.model import LIVE, RESIZED, Host, Migration, Server
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova import history, scheduler

# Simulated seconds.
CONDUCTOR = 0.2
PREPARE = 0.3
ABORT = 0.3
SETTLE = 0.5
_BASE = 2.0
_MB_PER_SECOND = 1024.0
_SLOT_TAKEN = ("preparing", "running", "post-migrating")


def duration(world: World, migration: Migration) -> float:
    """How long the copying takes: 2 s and 1 GiB of memory per second, simulated."""
    return _BASE + world.flavors[migration.old_flavor].ram_mb / _MB_PER_SECOND


class MigrationEngine:
    """Steps migration records."""

    def __init__(self, world: World, live_slots: int) -> None:
        self.world, self.live_slots = world, live_slots

    def step(self, migration: Migration) -> None:
        """Take the step that is due at the migration's `next_at`."""
        at = migration.next_at
        if at is None:
            return
        migration.next_at, migration.updated = None, at
        self.world.touch(migration)
        match migration.status:
            case "accepted":
                self._schedule_late(migration, at)
            case "preparing":
                self._run(migration, at)
            case "running":
                self._end_live(migration, at)
            case "pre-migrating" | "migrating" | "post-migrating":
                self._step_cold(migration, at)
            case _:  # a record of an older simulator
                migration.next_at = None
        self.world.touch(migration)

    def _schedule_late(self, migration: Migration, at: float) -> None:
        try:
            self.schedule(migration, at)
        except ApiError:
            history.finish(self.world, migration, at, error=True)

    def schedule(self, migration: Migration, at: float) -> None:
        """Find the destination and book it, or put the record in `error`.

        Raises:
            BadRequest: with Nova's message, when there is none.
        """
        server = self.world.servers[migration.server_id]
        try:
            host = self._destination(migration, server)
        except ApiError:
            migration.status, migration.updated, migration.next_at = "error", at, None
            self._release(server, at)
            self.world.touch(migration)
            raise
        migration.dest = host.name
        if migration.outcome == "error":
            self._fail(migration, server, "error", at)
            return
        self.world.hold(migration)
        self._book_generations(migration)
        history.scheduled(self.world, migration, at)
        if migration.kind == LIVE:
            self._enter_queue(migration, at)
        else:
            self._set(migration, "pre-migrating", at, 0.5)

    def _destination(self, migration: Migration, server: Server) -> Host:
        world = self.world
        flavor = world.flavors[migration.new_flavor]
        source = world.hosts[migration.source]
        if migration.kind == LIVE and not source.up:
            raise BadRequest(f"Compute service of {source.name} is unavailable at this time.")
        if migration.forced and migration.requested:
            host = world.hosts[migration.requested]
            if not host.up:
                raise BadRequest(f"Compute service of {host.name} is unavailable at this time.")
            if not world.ledger.fits(host, flavor.resources):
                raise BadRequest(f"Unable to move instance {server.id} to host {host.name}.")
            return host
        chosen = scheduler.choose(world, server, flavor, migration.requested)
        if chosen is None:
            raise BadRequest(scheduler.NO_VALID_HOST)
        return chosen

    def _book_generations(self, migration: Migration) -> None:
        for name in (migration.source, migration.dest):
            if name is not None:
                host = self.world.hosts[name]
                host.generation += 1
                self.world.touch(host)

    def _enter_queue(self, migration: Migration, at: float) -> None:
        busy = [
            m
            for m in self.world.open.values()
            if m.kind == LIVE
            and m.id != migration.id
            and m.source == migration.source
            and m.status in (*_SLOT_TAKEN, "queued")
        ]
        if len(busy) < self.live_slots:
            self._set(migration, "preparing", at, PREPARE)
        else:
            self._set(migration, "queued", at, None)

    def _run(self, migration: Migration, at: float) -> None:
        length = duration(self.world, migration)
        migration.running_since = at
        migration.running_until = self.world.clock.wall_after(at, length)
        wait: float | None = length
        if migration.outcome == "fail":
            wait = length * migration.fail_at
        elif migration.outcome == "hang":
            wait = None
        self._set(migration, "running", at, wait)

    def _set(self, migration: Migration, status: str, at: float, wait: float | None) -> None:
        migration.status, migration.updated = status, at
        migration.next_at = None if wait is None else self.world.clock.wall_after(at, wait)
        self.world.touch(migration)

    def _end_live(self, migration: Migration, at: float) -> None:
        server = self.world.servers[migration.server_id]
        if migration.landed:
            self._complete(migration, at)
        elif migration.outcome == "abort":
            self._fail(migration, server, "cancelled", at)
        elif migration.outcome == "fail":
            self._fail(migration, server, "failed", at)
        else:
            self._land(migration, server, at)
            return
        self._next_in_queue(migration.source, at)

    def _land(self, migration: Migration, server: Server, at: float) -> None:
        world = self.world
        host = migration.dest or migration.source
        if migration.outcome == "elsewhere":
            host = self._elsewhere(migration, server) or host
        world.allocate(server.id, host, world.flavors[server.flavor].resources)
        server.task_state = None
        server.consumer_generation += 1
        world.move(server, host, at)
        history.landed(world, migration, at)
        history.finish(world, migration, at)
        migration.landed = True
        self._set(migration, "running", at, SETTLE)

    def _complete(self, migration: Migration, at: float) -> None:
        """The source cleans up: only now is the record completed and the source's share free."""
        self.world.ledger.drop(migration.uuid)
        self._set(migration, "completed", at, None)

    def _elsewhere(self, migration: Migration, server: Server) -> str | None:
        if migration.landing:
            return migration.landing
        world = self.world
        flavor = world.flavors[server.flavor]
        others = [
            h.name
            for h in world.hosts.values()
            if h.name not in (migration.source, migration.dest)
            and not scheduler.why_not(world, server, flavor, h)
        ]
        return others[0] if others else None

    def _fail(self, migration: Migration, server: Server, status: str, at: float) -> None:
        world = self.world
        migration.status, migration.updated, migration.next_at = status, at, None
        world.ledger.drop(migration.uuid)
        back = world.flavors[migration.old_flavor]
        world.allocate(server.id, migration.source, back.resources)
        self._release(server, at)
        history.finish(world, migration, at, error=status in ("failed", "error"))
        world.touch(migration)

    def _release(self, server: Server, at: float) -> None:
        server.task_state = None
        self.world.changed(server, at)

    def _next_in_queue(self, source: str, at: float) -> None:
        queued = [
            m for m in self.world.open.values() if m.source == source and m.status == "queued"
        ]
        if queued:
            self._set(min(queued, key=lambda m: m.id), "preparing", at, PREPARE)

    def abort(self, migration: Migration, at: float) -> None:
        """Cancel a live migration: at once while it waits, soon once it runs."""
        if migration.status == "running":
            migration.outcome = "abort"
            self._set(migration, "running", at, ABORT)
            return
        was = migration.status
        self._fail(migration, self.world.servers[migration.server_id], "cancelled", at)
        if was != "queued":
            self._next_in_queue(migration.source, at)

    def withdraw(self, migration: Migration, at: float) -> None:
        """End a migration whose server is being deleted."""
        was = migration.status
        self.world.ledger.drop(migration.uuid)
        self._set(migration, "cancelled", at, None)
        if migration.kind == LIVE and was in _SLOT_TAKEN:
            self._next_in_queue(migration.source, at)

    def force_complete(self, migration: Migration, at: float) -> None:
        """Pause the server, so that the copying ends soon."""
        migration.running_until = self.world.clock.wall_after(at, ABORT)
        self._set(migration, "running", at, ABORT)

    def _step_cold(self, migration: Migration, at: float) -> None:
        server = self.world.servers[migration.server_id]
        match migration.status:
            case "pre-migrating":
                server.task_state = "resize_migrating"
                wait = duration(self.world, migration)
                if migration.outcome == "hang":
                    self._set(migration, "migrating", at, None)
                else:
                    share = migration.fail_at if migration.outcome == "fail" else 1.0
                    self._set(migration, "migrating", at, wait * share)
            case "migrating":
                if migration.outcome == "fail":
                    self._fail(migration, server, "error", at)
                    return
                self._arrive(migration, server, at)
                self._set(migration, "post-migrating", at, 0.5)
            case _:
                server.vm_state, server.task_state = RESIZED, None
                self._set(migration, "finished", at, None)
                history.landed(self.world, migration, at)
                history.finish(self.world, migration, at)
        self.world.changed(server, at)

    def _arrive(self, migration: Migration, server: Server, at: float) -> None:
        host = migration.dest or migration.source
        if migration.outcome == "elsewhere":
            host = self._elsewhere(migration, server) or host
            new = self.world.flavors[migration.new_flavor]
            self.world.allocate(server.id, host, new.resources)
        server.task_state = "resize_finish"
        server.flavor = migration.new_flavor
        self.world.move(server, host, at)

    def settle_cold(self, server: Server, at: float, *, keep: bool) -> None:
        """End the migration record of a resize: confirmed (`keep`) or reverted.

        As in Nova, the server keeps its state for a moment longer.
        """
        world = self.world
        for migration in world.migrations_of.get(server.id, []):
            if migration.status in ("confirming", "reverting"):
                world.ledger.drop(migration.uuid)
                if not keep:
                    server.flavor = migration.old_flavor
                    world.move(server, migration.source, at)
                    flavor = world.flavors[server.flavor]
                    world.allocate(server.id, server.host, flavor.resources)
                self._set(migration, "confirmed" if keep else "reverted", at, None)
        server.consumer_generation += 1
        world.changed(server, at)
