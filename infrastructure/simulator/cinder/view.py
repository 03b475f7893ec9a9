"""What Cinder shows of volumes, snapshots, types, services and pools, by microversion."""

from collections.abc import Iterator
from dataclasses import dataclass

from infrastructure.simulator.cinder.storage import (
    BACKENDS,
    SimulatedPool,
    Storage,
    Volume,
    VolumeSnapshot,
    VolumeType,
)
from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.clock import iso_micro
from infrastructure.simulator.core.http.calls import ApiRequest, Json

_CONTROLLER = "controller"
_CLUSTERS: Version = (3, 7)
_BACKEND_STATE: Version = (3, 49)


@dataclass(frozen=True)
class CinderView:
    """The form in which a caller sees volumes.

    Attributes:
        prefix: of the service: scheme, address and mount point.
    """

    storage: Storage
    call: ApiRequest
    prefix: str

    def brief(self, volume: Volume) -> Json:
        """Id, name and links."""
        return {"id": volume.id, "name": volume.name, "links": self._links(volume)}

    def _links(self, volume: Volume) -> list[Json]:
        path = f"{self.call.caller.project_id}/volumes/{volume.id}"
        return [
            {"rel": "self", "href": f"{self.prefix}/v3/{path}"},
            {"rel": "bookmark", "href": f"{self.prefix}/{path}"},
        ]

    def volume(self, volume: Volume) -> Json:
        """Everything that this version shows."""
        shown: Json = {
            "id": volume.id,
            "status": self.storage.status(volume),
            "size": volume.size,
            "availability_zone": self.storage.zone,
            "created_at": iso_micro(volume.created),
            "updated_at": iso_micro(self.storage.updated(volume)),
            "name": volume.name,
            "description": None,
            "volume_type": volume.kind.name,
            "snapshot_id": None,
            "source_volid": None,
            "metadata": dict(volume.metadata),
            "links": self._links(volume),
            "user_id": volume.user_id,
            "bootable": str(volume.bootable).lower(),
            "encrypted": False,
            "replication_status": None,
            "consistencygroup_id": None,
            "multiattach": False,
            "attachments": self._attachments(volume),
            "os-vol-tenant-attr:tenant_id": volume.project_id,
        }
        if self.call.caller.is_admin:
            migration = self.storage.migration_status(volume)
            shown |= {
                "migration_status": migration,
                "os-vol-host-attr:host": volume.pool,
                "os-vol-mig-status-attr:migstat": migration,
                "os-vol-mig-status-attr:name_id": None,
            }
        return shown | self._later(volume)

    def _later(self, volume: Volume) -> Json:
        """Attributes that came with later microversions; some are for administrators."""
        admin = self.call.caller.is_admin
        added: tuple[tuple[Version, bool, str, object], ...] = (
            ((3, 13), True, "group_id", None),
            ((3, 21), admin, "provider_id", None),
            ((3, 48), True, "service_uuid", None),
            ((3, 48), True, "shared_targets", False),
            ((3, 61), admin, "cluster_name", None),
            ((3, 63), True, "volume_type_id", volume.kind.id),
            ((3, 65), True, "consumes_quota", True),
        )
        version = self.call.version
        return {name: value for since, may, name, value in added if may and version >= since}

    def _attachments(self, volume: Volume) -> list[Json]:
        server = self.storage.holder(volume)
        if server is None:
            return []
        host = server.host if self.call.caller.is_admin else ""
        return [
            {
                "id": volume.id,
                "attachment_id": volume.attachment_id,
                "volume_id": volume.id,
                "server_id": server.id,
                "host_name": host or None,
                "device": volume.device,
                "attached_at": iso_micro(volume.created + 5.0),
            }
        ]

    def snapshot(self, snapshot: VolumeSnapshot, *, detailed: bool) -> Json:
        """A snapshot."""
        shown: Json = {
            "id": snapshot.id,
            "name": snapshot.name,
            "description": None,
            "status": "available",
            "size": snapshot.volume.size,
            "volume_id": snapshot.volume.id,
            "metadata": {},
            "created_at": iso_micro(snapshot.created),
            "updated_at": iso_micro(snapshot.created + 5.0),
        }
        if not detailed:
            return shown
        shown |= {
            "os-extended-snapshot-attributes:progress": "100%",
            "os-extended-snapshot-attributes:project_id": snapshot.volume.project_id,
        }
        added: tuple[tuple[Version, str, object], ...] = (
            ((3, 14), "group_snapshot_id", None),
            ((3, 41), "user_id", snapshot.volume.user_id),
            ((3, 65), "consumes_quota", True),
        )
        version = self.call.version
        return shown | {name: value for since, name, value in added if version >= since}


def shown_type(kind: VolumeType, call: ApiRequest) -> Json:
    """A volume type; only administrators see its extra specs."""
    shown: Json = {
        "id": kind.id,
        "name": kind.name,
        "is_public": kind.public,
        "description": None,
        "os-volume-type-access:is_public": kind.public,
        "extra_specs": {},
    }
    if call.caller.is_admin:
        shown["qos_specs_id"] = None
        if kind.backend:
            shown["extra_specs"] = {"volume_backend_name": kind.backend}
    return shown


def services(storage: Storage, version: Version, now: float) -> Iterator[Json]:
    """The scheduler and one cinder-volume per backend."""
    rows = [("cinder-scheduler", _CONTROLLER)]
    rows += [("cinder-volume", backend.host) for backend in BACKENDS]
    for binary, host in rows:
        row: Json = {
            "binary": binary,
            "host": host,
            "zone": storage.zone,
            "status": "enabled",
            "state": "up",
            "updated_at": iso_micro(now),
            "disabled_reason": None,
        }
        if version >= _CLUSTERS:
            row["cluster"] = None
        if binary == "cinder-volume":
            row |= {"replication_status": "disabled", "active_backend_id": None, "frozen": False}
            if version >= _BACKEND_STATE:
                row["backend_state"] = "up"
        yield row


def pool_detail(pool: SimulatedPool, now: float) -> Json:
    """A pool with what its driver reports; its capacity is ``unknown`` if it cannot measure it."""
    backend = pool.backend
    measured: Json = {"total_capacity_gb": pool.total, "free_capacity_gb": pool.free}
    if not backend.measurable:
        measured = {"total_capacity_gb": "unknown", "free_capacity_gb": "infinite"}
    capabilities: Json = {
        "timestamp": iso_micro(now),
        "pool_name": pool.name.partition("#")[2],
        "volume_backend_name": backend.name,
        "vendor_name": "Simulator",
        "driver_version": "1.0.0",
        "storage_protocol": backend.protocol,
        **measured,
        "allocated_capacity_gb": pool.allocated,
        "reserved_percentage": 0,
        "QoS_support": False,
        "multiattach": True,
        "thin_provisioning_support": backend.thin,
        "thick_provisioning_support": not backend.thin,
        "max_over_subscription_ratio": "20.0" if backend.thin else "1.0",
        "total_volumes": pool.volumes,
        "filter_function": None,
        "goodness_function": None,
        "backend_state": "up",
        "replication_enabled": False,
    }
    if backend.measurable:  # a driver that cannot measure reports no provisioned capacity either
        capabilities["provisioned_capacity_gb"] = pool.allocated
    return {"name": pool.name, "capabilities": capabilities}
