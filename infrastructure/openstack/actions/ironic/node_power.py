"""The ``change_node_power_state`` action: switches a bare-metal node on or off."""

from typing import Final

from application.ports.cloud import CloudRefused, Fail, Go, Observation, Phase, Skip, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action_types.change_node_power_state import (
    DECLARATION,
    NODE_ALREADY_IN_STATE,
    NODE_IS_INSTANCE,
    NODE_NOT_FOUND,
    NODE_POWER_FAILED,
    NODE_REFUSED,
    NODE_RUNS_SERVERS,
)
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import OUTCOME_UNKNOWN
from infrastructure.openstack.actions.base import Handler, because, inverse
from infrastructure.openstack.actions.conduct import ALREADY_SO, Conduct
from infrastructure.openstack.errors import CloudForbidden, Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import Json

_STATES: Final = {
    "power on": "on",
    "rebooting": "on",
    "soft rebooting": "on",
    "power off": "off",
    "soft power off": "off",
}
"""Ironic's power state → that of the action; every other one is unknown."""
_TARGETS: Final = {"on": "power on", "off": "power off"}
_NOT_RUNNING: Final = ("SHUTOFF", "SHELVED", "SHELVED_OFFLOADED", "DELETED", "SOFT_DELETED")


class ChangeNodePowerState(Handler):
    """Switches a node, given by its uuid or name, through Ironic.

    A node is not switched off while servers run on its compute host, or if it is itself deployed as
    a server. Its compute host is the hypervisor that ``extra.compute_node_id`` names, else
    ``resource_name``.
    """

    declaration = DECLARATION
    conduct = Conduct(
        check="The node. Skipped if it does not exist or is in the state. Switching off fails if "
        "servers run on its compute host, or if the node itself is deployed as a server.",
        effect="PUT of the power state, after the servers on the host were listed once more.",
        observation="The power state, its target, and the last error of the node.",
        undo="The former power state.",
        once=ALREADY_SO,
        rights=(
            "baremetal:node:get",
            "baremetal:node:set_power_state",
            "os_compute_api:os-hypervisors:list-detail",
            "os_compute_api:os-hypervisors:show",
            "os_compute_api:servers:detail:get_all_tenants",
        ),
    )

    def precondition(self, parameters: JsonObject) -> Verdict:
        """Reads the node, and the servers on it."""
        node = self._node(parameters["resource_id"])
        if node is None:
            return Skip(because(NODE_NOT_FOUND, node=parameters["resource_id"]))
        name, wanted = _name(node), parameters["state"]
        if _state(node) == wanted and not node["target_power_state"]:
            return Skip(because(NODE_ALREADY_IN_STATE, node=name, state=wanted))
        if wanted == "off":
            occupied = self._occupied(node, parameters)
            if occupied is not None:
                return Fail(occupied)
        return Go(
            {
                "node": node["uuid"],
                "state": _state(node),
                "last_error": node["last_error"],
                "updated_at": node["updated_at"],
            }
        )

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Requests the power state, once; not if servers have come to the host since the check."""
        node = self._node(before["node"])
        occupied = None
        if node is not None and parameters["state"] == "off":
            occupied = self._occupied(node, parameters)
        if occupied is not None:
            raise CloudRefused(occupied)
        path = f"/nodes/{before['node']}/states/power"
        try:
            response = self.clouds.baremetal.send_once(
                "PUT", path, {"target": _TARGETS[str(parameters["state"])]}
            )
        except ResourceNotFound as error:
            raise CloudRefused(because(NODE_NOT_FOUND, node=before["node"])) from error
        except (Conflicting, CloudForbidden, Invalid) as error:
            refused = because(NODE_REFUSED, node=before["node"], error=error.error)
            raise CloudRefused(refused) from error
        return {"request_id": response.request_id}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Compares the power state of the node with the wanted one."""
        node = self._node(before["node"])
        if node is None:
            return Observation(Phase.FAILED, {}, because(NODE_NOT_FOUND, node=before["node"]))
        wanted, target = parameters["state"], node["target_power_state"]
        facts: JsonObject = {"node": node["uuid"], "state": _state(node), "target": target}
        if target:
            return Observation(Phase.RUNNING, facts)
        if _state(node) == wanted:
            return Observation(Phase.DONE, facts)
        if node["last_error"] and _error(node) != (before["last_error"], before["updated_at"]):
            failed = {"node": _name(node), "state": _state(node), "error": node["last_error"]}
            return Observation(Phase.FAILED, facts, because(NODE_POWER_FAILED, **failed))
        # Ironic accepts a request before it shows the target
        return Observation(Phase.NEVER_STARTED if receipt is None else Phase.RUNNING, facts)

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """Switches it back."""
        del outcome
        if before["state"] not in _TARGETS:
            error = f"node {before['node']} was neither on nor off before"
            return because(OUTCOME_UNKNOWN, error=error)
        return inverse(self.declaration.name, parameters, {"state": before["state"]})

    def _node(self, identity: object) -> Json | None:
        try:
            return self.clouds.baremetal.get(f"/nodes/{identity}")
        except ResourceNotFound:
            return None

    def _occupied(self, node: Json, parameters: JsonObject) -> Cause | None:
        """Why the node must stay on; None if nothing runs on it."""
        if node.get("instance_uuid"):
            return because(NODE_IS_INSTANCE, node=_name(node), server=node["instance_uuid"])
        host = self._compute_host(node, parameters)
        if host is None:
            return None
        query = {"all_tenants": True, "host": host}
        servers = self.clouds.compute.list_all("/servers/detail", "servers", query)
        running = [server for server in servers if server["status"] not in _NOT_RUNNING]
        if not running:
            return None
        facts = {"node": _name(node), "count": len(running), "host": host}
        return because(NODE_RUNS_SERVERS, **facts)

    def _compute_host(self, node: Json, parameters: JsonObject) -> str | None:
        """The compute service on the node; None if it is no compute host."""
        extra = node.get("extra") or {}
        hypervisor = extra.get("compute_node_id")
        if hypervisor:
            try:
                found = self.clouds.compute.get(f"/os-hypervisors/{hypervisor}")["hypervisor"]
            except (Invalid, ResourceNotFound):
                return None
            return str(found["service"]["host"])
        name = parameters.get("resource_name")
        for found in self.clouds.compute.list_all("/os-hypervisors/detail", "hypervisors"):
            if name and name in (found["hypervisor_hostname"], found["service"]["host"]):
                return str(found["service"]["host"])
        return None


def _state(node: Json) -> str | None:
    return _STATES.get(str(node["power_state"]))


def _error(node: Json) -> tuple[object, object]:
    """The last error and its time, which Ironic stores in seconds."""
    return node["last_error"], node["updated_at"]


def _name(node: Json) -> str:
    return str(node.get("name") or node["uuid"])
