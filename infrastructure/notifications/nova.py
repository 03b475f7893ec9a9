"""Nova's versioned notifications: what they tell of servers, services, groups and aggregates.

Seen in Nova 34, and in its source for the others:

* ``instance.update`` is sent for every change of a server's record by whoever writes the record
  (if ``[notifications] notify_on_state_change`` is set), right after the write. Its ``updated_at``
  is that of the version *before*: whole seconds, null for a server that was only just made.
* ``….end`` of some work is sent by whoever did it, with what it remembers of the server. That may
  be older than what ``instance.update`` told before: ``live_migration_post.end`` of the source
  names the source as the server's host, some time after the server arrived at its destination.
  Hence only those that are sent from where the change was written are read.
* That a service died, or is alive again, is told by nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

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
from domain.kernel.reasons import Cause, Reason
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
"""Work after which its teller shows the server as it is."""
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

Amount = Annotated[int, Meta(ge=0, le=2**53)]  # what the models hold exactly
Text = Annotated[str, Meta(min_length=1)]


class _Flavor(msgspec.Struct):
    vcpus: Amount
    memory_mb: Amount
    root_gb: Amount
    name: str = ""
    ephemeral_gb: Amount = 0
    swap: Amount = 0
    extra_specs: dict[str, str] | None = None


class _FlavorObject(msgspec.Struct):
    data: _Flavor = msgspec.field(name="nova_object.data")


class _Instance(msgspec.Struct):
    uuid: Text
    state: str | None
    flavor: _FlavorObject
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


class _InstanceObject(msgspec.Struct):
    data: _Instance = msgspec.field(name="nova_object.data")


class _Service(msgspec.Struct):
    host: Text
    binary: str
    disabled: bool
    forced_down: bool
    disabled_reason: str | None = None


class _ServiceObject(msgspec.Struct):
    data: _Service = msgspec.field(name="nova_object.data")


class _Group(msgspec.Struct):
    uuid: Text
    name: str | None = None
    policy: str | None = None
    policies: list[str] | None = None
    rules: dict[str, Any] | None = None
    members: list[str] | None = None


class _GroupObject(msgspec.Struct):
    data: _Group = msgspec.field(name="nova_object.data")


class _Request(msgspec.Struct):
    instance_uuid: Text
    availability_zone: str | None


class _RequestObject(msgspec.Struct):
    data: _Request = msgspec.field(name="nova_object.data")


def is_versioned(told: Notification) -> bool:
    """Whether the payload is one of Nova's versioned objects; the others are not read."""
    return f"{_NAMESPACE}.data" in told.payload


def read_nova(told: Notification) -> Iterator[ComputeFact | Cause]:
    """What a notification tells; nothing if it is about nothing that a model holds.

    A ``Cause`` says what changed without the notification saying how.

    Raises:
        Unreadable: the payload is not as it ought to be.
    """
    subject, _, rest = told.event.partition(".")
    if told.event in {UPDATE, DELETED} or told.event in ENDED:
        yield _server(told)
    elif subject == "service":
        yield from _service(told, rest)
    elif subject == "server_group":
        yield from _group(told, rest)
    elif told.event in _AGGREGATES:
        yield Cause(Reason.NEEDS_COLLECTION, {"event": told.event})
    elif told.event == "scheduler.select_destinations.end":
        request: _Request = payload_of(told, _RequestObject).data
        yield PinFact(request.instance_uuid, told.stamp(), request.availability_zone or None)


def _server(told: Notification) -> ServerFact:
    instance: _Instance = payload_of(told, _InstanceObject).data
    stamp = told.stamp(_version(told, instance))
    state = (instance.state or "").lower()
    if told.event == DELETED or state == _GONE:
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


def _version(told: Notification, instance: _Instance) -> int:
    updated = instance.updated_at
    if updated is UNSET:  # an old Nova: it is not later than this
        return int(told.at)
    return 0 if updated is None else int(updated.timestamp())


def _service(told: Notification, change: str) -> Iterator[HostFact | Cause]:
    service: _Service = payload_of(told, _ServiceObject).data
    if service.binary != _COMPUTE:
        return  # a scheduler or conductor that happens to run there
    if change in {"create", "delete"}:
        yield Cause(Reason.NEEDS_COLLECTION, {"event": told.event})
    elif change == "update":
        yield HostFact(
            service.host,
            told.stamp(),
            service.disabled,
            service.disabled_reason,
            service.forced_down,
        )


def _group(told: Notification, change: str) -> Iterator[GroupFact | MemberFact]:
    if change not in {"create", "add_member", "delete"}:
        return
    group: _Group = payload_of(told, _GroupObject).data
    policy = group.policy or next(iter(group.policies or ()), "")
    yield GroupFact(
        group.uuid,
        told.stamp(),
        gone=change == "delete",
        name=group.name or "",
        policy=policy,
        max_per_host=_max_per_host(group.rules or {}),
    )
    if change == "add_member":
        for member in group.members or ():
            yield MemberFact(member, told.stamp(), group.uuid)


def _max_per_host(rules: Mapping[str, Any]) -> int:
    told = str(rules.get("max_server_per_host", 1))
    return int(told) if told.isdecimal() else 1
