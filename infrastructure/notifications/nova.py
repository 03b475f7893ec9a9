"""Nova's versioned notifications: facts about servers, services, groups and aggregates.

Observed with Nova 34; for events that it did not send, from its source:

* ``instance.update`` is sent for every change of a server's record (if ``[notifications]
  notify_on_state_change`` is set), by the service that writes the record, right after the write.
  Its ``updated_at`` is that of the *previous* version: whole seconds, null for a new server.
* ``….end`` is sent by the service that did the work, from its own copy of the server. The copy may
  be older than an earlier ``instance.update``: ``live_migration_post.end`` of the source host still
  names the source as the server's host after the server has arrived at its destination. So only
  those ``.end`` events are read that are sent by the service that wrote the change.
* No notification reports that a service went down or came up.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.cluster_models.amendments import (
    ComputeFact,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    ServerFact,
)
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.reasons import Cause
from infrastructure.notifications.envelope import Notification, payload_of
from infrastructure.notifications.nova_states import api_status

UPDATE = "instance.update"
DELETED = "instance.delete.end"
ENDED = frozenset(
    f"instance.{work}"
    for work in (
        "create.end",
        "lock",
        "unlock",
        "pause.end",
        "unpause.end",
        "suspend.end",
        "resume.end",
        "power_on.end",
        "power_off.end",
        "shutdown.end",
        "reboot.end",
        "rescue.end",
        "unrescue.end",
        "shelve.end",
        "shelve_offload.end",
        "unshelve.end",
        "rebuild.end",
        "restore.end",
        "soft_delete.end",
        "resize_finish.end",
        "resize_confirm.end",
        "resize_revert.end",
        "live_migration_force_complete.end",
        "live_migration_post_dest.end",
        "live_migration_rollback.end",
    )
)
"""Events whose sender has the current state of the server."""
_AGGREGATES = frozenset(
    f"aggregate.{change}.end"
    for change in (
        "create",
        "delete",
        "add_host",
        "remove_host",
        "update_metadata",
        "update_prop",
    )
)
_NAMESPACE = "nova_object"
_COMPUTE = "nova-compute"
_MB_PER_GB = 1024
_GONE = "deleted"

Amount = Annotated[int, Meta(ge=0, le=2**53)]  # the models hold these exactly
Text = Annotated[str, Meta(min_length=1)]
T = TypeVar("T")


class _NovaObject(msgspec.Struct, Generic[T]):
    """A versioned object; its other fields are its name and version."""

    data: T = msgspec.field(name="nova_object.data")


class _Flavor(msgspec.Struct):
    vcpus: Amount
    memory_mb: Amount
    root_gb: Amount
    name: str = ""
    ephemeral_gb: Amount = 0
    swap: Amount = 0
    extra_specs: dict[str, str] | None = None


class _Instance(msgspec.Struct):
    uuid: Text
    state: str | None
    flavor: _NovaObject[_Flavor]
    host: str | None = None
    task_state: str | None = None
    display_name: str | None = None
    tenant_id: str | None = None
    image_uuid: str | None = None
    metadata: dict[str, str] = {}
    locked: bool | UnsetType = UNSET
    availability_zone: str | None = None
    created_at: str | None = None
    updated_at: datetime | UnsetType | None = UNSET


class _Service(msgspec.Struct):
    host: Text
    binary: str
    disabled: bool
    forced_down: bool
    disabled_reason: str | None = None


class _Group(msgspec.Struct):
    uuid: Text
    name: str | None = None
    policy: str | None = None
    policies: list[str] | None = None
    rules: dict[str, Any] | None = None
    members: list[str] | None = None


class _Request(msgspec.Struct):
    instance_uuid: Text
    availability_zone: str | None


def is_versioned(notification: Notification) -> bool:
    """Whether the payload is one of Nova's versioned objects; others are not read."""
    return f"{_NAMESPACE}.data" in notification.payload


def read_nova(notification: Notification) -> Iterator[ComputeFact | Cause]:
    """Yields the facts of a notification; none if it is about nothing that a model holds.

    A ``Cause`` names a change whose result only a collection can show.

    Raises:
        UnreadableNotification: the payload is invalid.
    """
    subject, _, rest = notification.event.partition(".")
    if notification.event in {UPDATE, DELETED} or notification.event in ENDED:
        yield _server(notification)
    elif subject == "service":
        yield from _service(notification, rest)
    elif subject == "server_group":
        yield from _group(notification, rest)
    elif notification.event in _AGGREGATES:
        yield Cause(NEEDS_COLLECTION, {"event": notification.event})
    elif notification.event == "scheduler.select_destinations.end":
        request = _data(notification, _Request)
        yield PinFact(
            request.instance_uuid, notification.stamp(), request.availability_zone or None
        )


def _data(notification: Notification, structure: type[T]) -> T:
    return payload_of(notification, _NovaObject[structure]).data  # type: ignore[valid-type]


def _server(notification: Notification) -> ServerFact:
    instance = _data(notification, _Instance)
    stamp = notification.stamp(_version(notification, instance))
    state = (instance.state or "").lower()
    if notification.event == DELETED or state == _GONE:
        return ServerFact(instance.uuid, stamp, gone=True)
    flavor = instance.flavor.data
    root = flavor.root_gb if instance.image_uuid else 0
    attributes: dict[str, object] = {
        "name": instance.display_name or "",
        "host": instance.host or None,
        "vcpus": flavor.vcpus,
        "memory_mb": flavor.memory_mb,
        "disk_gb": root + flavor.ephemeral_gb + -(-flavor.swap // _MB_PER_GB),
        "state": state,
        "status": api_status(state, instance.task_state),
        "task_state": instance.task_state,
        "project_id": instance.tenant_id or "",
        "flavor": flavor.name,
        "metadata": dict(instance.metadata),
        "zone": instance.availability_zone or None,
        "created_at": instance.created_at or "",
    }
    if flavor.extra_specs is not None:
        attributes["extra_specs"] = dict(flavor.extra_specs)
    if instance.locked is not UNSET:
        attributes["locked"] = instance.locked
    return ServerFact(instance.uuid, stamp, attributes=attributes)


def _version(notification: Notification, instance: _Instance) -> int:
    updated = instance.updated_at
    if updated is UNSET:  # old Nova versions do not send it; the version is not later than this
        return int(notification.at)
    return 0 if updated is None else int(updated.timestamp())


def _service(notification: Notification, change: str) -> Iterator[HostFact | Cause]:
    service = _data(notification, _Service)
    if service.binary != _COMPUTE:
        return  # a scheduler or conductor on the same host
    if change in {"create", "delete"}:
        yield Cause(NEEDS_COLLECTION, {"event": notification.event})
    elif change == "update":
        yield HostFact(
            service.host,
            notification.stamp(),
            service.disabled,
            service.disabled_reason,
            service.forced_down,
        )


def _group(notification: Notification, change: str) -> Iterator[GroupFact | MemberFact]:
    if change not in {"create", "add_member", "delete"}:
        return
    group = _data(notification, _Group)
    policy = group.policy or next(iter(group.policies or ()), "")
    yield GroupFact(
        group.uuid,
        notification.stamp(),
        gone=change == "delete",
        name=group.name or "",
        policy=policy,
        max_per_host=_max_per_host(group.rules or {}),
    )
    if change == "add_member":
        for member in group.members or ():
            yield MemberFact(member, notification.stamp(), group.uuid)


def _max_per_host(rules: Mapping[str, Any]) -> int:
    limit = str(rules.get("max_server_per_host", 1))
    return int(limit) if limit.isdecimal() else 1
