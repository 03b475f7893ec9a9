"""Actions that bring a server into a state: ``stop``, ``shelve`` and ``delete``."""

from application.ports.cloud import CLOUD_REFUSED, Fail, Go, Observation, Phase, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.plans.action_types import delete, shelve, stop
from domain.plans.reasons import EFFECT_UNDONE, SERVER_ALREADY_IN_STATE
from infrastructure.openstack.actions.base import because
from infrastructure.openstack.actions.conduct import SERVER_RIGHTS, Conduct
from infrastructure.openstack.actions.nova.outcome import running
from infrastructure.openstack.actions.nova.records import (
    DELETE,
    SHELVE,
    STOP,
    NovaRecords,
    RecordTypes,
    host_of,
    task_state,
)
from infrastructure.openstack.actions.nova.tracked_action import TrackedNovaAction, unsuitable_state
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import Json


class ServerStateAction(TrackedNovaAction):
    """Brings a server into a state. A server that no longer exists counts as in that state.

    Attributes:
        kind: the names of the request in Nova's records.
        body: of the request to the server's actions; None: the server is deleted.
        states: values of ``vm_state`` in which there is nothing to do.
        allowed: statuses in which Nova accepts the request.
    """

    kind: RecordTypes
    body: Json | None
    states: tuple[str, ...]
    allowed: tuple[str, ...]

    def _check_server(self, server: Json, parameters: JsonObject) -> Verdict:
        del parameters
        if _vm_state(server) in self.states:
            facts = {"server": server["id"], "status": server["status"]}
            return Skip(because(SERVER_ALREADY_IN_STATE, **facts))
        unsuitable: Fail | None = unsuitable_state(server, self.allowed)
        return unsuitable or Go(self._state_before(server))

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sends the request, once."""
        return self._request(self.kind, parameters, before, self.body)

    def _server_gone(self, server_id: object, error: ResourceNotFound) -> JsonObject:
        return {"request_id": None, "server": server_id, "gone": error.error}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Compares the state of the server with the wanted one."""
        records = self._records(self.kind, parameters, before, receipt)
        if records.server is None:
            return Observation(Phase.DONE, {"status": "DELETED"})
        # a shelved server has a task state until it has left its host
        if _vm_state(records.server) in self.states and not records.is_in_task(self.kind):
            return Observation(Phase.DONE, {"status": records.status})
        if records.is_empty:
            return self._unrecorded(str(parameters["resource_id"]), records, before, receipt)
        return self._in_progress(records.server, records)

    def _in_progress(self, server: Json, records: NovaRecords) -> Observation:
        facts: JsonObject = {"status": records.status, "host": host_of(server)}
        if records.is_busy:
            return running(task_state=task_state(server), **facts)
        if records.is_refused:
            return Observation(Phase.FAILED, facts, because(CLOUD_REFUSED, error=records.error))
        if records.is_finished:
            undone = f"Nova finished the request, and the server is {records.status}"
            return Observation(Phase.FAILED, facts, because(EFFECT_UNDONE, error=undone))
        return running(**facts)


class Stop(ServerStateAction):
    """Stops a server."""

    declaration = stop.DECLARATION
    conduct = Conduct(
        check="The server. Skipped if it is gone or in the wanted state. Fails if it is locked, "
        "or not ACTIVE or ERROR.",
        effect="os-stop, once.",
        observation="The state of the server; the instance action of the request.",
        rights=(*SERVER_RIGHTS, "os_compute_api:servers:stop"),
    )
    kind = STOP
    body: Json | None = {"os-stop": None}  # noqa: RUF012 - never changed
    states = ("stopped", "shelved", "shelved_offloaded", "soft-delete")
    allowed = ("ACTIVE", "ERROR")


class Shelve(ServerStateAction):
    """Shelves a server: Nova stops it, and removes it from its host if configured to."""

    declaration = shelve.DECLARATION
    conduct = Conduct(
        check="The server. Skipped if it is gone or in the wanted state. Fails if it is locked, "
        "or not ACTIVE, SHUTOFF, PAUSED or SUSPENDED.",
        effect="shelve, once.",
        observation="The state of the server; the instance action of the request.",
        rights=(*SERVER_RIGHTS, "os_compute_api:os-shelve:shelve"),
    )
    kind = SHELVE
    body: Json | None = {"shelve": None}  # noqa: RUF012 - never changed
    states = ("shelved", "shelved_offloaded", "soft-delete")
    allowed = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")


class Delete(ServerStateAction):
    """Deletes a server."""

    declaration = delete.DECLARATION
    conduct = Conduct(
        check="The server. Skipped if it is gone or in the wanted state. Fails if it is locked, "
        "or not in a settled status.",
        effect="DELETE of the server, once.",
        observation="The state of the server; the instance action of the request.",
        rights=(*SERVER_RIGHTS, "os_compute_api:servers:delete"),
    )
    kind = DELETE
    body = None
    states = ("deleted", "soft-delete")
    allowed = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "ERROR", "SHELVED", "SHELVED_OFFLOADED")


def _vm_state(server: Json) -> str:
    return str(server.get("OS-EXT-STS:vm_state"))
