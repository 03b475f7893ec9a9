"""Effects on a server that are recognised by what Nova remembers of the server."""

import logging
from collections.abc import Container

from application.ports.cloud import CloudRefused, Fail, Observation, Phase
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from infrastructure.openstack.actions.base import Handler, because, number
from infrastructure.openstack.actions.nova.outcome import gone, running, unknown
from infrastructure.openstack.actions.nova.records import (
    EffectNames,
    NovaRecords,
    host_of,
    noted,
    task_state,
    traced,
)
from infrastructure.openstack.collectors.records import local_disk
from infrastructure.openstack.errors import CloudForbidden, Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import Json

_log = logging.getLogger(__name__)


class TrackedNovaAction(Handler):
    """A handler whose effect leaves an instance action, and perhaps a migration.

    Attributes:
        refusal: the reason for which ``start`` says no.
    """

    refusal = Reason.CLOUD_REFUSED

    def _note(self, server: Json) -> JsonObject:
        flavor = server["flavor"]
        return {
            **noted(self._nova, server["id"]),
            "host": host_of(server),
            "status": server["status"],
            "flavor": flavor.get("original_name"),
            "ram_mb": flavor.get("ram") or 0,
            "disk_gb": local_disk(server) or 0,
            "checked_at": self._now(),
        }

    def _trace(
        self,
        kind: EffectNames,
        parameters: JsonObject,
        before: JsonObject,
        receipt: JsonObject | None,
    ) -> NovaRecords:
        server_id = parameters["resource_id"]
        return traced(self._nova, kind, self._server(parameters), server_id, before, receipt)

    def _act(
        self,
        kind: EffectNames,
        parameters: JsonObject,
        before: JsonObject,
        body: Json | None,
        version: str | None = None,
    ) -> JsonObject:
        """Has the effect: posts ``body`` to the server, or deletes the server if there is none.

        A conflict may be our own earlier request: then that one is adopted.
        """
        server_id = parameters["resource_id"]
        path = f"/servers/{server_id}"
        try:
            if body is None:
                answer = self._nova.effect("DELETE", path, None, version=version)
            else:
                answer = self._nova.effect("POST", f"{path}/action", body, version=version)
        except Conflicting as error:
            trace = self._trace(kind, parameters, before, None)
            if trace.action is None or trace.refused:
                raise self._refused(server_id, error.error) from error
            ours = trace.action["request_id"]
            _log.info("server %s: what is in the way is our own request %s", server_id, ours)
            return {"request_id": ours, "adopted": True}
        except ResourceNotFound as error:
            return self._absent(server_id, error)
        except (CloudForbidden, Invalid) as error:
            raise self._refused(server_id, error.error) from error
        return {"request_id": answer.request_id}

    def _absent(self, server_id: object, error: ResourceNotFound) -> JsonObject:
        """The server went between the check and the effect."""
        raise self._refused(server_id, error.error) from error

    def _refused(self, server_id: object, error: str) -> CloudRefused:
        return CloudRefused(because(self.refusal, server=server_id, error=error))

    def _untraced(
        self, server_id: str, trace: NovaRecords, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """There is no record of the effect."""
        if trace.server is None:
            return gone(server_id)
        if trace.busy:
            return running(task_state=task_state(trace.server))
        host = host_of(trace.server)
        if receipt is not None:
            return unknown("Nova accepted the request and kept no record of it", host=host)
        if self._now() - number(before["checked_at"]) < self._limits.settle:
            return running(waiting="for a request that may still be on its way")
        return Observation(Phase.NEVER_STARTED, {"host": host})


def unfit(server: Json, statuses: Container[str]) -> Fail | None:
    """Why its state forbids an action, if it does.

    Nova lets administrators act on servers that their owners have locked. We do not.
    """
    status, task = server["status"], task_state(server)
    if task is not None or status not in statuses:
        shown = status if task is None else f"{status} ({task})"
        return Fail(because(Reason.SERVER_STATE_UNSUITABLE, server=server["id"], status=shown))
    if server.get("locked"):
        return Fail(because(Reason.SERVER_LOCKED, server=server["id"]))
    return None
