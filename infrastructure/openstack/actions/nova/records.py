"""Nova's records of a request: they identify a request whose response was lost.

Nova accepts no idempotency key. For each server it keeps *instance actions* (one per accepted
request, with user and request id) and *migrations*. Before a request Vigil stores which of them
exist; a later one of the right type and by Vigil's user belongs to Vigil's request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from application.ports.cloud import CloudUnreachable
from domain.kernel.aggregate import JsonObject
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import CloudService, Json

_RECENT = 50
"""How many of a server's newest records are read."""
_SKEW = 60.0
"""Largest expected difference between the clocks of Nova's hosts, s."""
_RESIZED = ("VERIFY_RESIZE", "REVERT_RESIZE")
"""Statuses of a server whose cold migration or resize is neither confirmed nor reverted."""


@dataclass(frozen=True)
class RecordTypes:
    """How Nova's records name a type of request.

    Attributes:
        action: name of the instance action.
        tasks: task states of the server from the request to its end (nova/compute/task_states.py).
        migration: type of the migration, None if there is none.
    """

    action: str
    tasks: tuple[str, ...]
    migration: str | None = None


_RESIZING = (
    "resize_prep",
    "resize_migrating",
    "resize_migrated",
    "resize_finish",
    "resize_reverting",
)
_SHELVING = (
    "shelving",
    "shelving_image_pending_upload",
    "shelving_image_uploading",
    "shelving_offloading",
)
LIVE = RecordTypes("live-migration", ("migrating",), "live-migration")
COLD = RecordTypes("migrate", _RESIZING, "migration")
RESIZE = RecordTypes("resize", _RESIZING, "resize")
STOP = RecordTypes("stop", ("powering-off",))
SHELVE = RecordTypes("shelve", _SHELVING)
DELETE = RecordTypes("delete", ("deleting", "soft-deleting"))


@dataclass(frozen=True)
class NovaRecords:
    """Nova's records of one request of Vigil.

    Attributes:
        server: its present state, None if it no longer exists.
        action: the instance action of the request, with its events.
        migration: the migration of the request.
        moved_again: whether the server has a later migration than that; without one, whether it
            has any that is newer than the request.
    """

    server: Json | None
    action: Json | None = None
    migration: Json | None = None
    moved_again: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether Nova has no record of the request."""
        return self.action is None and self.migration is None

    @property
    def is_refused(self) -> bool:
        """Whether Nova recorded the request as failed."""
        return self.action is not None and self.action.get("message") == "Error"

    @property
    def events(self) -> list[Json]:
        """The events (steps) of the instance action."""
        return [] if self.action is None else self.action.get("events") or []

    @property
    def has_open_event(self) -> bool:
        """Whether an event has started and not finished."""
        return any(not event.get("finish_time") for event in self.events)

    @property
    def is_finished(self) -> bool:
        """Whether all recorded events have finished."""
        return bool(self.events) and not self.has_open_event

    @property
    def is_busy(self) -> bool:
        """Whether the server has a task state."""
        return task_state(self.server) is not None

    def is_in_task(self, kind: RecordTypes) -> bool:
        """Whether the server has a task state of such a request, not one of its owner's."""
        return task_state(self.server) in kind.tasks

    @property
    def is_resized(self) -> bool:
        """Whether the server waits for the end of a confirmation or of a revert."""
        return self.status in _RESIZED

    @property
    def status(self) -> str:
        """The server's status, empty if it no longer exists."""
        return "" if self.server is None else str(self.server["status"])

    @property
    def error(self) -> str:
        """Nova's text of the failure; before 2.84, the name of the event that failed."""
        failed = [event for event in self.events if event.get("result") == "Error"]
        texts = [str(event["details"]) for event in failed if event.get("details")]
        if not texts and self.server is not None and self.server.get("fault"):
            texts = [str(self.server["fault"]["message"])]
        if not texts:
            texts = [f"{event['event']} failed" for event in failed] or ["no reason given"]
        return " ".join(texts[-1].split())


def task_state(server: Json | None) -> str | None:
    """The task state of a server, None if it has none or no longer exists."""
    state: str | None = None if server is None else server.get("OS-EXT-STS:task_state")
    return state


def host_of(server: Json) -> str:
    """The compute host of a server, empty if it has none."""
    return str(server.get("OS-EXT-SRV-ATTR:host") or "")


def records_before(nova: CloudService, server_id: object) -> JsonObject:
    """Returns what ``find_records`` needs to identify the records of a later request."""
    migrations = _migrations(nova, server_id)
    return {
        "user": nova.user_id(),
        "actions": [action["request_id"] for action in _actions(nova, server_id)],
        "migrations": [migration["uuid"] for migration in migrations],
        "newest_migration": max((m["created_at"] for m in migrations), default=None),
    }


def find_records(
    nova: CloudService,
    kind: RecordTypes,
    server: Json | None,
    server_id: object,
    before: JsonObject,
    receipt: JsonObject | None,
) -> NovaRecords:
    """Finds Nova's records of a request.

    Args:
        nova: the compute service.
        kind: the type of the request.
        server: its present state.
        server_id: its uuid.
        before: the result of ``records_before``.
        receipt: has the ``request_id``, if Nova's response arrived.
    """
    # Nova writes the error of a request after the status of its migration: read it last
    migrations = [] if kind.migration is None else _migrations(nova, server_id)
    action = _our_action(nova, kind, server_id, before, receipt)
    if kind.migration is None:
        return NovaRecords(server, action)
    ours = [m for m in migrations if _is_ours(m, kind, before, action)]
    if not ours:
        known = cast("Sequence[str]", before["migrations"])
        moved_again = any(m["uuid"] not in known for m in migrations[:1])
        return NovaRecords(server, action, moved_again=moved_again)
    migration = ours[-1]
    moved_again = migrations[0]["uuid"] != migration["uuid"]
    return NovaRecords(server, action, migration, moved_again)


def _our_action(
    nova: CloudService,
    kind: RecordTypes,
    server_id: object,
    before: JsonObject,
    receipt: JsonObject | None,
) -> Json | None:
    request = None if receipt is None else receipt.get("request_id")
    if request is None:
        known = cast("Sequence[str]", before["actions"])
        ours = [
            action["request_id"]
            for action in _actions(nova, server_id)
            if action["request_id"] not in known
            and action["action"] == kind.action
            and action["user_id"] == before["user"]
        ]
        if not ours:
            return None
        request = ours[-1]
    try:
        found: Json = nova.get(f"/servers/{server_id}/os-instance-actions/{request}")[
            "instanceAction"
        ]
    except ResourceNotFound:  # archived
        return None
    return found


def _is_ours(migration: Json, kind: RecordTypes, before: JsonObject, action: Json | None) -> bool:
    known = cast("Sequence[str]", before["migrations"])
    if migration["uuid"] in known or migration["migration_type"] != kind.migration:
        return False
    if migration.get("user_id") not in (None, before["user"]):
        return False
    newest = before["newest_migration"]
    if newest and _seconds(migration["created_at"]) < _seconds(newest) - _SKEW:
        return False  # an old one: it is among the newest only since others were archived
    if action is not None and action.get("message") == "Error":
        return _seconds(migration["created_at"]) <= _seconds(action["updated_at"]) + _SKEW
    return True


def _seconds(time: object) -> float:
    return datetime.fromisoformat(str(time)).replace(tzinfo=UTC).timestamp()


def _actions(nova: CloudService, server_id: object) -> list[Json]:
    """Newest first; Nova keeps those of a deleted server until it is archived."""
    try:
        found = nova.get(f"/servers/{server_id}/os-instance-actions", {"limit": _RECENT})
    except ResourceNotFound:
        return []
    return sorted(found["instanceActions"], key=lambda action: action["start_time"], reverse=True)


def _migrations(nova: CloudService, server_id: object) -> list[Json]:
    """Newest first."""
    query = {"instance_uuid": server_id, "limit": _RECENT}
    found = nova.get("/os-migrations", query)["migrations"]
    if any(migration.get("instance_uuid") != server_id for migration in found):
        raise CloudUnreachable("Nova returned migrations of other servers")
    return sorted(found, key=lambda m: (m["created_at"], m["id"]), reverse=True)
