"""Reads block storage from Cinder: five lists, for a cloud of any size."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from openstack.connection import Connection

from application.ports.cloud import StorageRows
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.cluster.table.records import Id
from infrastructure.openstack.collectors.conversion import Conversion, field, part, parts, text
from infrastructure.openstack.connection import ConnectionLimits, require_service
from infrastructure.openstack.service import BLOCK_STORAGE, Json, block_storage

_EVERYONE = {"all_tenants": "true"}


class CinderCollector:
    """Reads Cinder. The constructor sends no request."""

    def __init__(self, connection: Connection, limits: ConnectionLimits | None = None) -> None:
        self._connection = connection
        self._limits = limits or ConnectionLimits()

    def collect(self) -> StorageRows:
        """Reads everything.

        Raises:
            CloudUnreachable: a part could not be read.
            CloudRefused: the credentials lack a right, or the cloud has no block storage.
        """
        require_service(self._connection, BLOCK_STORAGE)
        cinder = block_storage(self._connection, self._limits)
        # including private types, because their backends would have no type without them
        types = cinder.list_all("/types", "volume_types", {"is_public": "None"})
        services = cinder.get_list("/os-services", "services", {"binary": "cinder-volume"})
        pools = cinder.get_list("/scheduler-stats/get_pools", "pools", {"detail": "true"})
        # snapshots before volumes: then the list of volumes rarely lacks the volume of a snapshot
        snapshots = cinder.list_all("/snapshots", "snapshots", _EVERYONE)
        volumes = cinder.list_all("/volumes/detail", "volumes", _EVERYONE)
        conversion = Conversion()
        rows = conversion.rows
        copied = rows("snapshot", snapshots, _snapshot, identity=field("id"))
        counts = Counter(one.volume_id for one in copied)
        return StorageRows(
            nodes=rows("storage node", services, node_row, identity=field("host")),
            pools=rows("pool", pools, pool_row, identity=field("name")),
            volumes=rows(
                "volume",
                volumes,
                lambda volume: volume_row(volume, counts[text(volume, "id")]),
                identity=field("id"),
                place=pool_of,
            ),
            types=rows("volume type", types, type_row, identity=field("id")),
            aside=conversion.aside,
            calls=cinder.calls,
        )


@dataclass(frozen=True)
class _Snapshot:
    volume_id: Id


def _snapshot(snapshot: Json) -> _Snapshot:
    return _Snapshot(text(snapshot, "volume_id"))


def node_row(service: Json) -> StorageNodeRow:
    """A cinder-volume service, from an item of ``/os-services``."""
    return StorageNodeRow(
        host=text(service, "host"),
        zone=service.get("zone") or "",
        state=service.get("state") or "",
        status=service.get("status") or "",
        disabled_reason=service.get("disabled_reason"),
        cluster=service.get("cluster") or None,
    )


def pool_row(pool: Json) -> PoolRow:
    """A pool, from an item of ``/scheduler-stats/get_pools``."""
    capabilities = part(pool, "capabilities")
    return PoolRow(
        name=text(pool, "name"),
        backend_name=capabilities.get("volume_backend_name") or "",
        total_volumes=capabilities.get("total_volumes"),
        total_gb=capabilities.get("total_capacity_gb"),
        free_gb=capabilities.get("free_capacity_gb"),
        provisioned_gb=capabilities.get("provisioned_capacity_gb"),
        allocated_gb=capabilities.get("allocated_capacity_gb"),
        reserved_percent=capabilities.get("reserved_percentage") or 0,
        thin=capabilities.get("thin_provisioning_support"),
        thick=capabilities.get("thick_provisioning_support"),
        oversubscription=capabilities.get("max_over_subscription_ratio"),
    )


def type_row(kind: Json) -> VolumeTypeRow:
    """A volume type, from an item of ``/types`` for an administrator."""
    specs = part(kind, "extra_specs")
    return VolumeTypeRow(
        id=text(kind, "id"),
        name=kind.get("name") or "",
        backend_name=specs.get("volume_backend_name"),
        extra_specs={key: str(value) for key, value in specs.items()},
        public=bool(kind.get("is_public", True)),
    )


def volume_row(volume: Json, snapshots: int) -> VolumeRow:
    """A volume, from an item of ``/volumes/detail`` for an administrator."""
    return VolumeRow(
        id=text(volume, "id"),
        name=volume.get("name") or "",
        pool=pool_of(volume),
        size_gb=volume.get("size"),
        status=volume.get("status") or "",
        volume_type=volume.get("volume_type") or "",
        attachments=tuple(_attachment(each) for each in parts(volume, "attachments")),
        bootable=volume.get("bootable"),
        multiattach=volume.get("multiattach"),
        encrypted=volume.get("encrypted"),
        project_id=volume.get("os-vol-tenant-attr:tenant_id") or "",
        metadata=part(volume, "metadata"),
        snapshot_id=volume.get("snapshot_id"),
        source_id=volume.get("source_volid"),
        snapshots=snapshots,
        migration_status=volume.get("migration_status") or "",
        zone=volume.get("availability_zone") or "",
        created_at=volume.get("created_at") or "",
    )


def pool_of(volume: Json) -> Any:
    """Name of the pool that a volume is in; None if it is in none."""
    return volume.get("cluster_name") or volume.get("os-vol-host-attr:host") or None


def _attachment(attachment: Json) -> Attachment:
    return Attachment(
        server_id=attachment.get("server_id") or "",
        attachment_id=attachment.get("attachment_id") or "",  # "id" is that of the volume
    )
