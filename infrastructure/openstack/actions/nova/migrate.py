"""The ``migrate`` action: moves a server to another host, live or cold."""

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from application.ports.cloud import Fail, Go, Observation, Phase, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action_types.migrate import (
    ALREADY_AT_DESTINATION,
    DECLARATION,
    DESTINATION_DISABLED,
    DESTINATION_DOWN,
    DESTINATION_NOT_FOUND,
    SERVER_NOT_ON_SOURCE,
)
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import MIGRATION_REFUSED, NOTHING_TO_UNDO, OUTCOME_UNKNOWN
from infrastructure.openstack.actions.base import because, inverse, number
from infrastructure.openstack.actions.conduct import SERVER_RIGHTS, Conduct
from infrastructure.openstack.actions.nova.outcome import CONFIRM, cold, live
from infrastructure.openstack.actions.nova.records import (
    COLD,
    LIVE,
    NovaRecords,
    RecordTypes,
    host_of,
)
from infrastructure.openstack.actions.nova.tracked_action import TrackedNovaAction, unsuitable_state
from infrastructure.openstack.errors import Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import Json

_log = logging.getLogger(__name__)
_SYNCHRONOUS = "2.30"
"""Up to 2.33 Nova's scheduler and both hosts check a live migration before Nova responds: a refusal
is a 400 with its reason. From 2.34 on it is a 202 and, later, a migration in status ``error``."""
_TO_HOST = "2.56"
"""From 2.56 on a cold migration takes a destination, which the scheduler checks."""
_ABORT = "2.80"
"""2.65: queued migrations can be aborted too; 2.80: a migration shows its user."""
_LIVE = ("ACTIVE",)
STOPPABLE = ("ACTIVE", "SHUTOFF")
_BYTES_PER_MB = 1024**2
_BYTES_PER_GB = 1024**3


class MoveAction(TrackedNovaAction):
    """A migration or a resize; the confirmation of both."""

    refusal = MIGRATION_REFUSED

    @abstractmethod
    def _kind(self, parameters: JsonObject) -> RecordTypes: ...

    @abstractmethod
    def _back(self, before: JsonObject, host: str) -> JsonObject:
        """The parameters that differ in the inverse action, for a server that is on a host now."""

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Reads the state from Nova's records."""
        records = self._records(self._kind(parameters), parameters, before, receipt)
        if records.is_empty:
            return self._unrecorded(str(parameters["resource_id"]), records, before, receipt)
        return self._outcome(parameters, records)

    def _outcome(self, parameters: JsonObject, records: NovaRecords) -> Observation:
        return cold(str(parameters["resource_id"]), _destination(parameters), records)

    def advance(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None, step: str
    ) -> JsonObject:
        """Confirms a cold migration or resize; Nova accepts one confirmation and refuses others."""
        del before, receipt
        if step != CONFIRM:
            raise LookupError(f"{self.declaration.name} has no step {step}")
        path = f"/servers/{parameters['resource_id']}/action"
        response = self.clouds.compute.send_once("POST", path, {"confirmResize": None})
        return {"request_id": response.request_id}

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """The way back of a server that has arrived somewhere."""
        host = str(outcome.get("host") or "")
        if not host:
            return because(OUTCOME_UNKNOWN, error="the server's host after the action is unknown")
        return inverse(self.declaration.name, parameters, self._back(before, host))

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """The time to copy the local disk at the lowest rate."""
        del parameters
        return self._copy_deadline(number(before["disk_gb"]) * _BYTES_PER_GB)

    def _copy_deadline(self, size: float) -> float:
        return max(self.limits.shortest_deadline, size / self.limits.copy_rate)


class Migrate(MoveAction):
    """Moves a server to a host, or to one that the scheduler chooses."""

    declaration = DECLARATION
    conduct = Conduct(
        check="The server and, if one is named, the destination's service. Skipped if the server "
        "is gone, or is not on the source host. Fails if its status does not allow the migration "
        "(live: ACTIVE; cold: ACTIVE or SHUTOFF; none in progress), if it is locked, or if the "
        "destination does not exist, is disabled or down. Then the placement rules, by the newest "
        "model: skipped if they forbid the move now.",
        effect="Live: os-migrateLive, microversion 2.30, without force. Cold: migrate, 2.56; then "
        "confirmResize, once the server waits in VERIFY_RESIZE for Vigil's own migration.",
        observation="The migration and the instance action of the request. A live migration shows "
        "its progress; it is DONE once Nova accepts the next request for the server.",
        abort="Live: DELETE of the migration, queued or running. Cold: no.",
        undo="The migration back to the former host.",
        rights=(
            *SERVER_RIGHTS,
            "os_compute_api:os-services:list",
            "os_compute_api:os-migrate-server:migrate_live",
            "os_compute_api:os-migrate-server:migrate",
            "os_compute_api:servers:confirm_resize",
            "os_compute_api:servers:migrations:index",
            "os_compute_api:servers:migrations:delete",
        ),
    )

    def _check_server(self, server: Json, parameters: JsonObject) -> Verdict:
        return (
            _misplaced(server, parameters)
            or unsuitable_state(server, _LIVE if _is_live(parameters) else STOPPABLE)
            or self._bad_destination(parameters)
            or Go(self._state_before(server))
        )

    def _bad_destination(self, parameters: JsonObject) -> Fail | None:
        host = parameters.get("destination_node")
        if not host:
            return None
        service = self._compute_service(host)
        if service is None:
            return Fail(because(DESTINATION_NOT_FOUND, host=host))
        if service["status"] != "enabled":
            return Fail(because(DESTINATION_DISABLED, host=host))
        if service["state"] != "up":
            return Fail(because(DESTINATION_DOWN, host=host))
        return None

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Requests the migration, once."""
        host = _destination(parameters)
        if _is_live(parameters):
            body: Json = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
            return self._request(LIVE, parameters, before, body, _SYNCHRONOUS)
        body = {"migrate": {"host": host} if host else None}
        return self._request(COLD, parameters, before, body, _TO_HOST)

    def _kind(self, parameters: JsonObject) -> RecordTypes:
        return LIVE if _is_live(parameters) else COLD

    def _back(self, before: JsonObject, host: str) -> JsonObject:
        return {"source_node": host, "destination_node": before["host"]}

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """The migration back to the former host; none if the server is there."""
        if outcome.get("host") == before["host"]:
            return because(NOTHING_TO_UNDO, type=self.declaration.name)
        return super().compensation(parameters, before, outcome)

    def _outcome(self, parameters: JsonObject, records: NovaRecords) -> Observation:
        if not _is_live(parameters):
            return super()._outcome(parameters, records)
        server_id, migration = str(parameters["resource_id"]), records.migration
        seen = live(server_id, _destination(parameters), records)
        if seen.phase is not Phase.RUNNING or migration is None:
            return seen
        for current in self._in_progress(server_id):
            if current["uuid"] == migration["uuid"]:
                return _with_progress(seen, current)
        return seen

    def _in_progress(self, server_id: object) -> list[Json]:
        """The live migrations of a server in progress; Nova allows one."""
        try:
            found: list[Json] = self.clouds.compute.get(f"/servers/{server_id}/migrations")[
                "migrations"
            ]
        except ResourceNotFound:
            return []
        return found

    def can_abort(self, parameters: JsonObject) -> bool:
        """Nova aborts live migrations only."""
        return _is_live(parameters)

    def abort(self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None) -> None:
        """Aborts Vigil's live migration, queued or running."""
        del receipt
        nova, server_id = self.clouds.compute, parameters["resource_id"]
        user, known = nova.user_id(), cast("Sequence[str]", before["migrations"])
        for migration in self._in_progress(server_id):
            if migration.get("user_id", user) != user or migration["uuid"] in known:
                continue
            path = f"/servers/{server_id}/migrations/{migration['id']}"
            try:
                nova.send_once("DELETE", path, None, version=_ABORT)
            except (Conflicting, Invalid, ResourceNotFound) as error:
                _log.info("server %s: the migration was not aborted: %s", server_id, error.error)

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """The time to copy the memory (live) or the local disk (cold) at the lowest rate."""
        if not _is_live(parameters):
            return super().deadline(parameters, before)
        return self._copy_deadline(number(before["ram_mb"]) * _BYTES_PER_MB)


def _is_live(parameters: JsonObject) -> bool:
    return parameters["migration_type"] == "live"


def _destination(parameters: JsonObject) -> str | None:
    host = parameters.get("destination_node")
    return str(host) if host else None


def _misplaced(server: Json, parameters: JsonObject) -> Skip | None:
    host, source = host_of(server), parameters["source_node"]
    destination = _destination(parameters)
    if destination == host:
        return Skip(because(ALREADY_AT_DESTINATION, server=server["id"], host=host))
    if host != source:
        facts = {"server": server["id"], "host": host or None, "source": source}
        return Skip(because(SERVER_NOT_ON_SOURCE, **facts))
    return None


def _with_progress(seen: Observation, migration: Json) -> Observation:
    """An observation, with what Nova shows of the memory and the local disks that are copied."""
    total = number(migration.get("memory_total_bytes"))
    done = number(migration.get("memory_processed_bytes"))
    facts: JsonObject = {"migration": migration["uuid"], "status": migration["status"]}
    if total <= 0:
        return replace(seen, facts={**seen.facts, **facts})
    facts.update(memory_total=total, memory_processed=done)
    facts["percent"] = round(min(100.0 * done / total, 99.0), 1)
    copied = done + number(migration.get("disk_processed_bytes"))
    left = migration.get("memory_remaining_bytes"), migration.get("disk_remaining_bytes")
    remaining = sum(map(number, left))
    return replace(seen, facts={**seen.facts, **facts}, copied=copied, remaining=remaining)
