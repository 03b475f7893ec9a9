"""The state of the simulated cloud, its lock, and how changes reach the state file."""

import secrets
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from infrastructure.simulator.core.clock import Anchor, SimulatedClock
from infrastructure.simulator.core.errors import ServerFault
from infrastructure.simulator.core.ledger import PlacementLedger
from infrastructure.simulator.core.model import (
    Chore,
    Cluster,
    Flavor,
    Host,
    HostAggregate,
    InstanceAction,
    JournalEntry,
    Migration,
    NodeChange,
    Operation,
    PlacementChange,
    Resources,
    Server,
    ServerGroup,
    VolumeChange,
)
from infrastructure.simulator.core.store import Row, StateStore
from infrastructure.simulator.core.timeline import Timeline

T = TypeVar("T", bound=msgspec.Struct)
Record = (
    Server
    | Host
    | Migration
    | InstanceAction
    | Chore
    | Operation
    | VolumeChange
    | NodeChange
    | JournalEntry
    | PlacementChange
)
_ORIGIN = "origin"


class Origin(msgspec.Struct, kw_only=True):
    """What a restart needs besides the records."""

    cluster: Cluster
    simulated: float
    wall: float
    speed: float
    secret: bytes


def _key(record: Record) -> str:
    match record:
        case InstanceAction():
            return f"{record.server_id}/{record.request_id}"
        case JournalEntry() | PlacementChange():
            return f"{record.number:09d}"
        case _:
            return str(record.id)


class World:
    """Everything that exists. Use it inside `transaction()` only."""

    def __init__(self, origin: Origin, clock: SimulatedClock, store: StateStore) -> None:
        self.clock, self.store = clock, store
        self.secret, self.seed = origin.secret, origin.cluster.seed
        self._lock = threading.RLock()
        self._closed = False
        self._dirty: dict[tuple[str, str], Record] = {}
        self._gone: set[tuple[str, str]] = set()
        self._advances: list[Callable[[float], None]] = []
        cluster = origin.cluster
        self.flavors: dict[str, Flavor] = {f.id: f for f in cluster.flavors}
        self.hosts: dict[str, Host] = {h.name: h for h in cluster.hosts}
        self.servers: dict[str, Server] = {s.id: s for s in cluster.servers}
        self.groups: list[ServerGroup] = cluster.groups
        self.aggregates: list[HostAggregate] = cluster.aggregates
        self._bookings = cluster.bookings
        self.migrations: dict[int, Migration] = {}
        self.migrations_of: dict[str, list[Migration]] = {}
        self.open: dict[int, Migration] = {}
        self.actions: dict[str, list[InstanceAction]] = {}
        self.chores: dict[int, Chore] = {}
        self.operations: dict[int, Operation] = {}
        self.journal: list[JournalEntry] = []
        self.moments = 0
        self.group_of = {m: g for g in cluster.groups for m in g.members}
        self.timeline = Timeline(cluster.hosts, cluster.servers)
        self.timeline.start({s.id: s.host if s.running else None for s in cluster.servers})

    def on_advance(self, advance: Callable[[float], None]) -> None:
        """Add what brings a part of the state up to a time; called first in every transaction."""
        self._advances.append(advance)

    def resume(self) -> None:
        """Load the records of the state file and rebuild what is derived from them."""
        for host in self._read("Host", Host):
            self.hosts[host.name] = host
        for server in self._read("Server", Server):
            self.servers[server.id] = server
        for migration in sorted(self._read("Migration", Migration), key=lambda m: m.id):
            self.add_migration(migration)
        for action in sorted(self._read("InstanceAction", InstanceAction), key=lambda a: a.start):
            self.actions.setdefault(action.server_id, []).append(action)
        self.chores = {c.id: c for c in self._read("Chore", Chore)}
        self.operations = {o.id: o for o in self._read("Operation", Operation)}
        self.journal = sorted(self._read("JournalEntry", JournalEntry), key=lambda e: e.number)
        for moment in sorted(self._read("Moment", PlacementChange), key=lambda m: m.number):
            self.moments = moment.number
            self.timeline.place(moment.at, moment.server_id, moment.host)
        self._dirty.clear()

    def changes(self, of: type[T]) -> list[T]:
        """The records of a kind in the state file."""
        return self._read(of.__name__, of)

    def _read(self, kind: str, of: type[T]) -> list[T]:
        return [msgspec.json.decode(body, type=of) for body in self.store.read(kind)]

    def settle(self) -> None:
        """Derive indices and allocations from the records."""
        self.by_host: dict[str, set[str]] = {name: set() for name in self.hosts}
        self.ledger = PlacementLedger(self.hosts.values())
        self.host_by_id = {h.id: h for h in self.hosts.values()}
        for server in self.servers.values():
            if not server.deleted and server.host:
                self.by_host[server.host].add(server.id)
                self.ledger.put(server.id, server.host, self.flavors[server.flavor].resources)
        for booking in self._bookings:
            self.ledger.put(booking.consumer, booking.host, booking.resources)
        for migration in self.migrations.values():
            self.hold(migration)
        self.order = sorted(
            self.servers.values(), key=lambda s: (s.created, s.number), reverse=True
        )
        self.position = {s.id: i for i, s in enumerate(self.order)}

    def hold(self, migration: Migration) -> None:
        """Book both sides of a migration in progress: the server's new one, and its old one."""
        if migration.active and migration.dest is not None:
            old, new = self.flavors[migration.old_flavor], self.flavors[migration.new_flavor]
            here = self.servers[migration.server_id].host
            dest = migration.dest if here == migration.source else here
            self.ledger.put(migration.uuid, migration.source, old.resources)
            self.ledger.put(migration.server_id, dest, new.resources)

    def allocate(self, consumer: str, host: str, resources: Resources) -> None:
        """Store an allocation. As in Placement, the generation rises; a deletion leaves it."""
        self.ledger.put(consumer, host, resources)
        self.hosts[host].generation += 1
        self.touch(self.hosts[host])

    @contextmanager
    def transaction(self) -> Iterator[float]:
        """Lock the state at one instant; changes are on disk when it ends.

        They are also saved if it ends with an error response: Nova records those too.

        Raises:
            ServerFault: when the simulator is being stopped.
        """
        with self._lock:
            if self._closed:
                raise ServerFault("the simulator is stopping", 503)
            now = self.clock.now()
            for advance in self._advances:
                advance(now)
            try:
                yield now
            finally:
                self._flush()

    def close(self) -> None:
        """Close the state file; further requests are refused."""
        with self._lock:
            self._closed = True
            self.store.close()

    def touch(self, record: Record) -> None:
        """Mark a record as new or changed."""
        if isinstance(record, Migration):
            self._sort_open(record)
        self._dirty[type(record).__name__, _key(record)] = record

    def _sort_open(self, migration: Migration) -> None:
        if migration.active or migration.next_at is not None:
            self.open[migration.id] = migration
        else:
            self.open.pop(migration.id, None)

    def forget(self, record: Chore | Operation) -> None:
        """Mark a record as removed."""
        (self.chores if isinstance(record, Chore) else self.operations).pop(record.id, None)
        key = (type(record).__name__, _key(record))
        self._dirty.pop(key, None)
        self._gone.add(key)

    def _flush(self) -> None:
        if self._dirty or self._gone:
            rows: list[Row] = [
                (kind, key, msgspec.json.encode(r)) for (kind, key), r in self._dirty.items()
            ]
            self.store.save(rows, self._gone)
            self._dirty.clear()
            self._gone.clear()

    def add_migration(self, migration: Migration) -> None:
        """Register a migration."""
        self.migrations[migration.id] = migration
        self.migrations_of.setdefault(migration.server_id, []).append(migration)
        self.touch(migration)

    def add_action(self, action: InstanceAction) -> None:
        """Register an instance action."""
        self.actions.setdefault(action.server_id, []).append(action)
        self.touch(action)

    def add_chore(self, server_id: str, operation: str, due: float, request_id: str) -> None:
        """Register a short operation on a server."""
        number = max(self.chores, default=0) + 1
        chore = Chore(
            id=number, server_id=server_id, operation=operation, due=due, request_id=request_id
        )
        self.chores[number] = chore
        self.touch(chore)

    def add_operation(
        self, resource: str, name: str, wanted: str, due: float | None, outcome: str = ""
    ) -> Operation:
        """Register what Cinder or Ironic does to a volume or a node."""
        number = max(self.operations, default=0) + 1
        operation = Operation(
            id=number, resource=resource, name=name, wanted=wanted, due=due, outcome=outcome
        )
        self.operations[number] = operation
        self.touch(operation)
        return operation

    def operation_on(self, resource: str) -> Operation | None:
        """What is done to a volume or a node now."""
        return next((o for o in self.operations.values() if o.resource == resource), None)

    def log(self, entry: JournalEntry) -> None:
        """Append to the journal of accepted requests."""
        self.journal.append(entry)
        self.touch(entry)

    def move(self, server: Server, host: str, at: float) -> None:
        """Place a server on a host now; "" means on none."""
        if server.host:
            self.by_host[server.host].discard(server.id)
        server.host = host
        if host:
            self.by_host[host].add(server.id)
        self.changed(server, at)

    def changed(self, server: Server, at: float) -> None:
        """Mark a server as changed and update the load of hosts."""
        server.updated = at
        self.touch(server)
        where = server.host if server.running else None
        moment = PlacementChange(
            number=self.moments + 1,
            at=self.clock.simulated(at),
            server_id=server.id,
            host=where,
        )
        if self.timeline.host_of(server.id) != where:
            self.moments += 1
            self.timeline.place(moment.at, server.id, where)
            self.touch(moment)

    def next_migration_id(self) -> int:
        """The next number; ids are dense and never used twice."""
        return len(self.migrations) + 1

    def stable_uuid(self, kind: str, number: int) -> str:
        """A UUID that follows from the seed."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"vigil-simulator/{self.seed}/{kind}/{number}"))


def open_world(
    state_file: Path | None, speed: float, make: Callable[[SimulatedClock], Cluster]
) -> World:
    """Resume from the state file, or make a new cloud (and write it there)."""
    store = StateStore(state_file)
    clock = SimulatedClock(speed)
    if store.empty:
        origin = Origin(
            cluster=make(clock),
            simulated=0.0,
            wall=clock.now(),
            speed=speed,
            secret=secrets.token_bytes(32),
        )
        clock.anchor = Anchor(origin.wall, 0.0)
        store.save([(_ORIGIN, _ORIGIN, msgspec.json.encode(origin))])
        world = World(origin, clock, store)
    else:
        origin = msgspec.json.decode(next(store.read(_ORIGIN)), type=Origin)
        if origin.speed != speed:
            _reanchor(origin, speed, clock.now())
            store.save([(_ORIGIN, _ORIGIN, msgspec.json.encode(origin))])
        clock.anchor = Anchor(origin.wall, origin.simulated)
        world = World(origin, clock, store)
        world.resume()
    world.settle()
    return world


def _reanchor(origin: Origin, speed: float, now: float) -> None:
    """Keep simulated time continuous when a cloud is resumed at another speed."""
    origin.simulated += (now - origin.wall) * origin.speed
    origin.wall, origin.speed = now, speed
