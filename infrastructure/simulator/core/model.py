"""What the simulated cloud is made of. Every entity is one JSON record in the state file."""

from typing import Any

import msgspec

ACTIVE, STOPPED, PAUSED, RESIZED, ERROR = "active", "stopped", "paused", "resized", "error"
SHELVED, OFFLOADED = "shelved", "shelved_offloaded"
_STATUS = {
    ACTIVE: "ACTIVE",
    STOPPED: "SHUTOFF",
    PAUSED: "PAUSED",
    SHELVED: "SHELVED",
    OFFLOADED: "SHELVED_OFFLOADED",
}

LIVE, COLD, RESIZE = "live-migration", "migration", "resize"

# Statuses in which Nova lists a live migration under /servers/{id}/migrations.
LIVE_IN_PROGRESS = frozenset({"accepted", "queued", "preparing", "running", "post-migrating"})
# Statuses in which a migration still holds its allocation on the source.
HOLDING = LIVE_IN_PROGRESS | {"pre-migrating", "migrating", "finished", "reverting", "confirming"}

Resources = tuple[int, int, int]  # vCPU, MiB, GiB


class Flavor(msgspec.Struct, frozen=True, kw_only=True):
    """A size of server."""

    id: str
    number: int
    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    extra_specs: dict[str, str] = {}

    @property
    def resources(self) -> Resources:
        """What one server of this flavor is allocated."""
        return (self.vcpus, self.ram_mb, self.disk_gb)


class ServerLoad(msgspec.Struct, frozen=True, kw_only=True):
    """A server's resource use: a mean with a slow, seeded oscillation.

    Args:
        cores: mean CPU use, cores.
        swing: amplitude around the mean, cores (never above the mean).
        period: seconds of simulated time.
        phase: radians.
        ram_mb: mean resident memory, MiB.
    """

    cores: float
    swing: float
    period: float
    phase: float
    ram_mb: float


class Host(msgspec.Struct, kw_only=True):
    """A hypervisor, its nova-compute service and its resource provider."""

    id: str
    number: int
    service_id: str
    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int
    cpu_ratio: float = 4.0
    ram_ratio: float = 1.0
    disk_ratio: float = 1.0
    vcpus_reserved: int = 0
    ram_reserved_mb: int = 4096
    disk_reserved_gb: int = 0
    zone: str = "nova"
    status: str = "enabled"
    disabled_reason: str | None = None
    forced_down: bool = False
    alive: bool = True
    changed_at: float = 0.0
    base_cores: float = 0.5
    base_ram_mb: float = 2048.0
    generation: int = 1

    @property
    def up(self) -> bool:
        """Whether Nova calls the service up."""
        return self.alive and not self.forced_down

    @property
    def capacity(self) -> tuple[float, float, float]:
        """What may be allocated: (total - reserved) x ratio of vCPU, MiB and GiB."""
        return (
            (self.vcpus - self.vcpus_reserved) * self.cpu_ratio,
            (self.ram_mb - self.ram_reserved_mb) * self.ram_ratio,
            (self.disk_gb - self.disk_reserved_gb) * self.disk_ratio,
        )


class Server(msgspec.Struct, kw_only=True):
    """A virtual machine. `host` is empty once it is offloaded."""

    id: str
    number: int
    name: str
    host: str
    flavor: str
    project_id: str
    user_id: str
    created: float
    updated: float
    load: ServerLoad
    vm_state: str = ACTIVE
    old_vm_state: str = ACTIVE
    task_state: str | None = None
    locked: bool = False
    locked_reason: str | None = None
    pinned_zone: str | None = None
    metadata: dict[str, str] = {}
    tags: list[str] = []
    description: str | None = None
    consumer_generation: int = 1
    deleted: bool = False

    @property
    def status(self) -> str:
        """Nova's one-word summary of vm_state and task_state."""
        task = self.task_state or ""
        if self.vm_state == RESIZED:
            return "REVERT_RESIZE" if task == "resize_reverting" else "VERIFY_RESIZE"
        if task == "migrating":
            return "MIGRATING"
        if task.startswith("resize_"):
            return "RESIZE"
        return _STATUS.get(self.vm_state, "ERROR")

    @property
    def power_state(self) -> int:
        """Nova's number: 1 running, 3 paused, 4 shut down."""
        state = self.old_vm_state if self.vm_state == RESIZED else self.vm_state
        if state in (STOPPED, SHELVED, OFFLOADED):
            return 4
        return 3 if state == PAUSED else 1

    @property
    def running(self) -> bool:
        """Whether it uses CPU and memory."""
        return self.power_state == 1 and not self.deleted


class ServerGroup(msgspec.Struct, kw_only=True):
    """A server group."""

    id: str
    name: str
    policy: str
    members: list[str]
    project_id: str
    user_id: str
    rules: dict[str, int] = {}


class HostAggregate(msgspec.Struct, kw_only=True):
    """A host aggregate; one with `availability_zone` in its metadata is a zone."""

    id: int
    uuid: str
    name: str
    hosts: list[str]
    metadata: dict[str, str]
    created: float


class Migration(msgspec.Struct, kw_only=True):
    """A migration record and the state of its state machine.

    Args:
        next_at: wall time of the next step; None while it waits (queue, hang, user).
        outcome: the outcome that an injected fault chose; "" if none.
        landed: whether the server runs at its destination already; the source notes it later.
    """

    id: int
    uuid: str
    server_id: str
    kind: str
    source: str
    status: str
    created: float
    updated: float
    old_flavor: str
    new_flavor: str
    user_id: str
    project_id: str
    request_id: str
    dest: str | None = None
    requested: str | None = None
    forced: bool = False
    next_at: float | None = None
    running_since: float | None = None
    running_until: float | None = None
    outcome: str = ""
    landing: str | None = None
    fail_at: float = 0.5
    landed: bool = False

    @property
    def active(self) -> bool:
        """Whether its source still holds the server's resources."""
        return self.status in HOLDING


class ActionEvent(msgspec.Struct, kw_only=True):
    """One step inside an instance action."""

    event: str
    start: float
    finish: float | None = None
    result: str | None = None
    host: str | None = None


class InstanceAction(msgspec.Struct, kw_only=True):
    """What a request did to a server, as `openstack server event list` shows it."""

    server_id: str
    request_id: str
    action: str
    user_id: str
    project_id: str
    start: float
    updated: float
    message: str | None = None
    events: list[ActionEvent] = []


class Chore(msgspec.Struct, kw_only=True):
    """A short operation on a server (stop, start, confirm, revert, delete) that ends at a time."""

    id: int
    server_id: str
    operation: str
    due: float
    request_id: str


class JournalEntry(msgspec.Struct, kw_only=True):
    """One accepted mutating request."""

    number: int
    time: float
    request_id: str
    service: str
    method: str
    path: str
    body: Any
    server_id: str | None = None
    target: str | None = None
    migration_uuid: str | None = None


class Operation(msgspec.Struct, kw_only=True):
    """Something that Cinder or Ironic does to a volume or a node, until a time.

    Args:
        resource: id of the volume or the node.
        name: migrate, retype, or power.
        wanted: the pool, the volume type, or the power state.
        due: when it ends; None while it hangs.
        outcome: what an injected fault chose; "" if none.
    """

    id: int
    resource: str
    name: str
    wanted: str
    due: float | None
    outcome: str = ""


class VolumeChange(msgspec.Struct, kw_only=True):
    """What became of a volume since the cloud was made.

    Args:
        kind: name of its volume type.
        migration: Cinder's ``migration_status``.
    """

    id: str
    pool: str
    kind: str
    updated: float
    migration: str | None = None


class NodeChange(msgspec.Struct, kw_only=True):
    """What became of a bare-metal node since the cloud was made."""

    id: str
    updated: float
    last_error: str | None = None


class PlacementChange(msgspec.Struct, kw_only=True):
    """A change of load placement: from `at` a server runs on `host` (None: it does not run)."""

    number: int
    at: float
    server_id: str
    host: str | None


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """The permanent allocation of a consumer that is neither server nor migration."""

    consumer: str
    host: str
    resources: Resources


class Cluster(msgspec.Struct, kw_only=True):
    """The initial state of a cloud."""

    seed: int
    flavors: list[Flavor]
    hosts: list[Host]
    servers: list[Server]
    groups: list[ServerGroup]
    aggregates: list[HostAggregate]
    bookings: list[Booking] = []
