"""What Nova remembers of a server: how an effect is recognised after its reply was lost.

Nova cannot be given an idempotency key. It keeps, per server, *instance actions* (one per accepted
request, with our user and Nova's request id) and *migrations*. Those that exist are noted before
the effect; what is new afterwards, of the right kind and by our user, is ours.
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
"""So many of a server's newest records are looked at."""
_SKEW = 60.0
"""So far apart may the clocks of Nova's hosts be, s."""


MIGRATING = "migrating"
"""The task state of a server from the request of a live migration to its very end."""


@dataclass(frozen=True)
class EffectNames:
    """How an effect is called in Nova's records.

    Attributes:
        action: of its instance action.
        migration: type of its migration, None if it makes none.
    """

    action: str
    migration: str | None = None


LIVE = EffectNames("live-migration", "live-migration")
COLD = EffectNames("migrate", "migration")
RESIZE = EffectNames("resize", "resize")
STOP = EffectNames("stop")
SHELVE = EffectNames("shelve")
DELETE = EffectNames("delete")


@dataclass(frozen=True)
class NovaRecords:
    """What an effect left behind.

    Attributes:
        server: as it is now, None if it is gone.
        action: the instance action of our request, with its events.
        migration: the migration that it made.
        moved_on: whether a later migration of the server exists; without one of ours: any since.
    """

    server: Json | None
    action: Json | None = None
    migration: Json | None = None
    moved_on: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the effect left no record at all."""
        return self.action is None and self.migration is None

    @property
    def refused(self) -> bool:
        """Whether Nova noted our request as failed."""
        return self.action is not None and self.action.get("message") == "Error"

    @property
    def steps(self) -> list[Json]:
        """What Nova noted of our request, step by step."""
        return [] if self.action is None else self.action.get("events") or []

    @property
    def pending(self) -> bool:
        """Whether a step has begun and not ended."""
        return any(not step.get("finish_time") for step in self.steps)

    @property
    def ended(self) -> bool:
        """Whether Nova has ended all steps that it noted."""
        return bool(self.steps) and not self.pending

    @property
    def busy(self) -> bool:
        """Whether Nova is doing something to the server."""
        return self.server is not None and task_state(self.server) is not None

    @property
    def migrating(self) -> bool:
        """Whether that is a live migration; what else its owner has begun since is not ours."""
        return self.server is not None and task_state(self.server) == MIGRATING

    @property
    def status(self) -> str:
        """The server's status, empty if it is gone."""
        return "" if self.server is None else str(self.server["status"])

    @property
    def words(self) -> str:
        """Why it failed, in Nova's words; before 2.84, which step failed."""
        failed = [step for step in self.steps if step.get("result") == "Error"]
        told = [str(step["details"]) for step in failed if step.get("details")]
        if not told and self.server is not None and self.server.get("fault"):
            told = [str(self.server["fault"]["message"])]
        if not told:
            told = [f"{step['event']} failed" for step in failed] or ["no reason given"]
        return " ".join(told[-1].split())


def task_state(server: Json) -> str | None:
    """What Nova is doing to a server, None if nothing."""
    state: str | None = server.get("OS-EXT-STS:task_state")
    return state


def host_of(server: Json) -> str:
    """The compute service that a server is on, empty if none."""
    return str(server.get("OS-EXT-SRV-ATTR:host") or "")


def noted(nova: CloudService, server_id: object) -> JsonObject:
    """What must be known before an effect to recognise it later."""
    migrations = _migrations(nova, server_id)
    return {
        "user": nova.user_id(),
        "actions": [action["request_id"] for action in _actions(nova, server_id)],
        "migrations": [migration["uuid"] for migration in migrations],
        "newest_migration": max((m["created_at"] for m in migrations), default=None),
    }


def traced(
    nova: CloudService,
    kind: EffectNames,
    server: Json | None,
    server_id: object,
    before: JsonObject,
    receipt: JsonObject | None,
) -> NovaRecords:
    """What an effect left behind.

    Args:
        nova: the compute service.
        kind: how it is called.
        server: as it is now.
        server_id: its uuid.
        before: what ``noted`` gave.
        receipt: holds the ``request_id``, if the effect was answered.
    """
    action = _our_action(nova, kind, server_id, before, receipt)
    if kind.migration is None:
        return NovaRecords(server, action)
    migrations = _migrations(nova, server_id)
    ours = [m for m in migrations if _is_ours(m, kind, before, action)]
    if not ours:
        known = cast("Sequence[str]", before["migrations"])
        return NovaRecords(
            server, action, moved_on=any(m["uuid"] not in known for m in migrations[:1])
        )
    migration = ours[-1]
    return NovaRecords(
        server, action, migration, moved_on=migrations[0]["uuid"] != migration["uuid"]
    )


def _our_action(
    nova: CloudService,
    kind: EffectNames,
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
    except ResourceNotFound:  # archived, with the server or alone
        return None
    return found


def _is_ours(migration: Json, kind: EffectNames, before: JsonObject, action: Json | None) -> bool:
    known = cast("Sequence[str]", before["migrations"])
    if migration["uuid"] in known or migration["migration_type"] != kind.migration:
        return False
    if migration.get("user_id") not in (None, before["user"]):
        return False
    newest = before["newest_migration"]
    if newest and _seconds(migration["created_at"]) < _seconds(newest) - _SKEW:
        return False  # an old one that slid into view as others were archived
    if action is not None and action.get("message") == "Error":
        return _seconds(migration["created_at"]) <= _seconds(action["updated_at"]) + _SKEW
    return True


def _seconds(time: object) -> float:
    return datetime.fromisoformat(str(time)).replace(tzinfo=UTC).timestamp()


def _actions(nova: CloudService, server_id: object) -> list[Json]:
    """Newest first; those of a deleted server too, until it is archived."""
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
        raise CloudUnreachable("the migrations that were listed are not the server's")
    return sorted(found, key=lambda m: (m["created_at"], m["id"]), reverse=True)
