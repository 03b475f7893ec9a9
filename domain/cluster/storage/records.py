"""Records that storage collectors return: one per backend, pool, volume type and volume."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.cluster.table.records import Id
from domain.cluster.table.values import Capacity, Flag


@dataclass(frozen=True)
class StorageNodeRow:
    """A cinder-volume service: one backend on one host.

    Attributes:
        host: ``host@backend``, as in the names of services and pools.
        zone: availability zone.
        state: ``up`` or ``down``: whether the service is running.
        status: ``enabled`` or ``disabled``: whether the scheduler places volumes on it.
        disabled_reason: the text stored with ``disabled``.
        cluster: ``cluster@backend`` if several services share the backend; the names of its
            pools and volumes then begin with it.
    """

    host: str
    zone: str = ""
    state: str = "up"
    status: str = "enabled"
    disabled_reason: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class PoolRow:
    """A storage pool, as Cinder's scheduler reports it.

    Attributes:
        name: ``host@backend#pool``.
        backend_name: the ``volume_backend_name`` that volume types request.
        total_volumes: number of volumes in it, if the backend counts them; perhaps as text.
        total_gb: capacity.
        free_gb: physically free capacity.
        provisioned_gb: total size of everything provisioned on it.
        allocated_gb: total size of the volumes that Cinder created.
        virtual_free_gb: capacity that can still be provisioned, if a notification reported it;
            otherwise it is computed from the other figures.
        reserved_percent: share of the capacity that is reserved, %.
        thin: whether thin provisioning is supported.
        thick: whether thick provisioning is supported.
        oversubscription: max_over_subscription_ratio for thin volumes; ``auto``: Cinder derives it
            from the use.
    """

    name: str
    backend_name: str = ""
    total_volumes: Capacity = None
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
        backend_name: the ``volume_backend_name`` it requests; None: any backend.
        extra_specs: all its extra specs.
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
        pool: name of the pool it is in; None if it is in no pool.
        size_gb: size, GB; None if unknown.
        status: ``available``, ``in-use``, ``error``, …
        volume_type: name of its type.
        attachments: its attachments to servers.
        bootable: whether a server can boot from it.
        multiattach: whether it can be attached to several servers at once.
        encrypted: whether it is encrypted.
        project_id: its project.
        metadata: volume metadata.
        snapshot_id: the snapshot it was created from.
        source_id: the volume it was created from.
        snapshots: number of its snapshots (a volume with snapshots cannot be migrated).
        migration_status: of a migration in progress or the last one; empty if there was none.
        zone: availability zone.
        created_at: creation time as Cinder writes it.
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
