"""Actions that end in a state of the server: ``stop``, ``shelve`` and ``delete``."""

from application.ports.cloud import Fail, Go, Observation, Phase, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from infrastructure.openstack.actions.base import SERVER_ID, because, parameters
from infrastructure.openstack.actions.nova.outcome import running
from infrastructure.openstack.actions.nova.records import (
    DELETE,
    SHELVE,
    STOP,
    EffectNames,
    NovaRecords,
    host_of,
    task_state,
)
from infrastructure.openstack.actions.nova.tracked_action import TrackedNovaAction, unfit
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import Json


class ServerStateAction(TrackedNovaAction):
    """Brings a server into a state. A server that is gone is taken to be in it.

    Attributes:
        kind: how Nova's records call it.
        body: what is posted to the server; None: the server is deleted.
        states: of a server that is there already (``vm_state``).
        allowed: statuses in which Nova takes the request.
    """

    schema = parameters(("resource_id",), resource_id=SERVER_ID)
    kind: EffectNames
    body: Json | None
    states: tuple[str, ...]
    allowed: tuple[str, ...]

    def _check(self, parameters: JsonObject) -> Verdict:
        server_id = parameters["resource_id"]
        server = self._server(parameters)
        if server is None:
            return Skip(because(Reason.SERVER_NOT_FOUND, server=server_id))
        if _vm_state(server) in self.states:
            status = server["status"]
            return Skip(because(Reason.SERVER_ALREADY_IN_STATE, server=server_id, status=status))
        wrong: Fail | None = unfit(server, self.allowed)
        return wrong or Go(self._note(server))

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Asks Nova, once."""
        return self._act(self.kind, parameters, before, self.body)

    def _absent(self, server_id: object, error: ResourceNotFound) -> JsonObject:
        return {"request_id": None, "server": server_id, "gone": error.error}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Whether the server is there, or on its way."""
        trace = self._trace(self.kind, parameters, before, receipt)
        if trace.server is None or _vm_state(trace.server) in self.states:
            return Observation(Phase.DONE, {"status": trace.status or "DELETED"})
        if trace.nothing:
            return self._untraced(str(parameters["resource_id"]), trace, before, receipt)
        return self._under_way(trace.server, trace)

    def _under_way(self, server: Json, trace: NovaRecords) -> Observation:
        facts: JsonObject = {"status": trace.status, "host": host_of(server)}
        if trace.busy:
            return running(task_state=task_state(server), **facts)
        if trace.refused:
            return Observation(
                Phase.FAILED, facts, because(Reason.CLOUD_REFUSED, error=trace.words)
            )
        if trace.ended:
            undone = f"Nova ended the request, and the server is {trace.status}"
            return Observation(Phase.FAILED, facts, because(Reason.EFFECT_UNDONE, error=undone))
        return running(**facts)


class Stop(ServerStateAction):
    """Stops a server."""

    type = "stop"
    description = "Stops a server."
    kind = STOP
    body: Json | None = {"os-stop": None}  # noqa: RUF012 - never changed
    states = ("stopped", "shelved", "shelved_offloaded", "soft-delete")
    allowed = ("ACTIVE", "ERROR")


class Shelve(ServerStateAction):
    """Shelves a server: it stops, and Nova takes it off its host when it is configured to."""

    type = "shelve"
    description = "Shelves a server."
    kind = SHELVE
    body: Json | None = {"shelve": None}  # noqa: RUF012 - never changed
    states = ("shelved", "shelved_offloaded", "soft-delete")
    allowed = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")


class Delete(ServerStateAction):
    """Deletes a server."""

    type = "delete"
    description = "Deletes a server."
    kind = DELETE
    body = None
    states = ("deleted", "soft-delete")
    allowed = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "ERROR", "SHELVED", "SHELVED_OFFLOADED")


def _vm_state(server: Json) -> str:
    return str(server.get("OS-EXT-STS:vm_state"))
