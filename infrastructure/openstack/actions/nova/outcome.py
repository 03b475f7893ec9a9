"""From what a migration left behind to what became of it. Pure: values in, a conclusion out."""

from dataclasses import dataclass

from application.ports.cloud import Observation, Phase
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from infrastructure.openstack.actions.base import because
from infrastructure.openstack.actions.nova.records import (
    MIGRATING,
    NovaRecords,
    host_of,
    task_state,
)
from infrastructure.openstack.service import Json

_BROKEN = frozenset({"error", "failed"})
_ABORTED = frozenset({"cancelled", "reverted"})


@dataclass(frozen=True)
class Confirm:
    """The server has arrived and waits for the confirmation that ends the effect."""


def running(**facts: object) -> Observation:
    """It goes on."""
    return Observation(Phase.RUNNING, facts)


def live(server_id: str, destination: str | None, trace: NovaRecords) -> Observation:
    """What became of a live migration that left some record."""
    migration = trace.migration
    if migration is None:
        return _unrecorded(server_id, destination, trace)
    status = migration["status"]
    if trace.migrating and not trace.moved_on:
        return running(status=status, task_state=MIGRATING)
    if status in _BROKEN | _ABORTED:
        return _failed(server_id, trace, migration)
    if status == "completed":
        return _arrived(server_id, destination, trace, migration)
    if trace.server is None:
        return gone(server_id)
    return running(status=status)


def cold(server_id: str, destination: str | None, trace: NovaRecords) -> Observation | Confirm:
    """What became of a cold migration (or resize) that left some record."""
    migration = trace.migration
    if trace.status == "VERIFY_RESIZE" and not trace.busy and _waits_for_us(trace):
        return Confirm()
    if migration is None:
        return _unrecorded(server_id, destination, trace)
    status = migration["status"]
    if status in _BROKEN | _ABORTED:
        return _failed(server_id, trace, migration)
    if status == "confirmed":
        return _arrived(server_id, destination, trace, migration)
    if trace.server is None:
        return gone(server_id)
    return running(status=status, task_state=task_state(trace.server))


def _waits_for_us(trace: NovaRecords) -> bool:
    """Whether it is our move that waits; another's is for its owner to confirm or to revert."""
    if trace.migration is None:
        return not (trace.refused or trace.moved_on)
    return bool(trace.migration["status"] == "finished")


def gone(server_id: str) -> Observation:
    """The server does not exist any more."""
    return Observation(
        Phase.FAILED, {"server": server_id}, because(Reason.SERVER_NOT_FOUND, server=server_id)
    )


def unknown(error: str, **facts: object) -> Observation:
    """The records do not tell."""
    return Observation(Phase.UNKNOWN, facts, because(Reason.OUTCOME_UNKNOWN, error=error))


def _failed(server_id: str, trace: NovaRecords, migration: Json) -> Observation:
    status = migration["status"]
    if trace.pending:  # Nova marks the migration first and says why a moment later
        return running(status=status)
    facts: JsonObject = {"migration": migration["uuid"], "server": server_id, "status": status}
    if status in _ABORTED:
        return Observation(Phase.FAILED, facts, because(Reason.MIGRATION_ABORTED, **facts))
    # Nova marks what its scheduler or a pre-check turned down like what broke on the way
    if trace.refused and not migration.get("dest_compute"):
        return _turned_down(server_id, trace)
    facts["error"] = trace.words
    return Observation(Phase.FAILED, facts, because(Reason.MIGRATION_FAILED, **facts))


def _turned_down(server_id: str, trace: NovaRecords) -> Observation:
    facts: JsonObject = {"server": server_id, "error": trace.words}
    return Observation(Phase.FAILED, facts, because(Reason.MIGRATION_REFUSED, **facts))


def _arrived(
    server_id: str, destination: str | None, trace: NovaRecords, migration: Json
) -> Observation:
    if trace.server is None and migration.get("dest_compute") is None:
        return gone(server_id)
    if trace.status == "ERROR" and not trace.moved_on:
        facts: JsonObject = {"migration": migration["uuid"], "server": server_id, "status": "ERROR"}
        facts["error"] = trace.words
        return Observation(Phase.FAILED, facts, because(Reason.MIGRATION_FAILED, **facts))
    # once it has moved on, only the record tells where this migration took it
    stays = trace.server is not None and not trace.moved_on
    host = host_of(trace.server or {}) if stays else str(migration["dest_compute"])
    return _landed(server_id, destination, host, migration=migration["uuid"])


def _landed(server_id: str, destination: str | None, host: str, **facts: object) -> Observation:
    if destination and host != destination:
        missed = because(
            Reason.LANDED_ELSEWHERE, server=server_id, host=host, destination=destination
        )
        return Observation(Phase.FAILED, {"host": host, **facts}, missed)
    return Observation(Phase.DONE, {"host": host, **facts})


def _unrecorded(server_id: str, destination: str | None, trace: NovaRecords) -> Observation:
    """Our request was noted, but there is no migration: not yet, never, or archived since."""
    if trace.server is None:
        return gone(server_id)
    if trace.busy:
        return running(task_state=task_state(trace.server))
    if trace.refused:
        return _turned_down(server_id, trace)
    host = host_of(trace.server)
    if destination and host == destination:
        return _landed(server_id, destination, host)
    if trace.ended:
        return unknown("Nova ended the request and kept no migration of it", host=host)
    return running(waiting="for the migration that the request makes")
