"""Cinder's notifications (they have no versions): what they tell of pools and volumes."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.cluster.table.values import UnreadableValue as BadAmount
from domain.cluster.table.values import amount
from domain.cluster_models.amendments import PoolFact, StorageFact, VolumeFact
from domain.kernel.reasons import Cause, Reason
from infrastructure.notifications.envelope import Notification, UnreadableNotification, payload_of

CHANGED = frozenset(
    f"volume.{work}.end" for work in ("create", "update", "attach", "detach", "resize")
)
DELETED = "volume.delete.end"
CAPACITY = "capacity.pool"
_COLLECTION = frozenset({"volume.retype", "snapshot.create.end", "snapshot.delete.end"})
"""What moves volumes, or counts for whether they can be moved, without telling how."""
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


def read_cinder(told: Notification) -> Iterator[StorageFact | Cause]:
    """What a notification tells; nothing if it is about nothing that a model holds.

    A ``Cause`` says what changed without the notification saying how.

    Raises:
        UnreadableNotification: the payload is not as it ought to be.
    """
    if told.event == CAPACITY:
        yield _pool(told)
    elif told.event in CHANGED or told.event == DELETED:
        yield _volume(told)
    elif told.event in _COLLECTION:
        yield Cause(Reason.NEEDS_COLLECTION, {"event": told.event})


def _pool(told: Notification) -> PoolFact:
    pool: _Capacity = payload_of(told, _Capacity)
    figures: dict[str, float | str | None] = {}
    for name, figure in _FIGURES.items():
        value = getattr(pool, name)
        if name == "virtual_free" and isinstance(value, int | float):
            value = max(value, 0)  # more is promised already than may be
        try:
            amount(value)
        except BadAmount:
            rule = f"must be an amount of GB, not {value!r}"
            raise UnreadableNotification(f"payload of {told.event}: {name}: {rule}") from None
        figures[figure] = value
    return PoolFact(pool.name_to_id, told.stamp(), figures)


def _volume(told: Notification) -> VolumeFact:
    volume: _Volume = payload_of(told, _Volume)
    if told.event == DELETED:
        return VolumeFact(volume.volume_id, told.stamp(), gone=True)
    attributes: dict[str, object] = {
        "name": volume.display_name or "",
        "pool": volume.host or None,  # none while no backend has it
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
            [held.instance_uuid or "", held.id or ""] for held in volume.volume_attachment
        ]
    metadata = _pairs(volume.metadata)
    if metadata is not None:
        attributes["metadata"] = metadata
    if volume.glance_metadata:
        attributes["bootable"] = True  # that it is not is told by nothing
    return VolumeFact(
        volume.volume_id, told.stamp(), type_id=volume.volume_type or None, attributes=attributes
    )


def _pairs(metadata: object) -> dict[str, str] | None:
    """Metadata as a map: Cinder sends a map, or a list of records with ``key`` and ``value``."""
    if isinstance(metadata, dict):
        return {str(key): str(value) for key, value in metadata.items()}
    if isinstance(metadata, list) and all(
        isinstance(one, dict) and "key" in one for one in metadata
    ):
        return {str(one["key"]): str(one.get("value", "")) for one in metadata}
    return None
