"""Actions on a server that Nova's records of the server identify."""

import logging
from abc import abstractmethod
from collections.abc import Container

from application.ports.cloud import (
    CLOUD_REFUSED,
    CloudRefused,
    Fail,
    Observation,
    Phase,
    Skip,
    Verdict,
)
from domain.cluster.placement.movability import SERVER_LOCKED, SERVER_STATE_UNSUITABLE
from domain.kernel.aggregate import JsonObject
from domain.plans.reasons import SERVER_NOT_FOUND
from infrastructure.openstack.actions.base import Handler, because, number
from infrastructure.openstack.actions.nova.outcome import gone, running, unknown
from infrastructure.openstack.actions.nova.records import (
    NovaRecords,
    RecordTypes,
    find_records,
    host_of,
    records_before,
    task_state,
)
from infrastructure.openstack.collectors.records import local_disk
from infrastructure.openstack.errors import CloudForbidden, Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import Json

_log = logging.getLogger(__name__)


class TrackedNovaAction(Handler):
    """A handler whose request creates an instance action, and perhaps a migration.

    Attributes:
        refusal: the reason of a refused request.
    """

    refusal = CLOUD_REFUSED

    def precondition(self, parameters: JsonObject) -> Verdict:
        """Reads the server."""
        server = self._server(parameters)
        if server is None:
            return Skip(because(SERVER_NOT_FOUND, server=parameters["resource_id"]))
        return self._check_server(server, parameters)

    @abstractmethod
    def _check_server(self, server: Json, parameters: JsonObject) -> Verdict: ...

    def _state_before(self, server: Json) -> JsonObject:
        flavor = server["flavor"]
        return {
            **records_before(self.clouds.compute, server["id"]),
            "host": host_of(server),
            "status": server["status"],
            "flavor": flavor.get("original_name"),
            "ram_mb": flavor.get("ram") or 0,
            "disk_gb": local_disk(server) or 0,
            "checked_at": self.now(),
        }

    def _records(
        self,
        kind: RecordTypes,
        parameters: JsonObject,
        before: JsonObject,
        receipt: JsonObject | None,
    ) -> NovaRecords:
        server_id = parameters["resource_id"]
        return find_records(
            self.clouds.compute, kind, self._server(parameters), server_id, before, receipt
        )

    def _request(
        self,
        kind: RecordTypes,
        parameters: JsonObject,
        before: JsonObject,
        body: Json | None,
        version: str | None = None,
    ) -> JsonObject:
        """Posts ``body`` to the server's actions; without a body, deletes the server.

        After a conflict with an earlier request of Vigil, returns the receipt of that request.
        """
        server_id = parameters["resource_id"]
        path = f"/servers/{server_id}"
        try:
            if body is None:
                response = self.clouds.compute.send_once("DELETE", path, None, version=version)
            else:
                response = self.clouds.compute.send_once(
                    "POST", f"{path}/action", body, version=version
                )
        except Conflicting as error:
            records = self._records(kind, parameters, before, None)
            if records.action is None or records.is_refused:
                raise self._refused(server_id, error.error) from error
            earlier = records.action["request_id"]
            _log.info("server %s: adopting the earlier request %s", server_id, earlier)
            return {"request_id": earlier, "adopted": True}
        except ResourceNotFound as error:
            return self._server_gone(server_id, error)
        except (CloudForbidden, Invalid) as error:
            raise self._refused(server_id, error.error) from error
        return {"request_id": response.request_id}

    def _server_gone(self, server_id: object, error: ResourceNotFound) -> JsonObject:
        """Handles a server that was deleted between the check and the request."""
        raise self._refused(server_id, error.error) from error

    def _refused(self, server_id: object, error: str) -> CloudRefused:
        return CloudRefused(because(self.refusal, server=server_id, error=error))

    def _unrecorded(
        self, server_id: str, records: NovaRecords, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """The state of an action of which Nova has no record."""
        if records.server is None:
            return gone(server_id)
        if records.is_busy:
            return running(task_state=task_state(records.server))
        host = host_of(records.server)
        if receipt is not None:
            return unknown("Nova accepted the request and has no record of it", host=host)
        if self.now() - number(before["checked_at"]) < self.limits.settle:
            return running(waiting="for a request that may not have arrived yet")
        return Observation(Phase.NEVER_STARTED, {"host": host})


def unsuitable_state(server: Json, statuses: Container[str]) -> Fail | None:
    """Returns a failure if the state of a server does not allow an action.

    Nova lets administrators act on locked servers; Vigil does not.
    """
    status, task = server["status"], task_state(server)
    if task is not None or status not in statuses:
        shown = status if task is None else f"{status} ({task})"
        return Fail(because(SERVER_STATE_UNSUITABLE, server=server["id"], status=shown))
    if server.get("locked"):
        return Fail(because(SERVER_LOCKED, server=server["id"]))
    return None
