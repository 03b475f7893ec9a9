"""The ``change_nova_service_state`` action: enables or disables a compute host."""

from application.ports.cloud import (
    CLOUD_REFUSED,
    CloudRefused,
    Go,
    Observation,
    Phase,
    Skip,
    Verdict,
)
from domain.cluster.compute.reasons import SERVICE_NOT_FOUND
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action_types.change_nova_service_state import (
    DECLARATION,
    SERVICE_ALREADY_IN_STATE,
    SERVICE_DISABLED_FOR_OTHER_REASON,
)
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import EFFECT_UNDONE, NOTHING_TO_UNDO
from infrastructure.openstack.actions.base import Handler, because, inverse
from infrastructure.openstack.actions.conduct import ALREADY_SO, Conduct
from infrastructure.openstack.errors import CloudForbidden, Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import Json


class ChangeNovaServiceState(Handler):
    """Enables or disables nova-compute on a host.

    ``resource_name`` is the host name of the service. Without it, ``resource_id`` is that name or
    the uuid of the hypervisor. A host is enabled only while it is disabled with the given
    ``disabled_reason``, if there is one. The outcome of a disabling has the number of ``servers``
    on the host: the scheduler places no others there any more.
    """

    declaration = DECLARATION
    conduct = Conduct(
        check="The service. Skipped if there is none, if it is in the state, or, when enabling, if "
        "it is disabled for another reason than the one given.",
        effect="PUT of the status and its reason, only if they have not changed since the check.",
        observation="The status; after a disabling, also the number of servers on the host.",
        undo="The former status with its reason, unless others had set this one already.",
        once=ALREADY_SO,
        rights=(
            "os_compute_api:os-services:list",
            "os_compute_api:os-services:update",
            "os_compute_api:os-hypervisors:show",
            "os_compute_api:servers:index:get_all_tenants",
        ),
    )

    def precondition(self, parameters: JsonObject) -> Verdict:
        """Reads the service."""
        host, state = self._host(parameters), parameters["state"]
        service = self._compute_service(host)
        if service is None:
            return Skip(because(SERVICE_NOT_FOUND, host=host))
        if service["status"] == state:
            return Skip(because(SERVICE_ALREADY_IN_STATE, host=host, state=state))
        found, expected = service.get("disabled_reason"), parameters.get("disabled_reason")
        if state == "enabled" and expected and found != expected:
            facts = {"host": host, "expected": expected, "found": found}
            return Skip(because(SERVICE_DISABLED_FOR_OTHER_REASON, **facts))
        return Go(
            {
                "host": host,
                "service": service["id"],
                "status": service["status"],
                "disabled_reason": service.get("disabled_reason"),
                "state": service["state"],
            }
        )

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sets the state, once; only if it has not changed since the check."""
        host = before["host"]
        service = self._compute_service(host)
        if service is None:
            raise CloudRefused(because(SERVICE_NOT_FOUND, host=host))
        if service["status"] == parameters["state"]:
            return {"request_id": None, "already": True}
        if service.get("disabled_reason") != before["disabled_reason"]:
            error = f"{host} was disabled again: {service.get('disabled_reason')}"
            raise CloudRefused(because(CLOUD_REFUSED, error=error))
        body: Json = {"status": parameters["state"]}
        if parameters["state"] == "disabled" and parameters.get("disabled_reason"):
            body["disabled_reason"] = parameters["disabled_reason"]
        try:
            response = self.clouds.compute.send_once("PUT", f"/os-services/{service['id']}", body)
        except ResourceNotFound as error:
            raise CloudRefused(because(SERVICE_NOT_FOUND, host=host)) from error
        except (Conflicting, CloudForbidden, Invalid) as error:
            raise CloudRefused(because(CLOUD_REFUSED, error=error.error)) from error
        return {"request_id": response.request_id}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Compares the state of the service with the wanted one."""
        host = before["host"]
        service = self._compute_service(host)
        if service is None:
            return Observation(Phase.FAILED, {}, because(SERVICE_NOT_FOUND, host=host))
        facts: JsonObject = {
            "host": host,
            "status": service["status"],
            "disabled_reason": service.get("disabled_reason"),
        }
        if receipt is not None and receipt.get("already"):
            facts["already"] = True
        if service["status"] == parameters["state"]:
            if parameters["state"] == "disabled":
                query = {"all_tenants": "true", "host": host}
                facts["servers"] = len(self.clouds.compute.list_all("/servers", "servers", query))
            return Observation(Phase.DONE, facts)
        if receipt is None:
            return Observation(Phase.NEVER_STARTED, facts)
        undone = f"nova-compute on {host} is {service['status']} again"
        return Observation(Phase.FAILED, facts, because(EFFECT_UNDONE, error=undone))

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """Sets the former state with its reason, unless others had set this one already.

        It enables the service only while that is disabled for the reason of this action.
        """
        if outcome.get("already"):
            return because(NOTHING_TO_UNDO, type=self.declaration.name)
        was_disabled = before["status"] == "disabled"
        reason = before["disabled_reason"] if was_disabled else parameters.get("disabled_reason")
        former: JsonObject = {
            "state": before["status"],
            "resource_name": before["host"],
            "disabled_reason": reason,
        }
        return inverse(self.declaration.name, parameters, former)

    def _host(self, parameters: JsonObject) -> str:
        if parameters.get("resource_name"):
            return str(parameters["resource_name"])
        ident = str(parameters["resource_id"])
        try:
            hypervisor = self.clouds.compute.get(f"/os-hypervisors/{ident}")["hypervisor"]
        except (Invalid, ResourceNotFound):  # not the uuid of a hypervisor, so a host name
            return ident
        return str(hypervisor["service"]["host"])
