"""The ``migrate`` action: a server goes to another host, live or cold."""

import logging

from application.ports.cloud import Fail, Go, Observation, Phase, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from infrastructure.openstack.actions.base import (
    NAME,
    OPTIONAL_NAME,
    SERVER_ID,
    because,
    number,
    parameters,
)
from infrastructure.openstack.actions.nova.outcome import Confirm, cold, live, running
from infrastructure.openstack.actions.nova.records import COLD, LIVE, NovaRecords, host_of
from infrastructure.openstack.actions.nova.tracked_action import TrackedNovaAction, unfit
from infrastructure.openstack.errors import Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import Json

_log = logging.getLogger(__name__)
_SYNCHRONOUS = "2.30"
"""Up to 2.33 Nova's scheduler and both hosts check a live migration before the request is answered:
a refusal is a 400 with its reason. From 2.34 on it is a 202 and, later, a migration in error."""
_TO_HOST = "2.56"
"""From here on a cold migration takes a destination (and the scheduler checks it)."""
_ABORT = "2.80"
"""2.65: queued migrations can be aborted too; 2.80: a migration says whose it is."""
_LIVE = ("ACTIVE",)
STOPPABLE = ("ACTIVE", "SHUTOFF")
_BYTES_PER_MB = 1024**2
_BYTES_PER_GB = 1024**3


class MovingAction(TrackedNovaAction):
    """What migrations and resizes have in common: a reason for refusals, and the confirmation."""

    refusal = Reason.MIGRATION_REFUSED

    def _settled(self, server_id: str, destination: str | None, trace: NovaRecords) -> Observation:
        """What became of a move that ends with a confirmation, which is given here."""
        judged = cold(server_id, destination, trace)
        if not isinstance(judged, Confirm):
            return judged
        path = f"/servers/{server_id}/action"
        try:
            self._nova.effect("POST", path, {"confirmResize": None})
        except (Conflicting, Invalid, ResourceNotFound) as error:
            # Nova takes one confirmation and refuses the others: somebody else was first
            _log.info("server %s: not confirmed (%s); looking again", server_id, error.error)
        return running(status="confirming")


class Migrate(MovingAction):
    """Moves a server to a host, or to one that the scheduler picks."""

    type = "migrate"
    description = "Moves a server to another compute host, live or cold."
    schema = parameters(
        ("resource_id", "migration_type", "source_node"),
        resource_id=SERVER_ID,
        migration_type={"type": "string", "enum": ["live", "cold"]},
        source_node=NAME,
        destination_node=OPTIONAL_NAME,
        resource_name=OPTIONAL_NAME,
    )

    def _check(self, parameters: JsonObject) -> Verdict:
        server_id = parameters["resource_id"]
        server = self._server(parameters)
        if server is None:
            return Skip(because(Reason.SERVER_NOT_FOUND, server=server_id))
        return (
            _misplaced(server, parameters)
            or unfit(server, _LIVE if _is_live(parameters) else STOPPABLE)
            or self._bad_destination(parameters)
            or Go(self._note(server))
        )

    def _bad_destination(self, parameters: JsonObject) -> Fail | None:
        host = parameters.get("destination_node")
        if not host:
            return None
        service = self._compute_service(host)
        if service is None:
            return Fail(because(Reason.DESTINATION_NOT_FOUND, host=host))
        if service["status"] != "enabled":
            return Fail(because(Reason.DESTINATION_DISABLED, host=host))
        if service["state"] != "up":
            return Fail(because(Reason.DESTINATION_DOWN, host=host))
        return None

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Asks Nova for the migration, once."""
        host = _destination(parameters)
        if _is_live(parameters):
            body: Json = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
            return self._act(LIVE, parameters, before, body, _SYNCHRONOUS)
        body = {"migrate": {"host": host} if host else None}
        return self._act(COLD, parameters, before, body, _TO_HOST)

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """What became of it, from Nova's records; confirms a cold migration that has arrived."""
        server_id = str(parameters["resource_id"])
        kind = LIVE if _is_live(parameters) else COLD
        trace = self._trace(kind, parameters, before, receipt)
        if trace.nothing:
            return self._untraced(server_id, trace, before, receipt)
        if kind is LIVE:
            seen = live(server_id, _destination(parameters), trace)
            return self._progress(server_id, trace, seen)
        return self._settled(server_id, _destination(parameters), trace)

    def _progress(self, server_id: str, trace: NovaRecords, seen: Observation) -> Observation:
        migration = trace.migration
        if seen.phase is not Phase.RUNNING or migration is None:
            return seen
        for current in self._in_progress(server_id):
            if current["uuid"] == migration["uuid"]:
                return Observation(seen.phase, {**seen.facts, **_copied(current)})
        return seen

    def _in_progress(self, server_id: object) -> list[Json]:
        """Live migrations of a server that go on: at most one, as far as Nova knows."""
        try:
            found: list[Json] = self._nova.get(f"/servers/{server_id}/migrations")["migrations"]
        except ResourceNotFound:
            return []
        return found

    def abort(self, parameters: JsonObject, receipt: JsonObject | None) -> None:
        """Aborts our live migration while it is queued or runs; a cold one cannot be stopped."""
        del receipt
        if not _is_live(parameters):
            return
        server_id, user = parameters["resource_id"], self._nova.user_id()
        for migration in self._in_progress(server_id):
            if migration.get("user_id", user) != user:
                continue
            path = f"/servers/{server_id}/migrations/{migration['id']}"
            try:
                self._nova.effect("DELETE", path, None, version=_ABORT)
            except (Conflicting, Invalid, ResourceNotFound) as error:
                _log.info("server %s: migration goes on: %s", server_id, error.error)

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """From what has to be copied: memory, or the local disk of a cold migration."""
        size = number(before["ram_mb"]) * _BYTES_PER_MB
        if not _is_live(parameters):
            size = number(before["disk_gb"]) * _BYTES_PER_GB
        return max(self._limits.shortest_deadline, size / self._limits.copy_rate)


def _is_live(parameters: JsonObject) -> bool:
    return parameters["migration_type"] == "live"


def _destination(parameters: JsonObject) -> str | None:
    host = parameters.get("destination_node")
    return str(host) if host else None


def _misplaced(server: Json, parameters: JsonObject) -> Skip | None:
    host, source = host_of(server), parameters["source_node"]
    destination = _destination(parameters)
    if destination == host:
        return Skip(because(Reason.ALREADY_AT_DESTINATION, server=server["id"], host=host))
    if host != source:
        facts = {"server": server["id"], "host": host or None, "source": source}
        return Skip(because(Reason.SERVER_NOT_ON_SOURCE, **facts))
    return None


def _copied(migration: Json) -> JsonObject:
    total = number(migration.get("memory_total_bytes"))
    done = number(migration.get("memory_processed_bytes"))
    facts: JsonObject = {"migration": migration["uuid"], "status": migration["status"]}
    if total > 0:
        facts.update(memory_total=total, memory_processed=done)
        facts["percent"] = round(min(100.0 * done / total, 99.0), 1)
    return facts
