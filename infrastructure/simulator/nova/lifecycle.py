"""Advances the cloud to a time: applies every step due by then, in order of time.

Nothing runs in the background. Finish times are stored, so a restarted simulator goes on as if it
had never stopped.
"""

from infrastructure.simulator.core.model import (
    ACTIVE,
    OFFLOADED,
    PAUSED,
    SHELVED,
    STOPPED,
    Chore,
    Migration,
    Server,
)
from infrastructure.simulator.core.world import World
from infrastructure.simulator.nova import history, scheduler
from infrastructure.simulator.nova.migration_engine import SETTLE, MigrationEngine

# Simulated seconds that short operations take.
CHORE_SECONDS = {
    "stop": 1.0,
    "start": 1.0,
    "pause": 0.2,
    "unpause": 0.2,
    "shelve": 2.0,
    "unshelve": 2.0,
    "confirm": 0.5,
    "revert": 1.5,
    "delete": 0.5,
}

_SECOND_STEP = {"shelve": "offload", "confirm": "release", "revert": "release"}
"""Operations whose server accepts the next request only after a second step, ``SETTLE`` later."""

_STATE_AFTER = {"stop": STOPPED, "start": ACTIVE, "pause": PAUSED, "unpause": ACTIVE}
_EVENTS = {
    "stop": "compute_stop_instance",
    "start": "compute_start_instance",
    "pause": "compute_pause_instance",
    "unpause": "compute_unpause_instance",
    "shelve": "compute_shelve_instance",
    "offload": "compute_shelve_offload_instance",
    "unshelve": "compute_unshelve_instance",
    "confirm": "compute_confirm_resize",
    "revert": "compute_finish_revert_resize",
    "delete": "compute_terminate_instance",
}


class Lifecycle:
    """Applies what is due."""

    def __init__(self, world: World, migrations: MigrationEngine) -> None:
        self.world, self.migrations = world, migrations
        world.on_advance(self.advance)

    def advance(self, now: float) -> None:
        """Apply every step due at or before `now`."""
        while True:
            step = self._earliest(now)
            if step is None:
                return
            if isinstance(step, Migration):
                self.migrations.step(step)
            else:
                self._do(step)

    def _earliest(self, now: float) -> Migration | Chore | None:
        due: list[tuple[float, int, Migration | Chore]] = [
            (m.next_at, m.id, m)
            for m in self.world.open.values()
            if m.next_at is not None and m.next_at <= now
        ]
        due += [(c.due, c.id, c) for c in self.world.chores.values() if c.due <= now]
        return min(due, key=lambda d: (d[0], d[1]))[2] if due else None

    def _do(self, chore: Chore) -> None:
        server = self.world.servers[chore.server_id]
        if server.deleted:  # it was deleted while this was on its way
            self.world.forget(chore)
            return
        fits = True
        match chore.operation:
            case "stop" | "start" | "pause" | "unpause":
                self._power(server, _STATE_AFTER[chore.operation], chore.due)
            case "shelve":
                server.vm_state, server.task_state = SHELVED, "shelving_offloading"
                self.world.changed(server, chore.due)
            case "offload":
                self.world.ledger.drop(server.id)
                server.vm_state, server.task_state = OFFLOADED, None
                self.world.move(server, "", chore.due)
            case "unshelve":
                fits = self._unshelve(server, chore.due)
            case "confirm" | "revert":
                keep = chore.operation == "confirm"
                self.migrations.settle_cold(server, chore.due, keep=keep)
            case "release":
                self._power(server, server.old_vm_state, chore.due)
            case "delete":
                self._delete(server, chore.due)
        self._record(chore, server, fits=fits)
        second = _SECOND_STEP.get(chore.operation)
        if second is not None:
            due = self.world.clock.wall_after(chore.due, SETTLE)
            self.world.add_chore(server.id, second, due, chore.request_id)
        self.world.forget(chore)

    def _power(self, server: Server, vm_state: str, at: float) -> None:
        server.vm_state, server.task_state = vm_state, None
        self.world.changed(server, at)

    def _unshelve(self, server: Server, at: float) -> bool:
        """Bring it up where it fits; leave it shelved when it fits nowhere."""
        flavor = self.world.flavors[server.flavor]
        host = scheduler.choose(self.world, server, flavor)
        server.task_state = None
        if host is None:
            self.world.changed(server, at)
            return False
        server.vm_state = ACTIVE
        self.world.allocate(server.id, host.name, flavor.resources)
        self.world.move(server, host.name, at)
        return True

    def _delete(self, server: Server, at: float) -> None:
        for migration in self.world.migrations_of.get(server.id, []):
            if migration.active:
                self.migrations.withdraw(migration, at)
        server.deleted, server.task_state = True, None
        self.world.ledger.drop(server.id)
        self.world.by_host.get(server.host, set()).discard(server.id)
        self.world.changed(server, at)

    def _record(self, chore: Chore, server: Server, *, fits: bool) -> None:
        record = history.find(self.world, server.id, chore.request_id)
        if record is None:
            return
        if not fits:
            record.message = "Error"
            controller, failed = history.CONTROLLER, "conductor_unshelve_instance"
            history.add(self.world, record, failed, controller, chore.due, "Error")
            return
        event = _EVENTS.get(chore.operation)
        if event is not None:
            history.add(self.world, record, event, server.host or None, chore.due)
