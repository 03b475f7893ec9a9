"""Cinder's (unversioned) notifications: facts about pools and volumes."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.cluster.table.values import UnreadableValue, amount
from domain.cluster_models.amendments import PoolFact, StorageFact, VolumeFact
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.reasons import Cause
from infrastructure.notifications.envelope import Notification, UnreadableNotification, payload_of

CHANGED = frozenset(
    f"volume.{work}.end" for work in ("create", "update", "attach", "detach", "resize")
)
DELETED = "volume.delete.end"
CAPACITY = "capacity.pool"
_COLLECTION = frozenset({"volume.retype", "snapshot.create.end", "snapshot.delete.end"})
"""Events that change the place of volumes or whether they can be moved, without the new value."""
_FIGURES = {
    "total": "total_gb",
    "free": "free_gb",
    "allocated": "allocated_gb",
    "provisioned": "provisioned_gb",
    "virtual_free": "virtual_free_gb",
}

Text = Annotated[str, Meta(min_length=1)]
Figure = int | float | str | None


class _Capacity(msgspec.Struct):
    name_to_id: Text
    total: Figure = None
    free: Figure = None
    allocated: Figure = None
    provisioned: Figure = None
    virtual_free: Figure = None


class _Attachment(msgspec.Struct):
    instance_uuid: str | None = None
    id: str | None = None


class _Volume(msgspec.Struct):
    volume_id: Text
    size: Annotated[int, Meta(ge=0, le=2**53)] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    host: str | None = None
    display_name: str | None = None
    volume_type: str | None = None
    volume_attachment: list[_Attachment] | UnsetType = UNSET
    snapshot_id: str | None = None
    tenant_id: str | None = None
    metadata: Any = None
    glance_metadata: Any = None
    availability_zone: str | None = None


def read_cinder(notification: Notification) -> Iterator[StorageFact | Cause]:
    """Yields the facts of a notification; none if it is about nothing that a model holds.

    A ``Cause`` names a change whose result only a collection can show.

    Raises:
        UnreadableNotification: the payload is invalid.
    """
    if notification.event == CAPACITY:
        yield _pool(notification)
    elif notification.event in CHANGED or notification.event == DELETED:
        yield _volume(notification)
    elif notification.event in _COLLECTION:
        yield Cause(NEEDS_COLLECTION, {"event": notification.event})


def _pool(notification: Notification) -> PoolFact:
    pool = payload_of(notification, _Capacity)
    figures: dict[str, float | str | None] = {}
    for name, figure in _FIGURES.items():
        value = getattr(pool, name)
        if name == "virtual_free" and isinstance(value, int | float):
            value = max(value, 0)  # negative if more is provisioned than allowed
        try:
            amount(value)
        except UnreadableValue:
            raise UnreadableNotification(
                f"payload of {notification.event}: {name}: must be an amount of GB, not {value!r}"
            ) from None
        figures[figure] = value
    return PoolFact(pool.name_to_id, notification.stamp(), figures)


def _volume(notification: Notification) -> VolumeFact:
    volume = payload_of(notification, _Volume)
    if notification.event == DELETED:
        return VolumeFact(volume.volume_id, notification.stamp(), gone=True)
    attributes: dict[str, object] = {
        "name": volume.display_name or "",
        "pool": volume.host or None,  # None while it is on no backend
        "snapshot_id": volume.snapshot_id,
        "project_id": volume.tenant_id or "",
        "zone": volume.availability_zone or "",
    }
    if volume.size is not UNSET:
        attributes["size_gb"] = volume.size
    if volume.status is not UNSET:
        attributes["status"] = volume.status
    if volume.volume_attachment is not UNSET:
        attributes["attachments"] = [
            [each.instance_uuid or "", each.id or ""] for each in volume.volume_attachment
        ]
    metadata = _pairs(volume.metadata)
    if metadata is not None:
        attributes["metadata"] = metadata
    if volume.glance_metadata:
        attributes["bootable"] = True  # no notification reports that it is not
    return VolumeFact(
        volume.volume_id,
        notification.stamp(),
        type_id=volume.volume_type or None,
        attributes=attributes,
    )


def _pairs(metadata: object) -> dict[str, str] | None:
    """Metadata as a map. Cinder sends a map, or a list of records with ``key`` and ``value``."""
    if isinstance(metadata, dict):
        return {str(key): str(value) for key, value in metadata.items()}
    if isinstance(metadata, list) and all(
        isinstance(one, dict) and "key" in one for one in metadata
    ):
        return {str(one["key"]): str(one.get("value", "")) for one in metadata}
    return None
