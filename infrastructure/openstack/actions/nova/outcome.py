"""Derives the outcome of a migration from Nova's records. Pure functions."""

from application.ports.cloud import Observation, Phase
from domain.kernel.aggregate import JsonObject
from domain.plans.action_types.migrate import LANDED_ELSEWHERE
from domain.plans.reasons import (
    MIGRATION_ABORTED,
    MIGRATION_FAILED,
    MIGRATION_REFUSED,
    OUTCOME_UNKNOWN,
    SERVER_NOT_FOUND,
)
from infrastructure.openstack.actions.base import because
from infrastructure.openstack.actions.nova.records import (
    COLD,
    LIVE,
    NovaRecords,
    RecordTypes,
    host_of,
    task_state,
)
from infrastructure.openstack.service import Json

_BROKEN = frozenset({"error", "failed"})
_ABORTED = frozenset({"cancelled", "reverted"})
_SUCCEEDED = frozenset({"completed", "confirmed"})


CONFIRM = "confirm"
"""The step that a cold migration or resize waits for once the server has arrived."""


def running(**facts: object) -> Observation:
    """The action is in progress."""
    return Observation(Phase.RUNNING, facts)


def live(server_id: str, destination: str | None, records: NovaRecords) -> Observation:
    """The state of a live migration that has a record."""
    if records.migration is None:
        return _unrecorded(server_id, destination, records)
    return _recorded(server_id, destination, records, records.migration, LIVE)


def cold(server_id: str, destination: str | None, records: NovaRecords) -> Observation:
    """The state of a cold migration or resize that has a record."""
    if records.status == "VERIFY_RESIZE" and not records.is_busy and _needs_confirmation(records):
        return Observation(Phase.RUNNING, {"status": "confirming"}, next_step=CONFIRM)
    if records.migration is None:
        return _unrecorded(server_id, destination, records)
    return _recorded(server_id, destination, records, records.migration, COLD)


def _recorded(
    server_id: str,
    destination: str | None,
    records: NovaRecords,
    migration: Json,
    kind: RecordTypes,
) -> Observation:
    status = migration["status"]
    held = _holds_server(records, status, kind)
    if not held and status in _BROKEN | _ABORTED:
        return _failed(server_id, records, migration)
    if not held and status in _SUCCEEDED:
        return _arrived(server_id, destination, records, migration)
    if records.server is None:
        return gone(server_id)
    return running(status=status, task_state=task_state(records.server))


def _holds_server(records: NovaRecords, status: str, kind: RecordTypes) -> bool:
    """Whether Nova still refuses other actions on the server because of the migration.

    Nova writes the final status of the migration first and the state of the server a moment later.
    """
    if records.moved_again:
        return False
    is_settled = status in {"confirmed", "reverted"}
    return records.is_in_task(kind) or (is_settled and records.is_resized)


def _needs_confirmation(records: NovaRecords) -> bool:
    """Whether Vigil's own migration waits; a user confirms or reverts his own."""
    if records.migration is None:
        return not (records.is_refused or records.moved_again)
    return bool(records.migration["status"] == "finished")


def gone(server_id: str) -> Observation:
    """The server no longer exists."""
    return Observation(
        Phase.FAILED, {"server": server_id}, because(SERVER_NOT_FOUND, server=server_id)
    )


def unknown(error: str, **facts: object) -> Observation:
    """The records do not show the outcome."""
    return Observation(Phase.UNKNOWN, facts, because(OUTCOME_UNKNOWN, error=error))


def _failed(server_id: str, records: NovaRecords, migration: Json) -> Observation:
    status = migration["status"]
    if records.has_open_event:  # Nova sets the status first and the error text a moment later
        return running(status=status)
    facts: JsonObject = {"migration": migration["uuid"], "server": server_id, "status": status}
    if status in _ABORTED:
        return Observation(Phase.FAILED, facts, because(MIGRATION_ABORTED, **facts), aborted=True)
    # a migration that the scheduler or a check refused has the same status as one that broke
    if records.is_refused and not migration.get("dest_compute"):
        return _refused(server_id, records)
    facts["error"] = records.error
    return Observation(Phase.FAILED, facts, because(MIGRATION_FAILED, **facts))


def _refused(server_id: str, records: NovaRecords) -> Observation:
    facts: JsonObject = {"server": server_id, "error": records.error}
    return Observation(Phase.FAILED, facts, because(MIGRATION_REFUSED, **facts))


def _arrived(
    server_id: str, destination: str | None, records: NovaRecords, migration: Json
) -> Observation:
    if records.server is None and migration.get("dest_compute") is None:
        return gone(server_id)
    if records.status == "ERROR" and not records.moved_again:
        facts: JsonObject = {"migration": migration["uuid"], "server": server_id, "status": "ERROR"}
        facts["error"] = records.error
        return Observation(Phase.FAILED, facts, because(MIGRATION_FAILED, **facts))
    # after a later migration, only the record shows the destination of this one
    stayed = records.server is not None and not records.moved_again
    host = host_of(records.server or {}) if stayed else str(migration["dest_compute"])
    return _landed(server_id, destination, host, migration=migration["uuid"])


def _landed(server_id: str, destination: str | None, host: str, **facts: object) -> Observation:
    if destination and host != destination:
        missed = because(LANDED_ELSEWHERE, server=server_id, host=host, destination=destination)
        return Observation(Phase.FAILED, {"host": host, **facts}, missed)
    return Observation(Phase.DONE, {"host": host, **facts})


def _unrecorded(server_id: str, destination: str | None, records: NovaRecords) -> Observation:
    """Nova recorded the request but no migration: not yet, never, or it is archived."""
    if records.server is None:
        return gone(server_id)
    if records.is_busy:
        return running(task_state=task_state(records.server))
    if records.is_refused:
        return _refused(server_id, records)
    host = host_of(records.server)
    if destination and host == destination:
        return _landed(server_id, destination, host)
    if records.is_finished:
        return unknown("Nova finished the request and has no migration for it", host=host)
    return running(waiting="for Nova to create the migration")
