"""What Cinder does to volumes: migrations and retypes."""

from infrastructure.simulator.cinder.storage import (
    BACKENDS,
    MIGRATE,
    RETYPE,
    SimulatedPool,
    Storage,
    Volume,
    VolumeType,
)
from infrastructure.simulator.core.errors import BadRequest
from infrastructure.simulator.core.faults import Faults
from infrastructure.simulator.core.model import Operation
from infrastructure.simulator.core.world import World

_SECONDS, _SECONDS_PER_GB = 2.0, 0.05  # simulated


class VolumeOperations:
    """Accepts requests, and ends what is due."""

    def __init__(self, world: World, storage: Storage, faults: Faults) -> None:
        self._world = world
        self._storage = storage
        self._faults = faults
        world.on_advance(self._advance)

    def migrate(self, volume: Volume, pool: str, now: float) -> None:
        """Accept the migration of a volume; the scheduler refuses a pool later.

        Raises:
            BadRequest: Cinder does not accept it.
        """
        self._idle(volume)
        if pool == volume.pool:
            raise BadRequest("Invalid host: Destination host must be different from current host.")
        if pool.partition("#")[0] not in {backend.host for backend in BACKENDS}:
            raise BadRequest(f"Invalid host: No available service named {pool}")
        if any(snapshot.volume.id == volume.id for snapshot in self._storage.snapshots.values()):
            raise BadRequest("Invalid volume: Volume must not have snapshots.")
        self._begin(volume, MIGRATE, pool, now)

    def retype(self, volume: Volume, name: str, policy: str, now: float) -> None:
        """Accept another type for a volume.

        Raises:
            ApiNotFound: there is no such type.
            BadRequest: Cinder does not accept it.
        """
        self._idle(volume)
        kind = self._storage.kind(name)
        if kind == volume.kind:
            raise BadRequest("Invalid input received: New volume_type same as original.")
        if policy not in ("never", "on-demand"):
            raise BadRequest(f"Invalid input received: invalid migration_policy {policy}")
        wanted = kind.name if policy == "on-demand" else f"{kind.name}:never"
        self._begin(volume, RETYPE, wanted, now)

    def _idle(self, volume: Volume) -> None:
        if self._storage.operation(volume) is not None:
            status = self._storage.status(volume)
            raise BadRequest(
                f"Invalid volume: Volume {volume.id} status must be available or in-use, but "
                f"current status is: {status}."
            )

    def _begin(self, volume: Volume, name: str, wanted: str, now: float) -> None:
        outcome = self._faults.outcome_of(volume.id)
        seconds = _SECONDS + _SECONDS_PER_GB * volume.size
        due = None if outcome == "hang" else self._world.clock.wall_after(now, seconds)
        self._world.add_operation(volume.id, name, wanted, due, outcome)
        self._storage.change(volume, now)

    def _advance(self, now: float) -> None:
        due = [o for o in self._world.operations.values() if o.due is not None and o.due <= now]
        for operation in sorted(due, key=lambda one: (one.due, one.id)):
            if operation.resource in self._storage.volumes:
                self._world.forget(operation)
                self._end(self._storage.volumes[operation.resource], operation)

    def _end(self, volume: Volume, operation: Operation) -> None:
        at = operation.due or 0.0
        failed = operation.outcome == "fail"
        if operation.name == MIGRATE:
            pool = next((p for p in self._storage.pools if p.name == operation.wanted), None)
            if failed or pool is None or not pool.takes(volume, volume.kind):
                self._storage.change(volume, at, migration="error")
            else:
                self._storage.change(volume, at, pool=pool.name, migration="success")
            return
        name, _, never = operation.wanted.partition(":")
        pool = None if failed else self._pool_for(volume, self._storage.kind(name))
        if pool is None or (never and pool.name != volume.pool):
            self._storage.change(volume, at)
        else:
            self._storage.change(volume, at, kind=name, pool=pool.name)

    def _pool_for(self, volume: Volume, kind: VolumeType) -> SimulatedPool | None:
        """Where a volume of another type would be: where it is if possible."""
        here = [pool for pool in self._storage.pools if pool.name == volume.pool]
        if kind.backend in ("", here[0].backend.name):
            return here[0]
        fitting = [pool for pool in self._storage.pools if pool.takes(volume, kind)]
        return max(fitting, key=lambda pool: (pool.free, pool.name), default=None)
