"""The ``resize`` action: gives a server another flavor."""

from application.ports.cloud import Fail, Go, Observation, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from infrastructure.openstack.actions.base import NAME, SERVER_ID, because, number, parameters
from infrastructure.openstack.actions.nova.migrate import STOPPABLE, MoveAction
from infrastructure.openstack.actions.nova.records import RESIZE
from infrastructure.openstack.actions.nova.tracked_action import unsuitable_state
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import Json

_BYTES_PER_GB = 1024**3


class Resize(MoveAction):
    """Gives a server a flavor (id or name); the scheduler chooses the host."""

    type = "resize"
    description = "Gives a server another flavor."
    schema = parameters(("resource_id", "flavor"), resource_id=SERVER_ID, flavor=NAME)

    def _check(self, parameters: JsonObject) -> Verdict:
        server_id = parameters["resource_id"]
        server = self._server(parameters)
        if server is None:
            return Skip(because(Reason.SERVER_NOT_FOUND, server=server_id))
        flavor = self._flavor(parameters["flavor"])
        if flavor is None:
            return Fail(because(Reason.FLAVOR_NOT_FOUND, flavor=parameters["flavor"]))
        if server["flavor"].get("original_name") == flavor["name"]:
            return Skip(because(Reason.FLAVOR_ALREADY_SET, server=server_id, flavor=flavor["name"]))
        unsuitable = unsuitable_state(server, STOPPABLE)
        return unsuitable or Go({**self._state_before(server), "flavor_id": flavor["id"]})

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Requests the resize, once."""
        body: Json = {"resize": {"flavorRef": before["flavor_id"]}}
        return self._request(RESIZE, parameters, before, body)

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Reads the state from Nova's records; confirms a resize that is finished."""
        server_id = str(parameters["resource_id"])
        records = self._records(RESIZE, parameters, before, receipt)
        if records.is_empty:
            return self._unrecorded(server_id, records, before, receipt)
        return self._move_outcome(server_id, None, records)

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """The time to copy the local disk, as when the server changes its host."""
        del parameters
        size = number(before["disk_gb"]) * _BYTES_PER_GB
        return max(self._limits.shortest_deadline, size / self._limits.copy_rate)

    def _flavor(self, ident: object) -> Json | None:
        try:
            flavor: Json = self._nova.get(f"/flavors/{ident}")["flavor"]
        except ResourceNotFound:
            flavors = self._nova.list_all("/flavors/detail", "flavors", {"is_public": "none"})
            return next((flavor for flavor in flavors if flavor["name"] == ident), None)
        return flavor
