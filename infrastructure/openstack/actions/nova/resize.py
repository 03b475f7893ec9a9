"""The ``resize`` action: a server gets another flavor."""

from application.ports.cloud import Fail, Go, Observation, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from infrastructure.openstack.actions.base import NAME, SERVER_ID, because, number, parameters
from infrastructure.openstack.actions.nova.migrate import STOPPABLE, MovingAction
from infrastructure.openstack.actions.nova.records import RESIZE
from infrastructure.openstack.actions.nova.tracked_action import unfit
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import Json

_BYTES_PER_GB = 1024**3


class Resize(MovingAction):
    """Gives a server a flavor, named by id or by name; the scheduler picks its host."""

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
        wrong = unfit(server, STOPPABLE)
        return wrong or Go({**self._note(server), "flavor_id": flavor["id"]})

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Asks Nova for the resize, once."""
        body: Json = {"resize": {"flavorRef": before["flavor_id"]}}
        return self._act(RESIZE, parameters, before, body)

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """What became of it, from Nova's records; confirms it when it waits for that."""
        server_id = str(parameters["resource_id"])
        trace = self._trace(RESIZE, parameters, before, receipt)
        if trace.nothing:
            return self._untraced(server_id, trace, before, receipt)
        return self._settled(server_id, None, trace)

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """From the local disk, which is copied if the server changes its host."""
        del parameters
        size = number(before["disk_gb"]) * _BYTES_PER_GB
        return max(self._limits.shortest_deadline, size / self._limits.copy_rate)

    def _flavor(self, ident: object) -> Json | None:
        try:
            flavor: Json = self._nova.get(f"/flavors/{ident}")["flavor"]
        except ResourceNotFound:
            everything = self._nova.listed("/flavors/detail", "flavors", {"is_public": "none"})
            return next((flavor for flavor in everything if flavor["name"] == ident), None)
        return flavor
