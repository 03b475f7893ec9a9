"""The simulated block storage: backends, pools, types, volumes, snapshots.

Everything is derived from the cloud's seed and servers; the state file has only what migrations and
retypes have changed. Attachments follow the servers: the host is where the server is, and a volume
of a server that was deleted is available again.
"""

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from infrastructure.simulator.core.errors import ApiNotFound
from infrastructure.simulator.core.model import Operation, Server, VolumeChange
from infrastructure.simulator.core.people import ADMIN, ADMIN_PROJECT
from infrastructure.simulator.core.world import World

_NAMESPACE = uuid.UUID("c1d1f6b0-7c0a-5f0e-8b5e-6a0c5a1d3e77")
_SIZES = (10, 20, 50, 100, 200, 500)
_SIZE_WEIGHTS = (20, 25, 25, 18, 9, 3)
_WITH_VOLUME = 0.3  # share of servers that hold a volume
_WITH_SECOND = 0.15  # share of those that hold another
_DETACHED = 0.05  # detached volumes, as a share of the attached ones
_BOOTABLE = 0.4  # share of the detached that a server could boot from
_WITH_SNAPSHOT = 0.08
_USED_OF_THIN = 0.4  # share of a thin volume that is really written
_OVERSUBSCRIPTION = 20.0
MIGRATE, RETYPE = "migrate", "retype"
DEFAULT_TYPE = "__DEFAULT__"


@dataclass(frozen=True)
class Backend:
    """A cinder-volume service.

    Attributes:
        host: ``host@backend``.
        pools: names of its pools, with the share of the backend's volumes that each holds.
        room: pool capacity as a multiple of what is allocated in it.
        measurable: whether it reports its capacity; otherwise it reports ``unknown``.
    """

    host: str
    pools: Mapping[str, float]
    thin: bool
    room: float
    protocol: str
    share: float
    measurable: bool = True

    @property
    def name(self) -> str:
        """The backend name that volume types refer to."""
        return self.host.partition("@")[2]


BACKENDS = (
    Backend("storage-1@ssd", {"fast": 1.0}, thin=True, room=0.8, protocol="ceph", share=0.45),
    Backend(
        "storage-1@hdd",
        {"bulk-1": 0.8, "bulk-2": 0.2},
        thin=False,
        room=1.25,
        protocol="iSCSI",
        share=0.45,
    ),
    Backend(
        "storage-2@archive",
        {"archive": 1.0},
        thin=True,
        room=1.0,
        protocol="nfs",
        share=0.1,
        measurable=False,
    ),
)


@dataclass(frozen=True)
class VolumeType:
    """A volume type; ``backend`` is empty when any will do."""

    id: str
    name: str
    backend: str
    public: bool = True


@dataclass(frozen=True)
class Volume:
    """A volume. ``server_id`` is empty for one that was never attached."""

    id: str
    name: str
    size: int
    pool: str
    kind: VolumeType
    created: float
    project_id: str
    user_id: str
    server_id: str = ""
    device: str = ""
    attachment_id: str = ""
    bootable: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VolumeSnapshot:
    """A snapshot of a volume."""

    id: str
    name: str
    volume: Volume
    created: float


@dataclass(frozen=True)
class SimulatedPool:
    """A pool and what is allocated in it, GB."""

    name: str
    backend: Backend
    volumes: int
    allocated: int
    total: int

    @property
    def free(self) -> int:
        """What is physically free, GB."""
        used = self.allocated * (_USED_OF_THIN if self.backend.thin else 1.0)
        return max(self.total - int(used), 0)

    def takes(self, volume: Volume, kind: VolumeType) -> bool:
        """Whether the scheduler would place a volume of a type here."""
        limit = self.total * (_OVERSUBSCRIPTION if self.backend.thin else 1.0)
        return kind.backend in ("", self.backend.name) and self.allocated + volume.size <= limit


def _capacity(backend: Backend, allocated: int) -> int:
    """Capacity of a pool that is made for what is in it, GB: whole hundreds."""
    return -(-max(int(allocated * backend.room), 500) // 100) * 100


class Storage:
    """The block storage of a simulated cloud."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changes = {change.id: change for change in world.changes(VolumeChange)}

    @cached_property
    def kinds(self) -> tuple[VolumeType, ...]:
        """Volume types."""
        named = [(b.name, b.name, b.measurable) for b in BACKENDS]
        return tuple(
            VolumeType(self._uid("type", name), name, backend, public)
            for name, backend, public in [*named, (DEFAULT_TYPE, "", True)]
        )

    @cached_property
    def volumes(self) -> Mapping[str, Volume]:
        """Volumes by id, newest first."""
        made = {volume.id: volume for volume in self._first}
        for change in self._changes.values():
            kind = self.kind(change.kind)
            made[change.id] = replace(made[change.id], pool=change.pool, kind=kind)
        return made

    @cached_property
    def _first(self) -> tuple[Volume, ...]:
        """The volumes of a new cloud."""
        return tuple(sorted(self._made(), key=lambda volume: (-volume.created, volume.id)))

    @cached_property
    def snapshots(self) -> Mapping[str, VolumeSnapshot]:
        """Snapshots by id, newest first."""
        chance = random.Random(f"vigil-snapshots:{self._world.seed}")  # noqa: S311
        made = [
            VolumeSnapshot(self._uid("snapshot", v.id), f"of-{v.name}", v, v.created + 3600.0)
            for v in self.volumes.values()
            if chance.random() < _WITH_SNAPSHOT
        ]
        return {snapshot.id: snapshot for snapshot in made}

    @cached_property
    def pools(self) -> tuple[SimulatedPool, ...]:
        """Pools, by backend."""
        found = []
        for backend in BACKENDS:
            for name in backend.pools:
                full = f"{backend.host}#{name}"
                total = _capacity(backend, sum(v.size for v in self._first if v.pool == full))
                sizes = [v.size for v in self.volumes.values() if v.pool == full]
                found.append(SimulatedPool(full, backend, len(sizes), sum(sizes), total))
        return tuple(found)

    @cached_property
    def _held(self) -> Mapping[str, tuple[Volume, ...]]:
        held: dict[str, list[Volume]] = {}
        for volume in self.volumes.values():
            held.setdefault(volume.server_id, []).append(volume)
        return {
            server: tuple(sorted(volumes, key=lambda v: v.device))
            for server, volumes in held.items()
        }

    def of_server(self, server_id: str) -> tuple[Volume, ...]:
        """The volumes attached to a server, by device."""
        return self._held.get(server_id, ()) if server_id else ()

    def ids_on(self, server_id: str) -> list[str]:
        """Ids of the volumes attached to a server."""
        return [volume.id for volume in self.of_server(server_id)]

    def holder(self, volume: Volume) -> Server | None:
        """The server to which a volume is attached now."""
        server = self._world.servers.get(volume.server_id)
        return None if server is None or server.deleted else server

    def kind(self, name: str) -> VolumeType:
        """A volume type by name or id.

        Raises:
            ApiNotFound: there is none.
        """
        for kind in self.kinds:
            if name in (kind.name, kind.id):
                return kind
        raise ApiNotFound(f"Volume type with name {name} could not be found.")

    def operation(self, volume: Volume) -> Operation | None:
        """What is done to a volume now."""
        return self._world.operation_on(volume.id)

    def status(self, volume: Volume) -> str:
        """Cinder's status of a volume; one that is migrated while detached is locked."""
        operation = self.operation(volume)
        if operation is not None and operation.name == RETYPE:
            return "retyping"
        if self.holder(volume) is not None:
            return "in-use"
        return "available" if operation is None else "maintenance"

    def migration_status(self, volume: Volume) -> str | None:
        """Cinder's status of the migration in progress, or of the last one."""
        operation = self.operation(volume)
        if operation is not None and operation.name == MIGRATE:
            return "migrating"
        change = self._changes.get(volume.id)
        return None if change is None else change.migration

    def updated(self, volume: Volume) -> float:
        """When it was changed last, wall time."""
        change = self._changes.get(volume.id)
        return volume.created + 5.0 if change is None else change.updated

    def change(self, volume: Volume, at: float, **changes: str | None) -> None:
        """Store what became of a volume; None is a value."""
        found = self._changes.setdefault(
            volume.id,
            VolumeChange(id=volume.id, pool=volume.pool, kind=volume.kind.name, updated=at),
        )
        found.updated = at
        for name, value in changes.items():
            setattr(found, name, value)
        self._world.touch(found)
        for derived in ("volumes", "pools", "snapshots", "_held"):
            vars(self).pop(derived, None)

    @cached_property
    def zone(self) -> str:
        """The zone of the backends: the first of the hosts', as storage is shared by all."""
        return min((h.zone for h in self._world.hosts.values()), default="nova")

    @cached_property
    def born(self) -> float:
        """When the storage was set up: before the first server."""
        first = min((s.created for s in self._world.servers.values()), default=None)
        return (self._world.clock.anchor.wall if first is None else first) - 3600.0

    def _uid(self, kind: str, name: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self._world.seed}/{kind}/{name}"))

    def _made(self) -> Iterator[Volume]:
        chance = random.Random(f"vigil-volumes:{self._world.seed}")  # noqa: S311 - reproducible
        attached = 0
        for server in sorted(self._world.servers.values(), key=lambda s: (s.number, s.id)):
            if chance.random() >= _WITH_VOLUME:
                continue
            count = 2 if chance.random() < _WITH_SECOND else 1
            for number in range(count):
                attached += 1
                yield self._volume(chance, f"{server.name}-data-{number + 1}", server, number)
        if self._world.servers:
            for number in range(max(2, round(attached * _DETACHED))):
                yield self._volume(chance, f"spare-{number + 1}", None, 0)

    def _volume(
        self, chance: random.Random, name: str, server: Server | None, number: int
    ) -> Volume:
        backend = chance.choices(BACKENDS, [b.share for b in BACKENDS])[0]
        pool = chance.choices(list(backend.pools), list(backend.pools.values()))[0]
        own = next(kind for kind in self.kinds if kind.backend == backend.name)
        any_kind = self.kinds[-1]
        key = server.id if server else "spare"
        return Volume(
            id=self._uid("volume", f"{key}/{name}"),
            name=name,
            size=chance.choices(_SIZES, _SIZE_WEIGHTS)[0],
            pool=f"{backend.host}#{pool}",
            kind=any_kind if chance.random() < 0.1 else own,  # noqa: PLR2004 - some do not mind
            created=(server.created if server else self.born) + 60.0 * (number + 1),
            project_id=server.project_id if server else ADMIN_PROJECT.id,
            user_id=server.user_id if server else ADMIN.id,
            server_id=server.id if server else "",
            device=f"/dev/vd{chr(ord('b') + number)}" if server else "",
            attachment_id=self._uid("attachment", f"{key}/{name}") if server else "",
            bootable=server is None and chance.random() < _BOOTABLE,
            metadata={"purpose": "data"} if server else {},
        )
