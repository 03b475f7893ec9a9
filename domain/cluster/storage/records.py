"""What collectors of block storage hand in: one plain record per backend, pool, type and volume."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.cluster.table.records import Id
from domain.cluster.table.values import Capacity, Flag


@dataclass(frozen=True)
class StorageNodeRow:
    """A cinder-volume service: one backend on one host.

    Attributes:
        host: ``host@backend``, the name that services and pools are addressed by.
        zone: availability zone.
        state: ``up`` or ``down`` (is the service alive).
        status: ``enabled`` or ``disabled`` (does the operator want volumes on it).
        disabled_reason: the text stored with ``disabled``.
        cluster: ``cluster@backend`` when several services share the backend; its pools and
            volumes then carry that name.
    """

    host: str
    zone: str = ""
    state: str = "up"
    status: str = "enabled"
    disabled_reason: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class PoolRow:
    """A storage pool, as the scheduler knows it.

    Attributes:
        name: ``host@backend#pool``.
        backend_name: the ``volume_backend_name`` that volume types ask for.
        total_volumes: number of volumes in it, if the backend counts them.
        total_gb: capacity.
        free_gb: what is physically free.
        provisioned_gb: sizes of everything that was promised.
        allocated_gb: sizes of the volumes that Cinder made.
        virtual_free_gb: what may still be promised, when a notification said so; else it is
            worked out from the other figures.
        reserved_percent: share of the capacity that is kept free, %.
        thin: whether thin provisioning is supported.
        thick: whether thick provisioning is supported.
        oversubscription: how many times the capacity thin volumes may be promised; ``auto`` has
            Cinder derive it from what is used.
    """

    name: str
    backend_name: str = ""
    total_volumes: int | None = None
    total_gb: Capacity = None
    free_gb: Capacity = None
    provisioned_gb: Capacity = None
    allocated_gb: Capacity = None
    virtual_free_gb: Capacity = None
    reserved_percent: Capacity = 0
    thin: Flag = False
    thick: Flag = False
    oversubscription: Capacity = None

    @property
    def backend(self) -> str:
        """Name of the backend it is on: ``host@backend`` or ``cluster@backend``."""
        return self.name.partition("#")[0]


@dataclass(frozen=True)
class VolumeTypeRow:
    """A volume type.

    Attributes:
        id: uuid.
        name: name.
        backend_name: the ``volume_backend_name`` it asks for; None when any backend will do.
        extra_specs: everything it asks for.
        public: whether every project may use it.
    """

    id: Id
    name: str
    backend_name: str | None = None
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    public: bool = True


@dataclass(frozen=True)
class Attachment:
    """A volume's attachment to a server."""

    server_id: str
    attachment_id: str = ""


@dataclass(frozen=True)
class VolumeRow:
    """A volume.

    Attributes:
        id: uuid.
        name: display name.
        pool: name of the pool it is in; None while it is in none.
        size_gb: size, GB; None when the cloud did not say.
        status: ``available``, ``in-use``, ``error``, …
        volume_type: name of its type.
        attachments: the servers that hold it.
        bootable: whether a server can boot from it.
        multiattach: whether several servers may hold it at once.
        encrypted: whether it is encrypted.
        project_id: owner.
        metadata: volume metadata.
        snapshot_id: the snapshot it was made from.
        source_id: the volume it was made from.
        snapshots: how many snapshots of it exist (a volume with snapshots cannot be migrated).
        migration_status: of a migration in progress or the last one; empty if there was none.
        zone: availability zone.
        created_at: creation time as the cloud writes it.
    """

    id: Id
    name: str = ""
    pool: str | None = None
    size_gb: int | None = None
    status: str = ""
    volume_type: str = ""
    attachments: tuple[Attachment, ...] = ()
    bootable: Flag = None
    multiattach: Flag = None
    encrypted: Flag = None
    project_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    snapshot_id: str | None = None
    source_id: str | None = None
    snapshots: int = 0
    migration_status: str = ""
    zone: str = ""
    created_at: str = ""
