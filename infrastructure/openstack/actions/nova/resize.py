"""The ``resize`` action: gives a server another flavor."""

from application.ports.cloud import Fail, Go, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.plans.action_types.resize import DECLARATION, FLAVOR_ALREADY_SET, FLAVOR_NOT_FOUND
from infrastructure.openstack.actions.base import because
from infrastructure.openstack.actions.conduct import SERVER_RIGHTS, Conduct
from infrastructure.openstack.actions.nova.migrate import STOPPABLE, MoveAction
from infrastructure.openstack.actions.nova.records import RESIZE, RecordTypes
from infrastructure.openstack.actions.nova.tracked_action import unsuitable_state
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import Json


class Resize(MoveAction):
    """Gives a server a flavor (id or name); the scheduler chooses the host."""

    declaration = DECLARATION
    conduct = Conduct(
        check="The server and the flavor. Skipped if the server is gone or has the flavor. Fails "
        "if the flavor does not exist, the server is locked, or is not ACTIVE or SHUTOFF.",
        effect="resize; then confirmResize, once the server waits in VERIFY_RESIZE for it.",
        observation="The migration and the instance action of the request.",
        undo="The resize to the former flavor.",
        rights=(
            *SERVER_RIGHTS,
            "os_compute_api:servers:resize",
            "os_compute_api:servers:confirm_resize",
        ),
    )

    def _check_server(self, server: Json, parameters: JsonObject) -> Verdict:
        flavor = self._flavor(parameters["flavor"])
        if flavor is None:
            return Fail(because(FLAVOR_NOT_FOUND, flavor=parameters["flavor"]))
        if server["flavor"].get("original_name") == flavor["name"]:
            return Skip(because(FLAVOR_ALREADY_SET, server=server["id"], flavor=flavor["name"]))
        unsuitable = unsuitable_state(server, STOPPABLE)
        return unsuitable or Go({**self._state_before(server), "flavor_id": flavor["id"]})

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Requests the resize, once."""
        body: Json = {"resize": {"flavorRef": before["flavor_id"]}}
        return self._request(RESIZE, parameters, before, body)

    def _kind(self, parameters: JsonObject) -> RecordTypes:
        del parameters
        return RESIZE

    def _back(self, before: JsonObject, host: str) -> JsonObject:
        del host
        return {"flavor": before["flavor"]}

    def _flavor(self, ident: object) -> Json | None:
        try:
            flavor: Json = self.clouds.compute.get(f"/flavors/{ident}")["flavor"]
        except ResourceNotFound:
            flavors = self.clouds.compute.list_all(
                "/flavors/detail", "flavors", {"is_public": "none"}
            )
            return next((flavor for flavor in flavors if flavor["name"] == ident), None)
        return flavor
