"""The ``change_node_power_state`` action: switches a bare-metal node on or off."""

from collections.abc import Mapping
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
from infrastructure.openstack.baremetal.nodes import PowerNode, PowerState
from infrastructure.openstack.errors import CloudForbidden, Conflicting, Invalid, ResourceNotFound

_POWER: Final[Mapping[str, PowerState]] = {"on": "on", "off": "off"}
_NOT_RUNNING: Final = ("SHUTOFF", "SHELVED", "SHELVED_OFFLOADED", "DELETED", "SOFT_DELETED")


class ChangeNodePowerState(Handler):
    """Switches a node through Ironic (its uuid or name) or MAAS (its system id).

    A node is not switched off while servers run on its compute host, or if it is itself deployed as
    a server. Its compute host is the hypervisor that the service names, in Ironic by
    ``extra.compute_node_id``, in MAAS by the FQDN, and the one that ``resource_name`` names.
    """

    declaration = DECLARATION
    conduct = Conduct(
        check="The node. Skipped if it does not exist or is in the state. Switching off fails if "
        "servers run on its compute host, or if the node itself is deployed as a server.",
        effect="PUT of the power state (MAAS: POST of power_on or power_off), after the servers on "
        "the host were listed once more.",
        observation="The power state, its target (not in MAAS), and the last error of the node.",
        undo="The former power state.",
        once=ALREADY_SO,
        rights=(
            "baremetal:node:get",
            "baremetal:node:set_power_state",
            "os_compute_api:os-hypervisors:list-detail",
            "os_compute_api:servers:detail:get_all_tenants",
        ),
    )

    def precondition(self, parameters: JsonObject) -> Verdict:
        """Reads the node, and the servers on it."""
        node = self.clouds.nodes.find(str(parameters["resource_id"]))
        if node is None:
            return Skip(because(NODE_NOT_FOUND, node=parameters["resource_id"]))
        wanted = parameters["state"]
        if node.state == wanted and not node.target:
            return Skip(because(NODE_ALREADY_IN_STATE, node=node.name, state=wanted))
        if wanted == "off":
            occupied = self._occupied(node, parameters)
            if occupied is not None:
                return Fail(occupied)
        return Go(
            {
                "node": node.id,
                "state": node.state,
                "last_error": node.last_error,
                "updated_at": node.error_at,
            }
        )

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Requests the power state, once; not if servers have come to the host since the check."""
        node_id, wanted = str(before["node"]), _POWER[str(parameters["state"])]
        node = self.clouds.nodes.find(node_id)
        occupied = None
        if node is not None and wanted == "off":
            occupied = self._occupied(node, parameters)
        if occupied is not None:
            raise CloudRefused(occupied)
        try:
            return {"request_id": self.clouds.nodes.switch(node_id, wanted)}
        except ResourceNotFound as error:
            raise CloudRefused(because(NODE_NOT_FOUND, node=node_id)) from error
        except (Conflicting, CloudForbidden, Invalid) as error:
            refused = because(NODE_REFUSED, node=node_id, error=error.error)
            raise CloudRefused(refused) from error

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Compares the power state of the node with the wanted one."""
        node = self.clouds.nodes.find(str(before["node"]))
        if node is None:
            return Observation(Phase.FAILED, {}, because(NODE_NOT_FOUND, node=before["node"]))
        facts: JsonObject = {"node": node.id, "state": node.state, "target": node.target}
        if node.target:
            return Observation(Phase.RUNNING, facts)
        if node.state == parameters["state"]:
            return Observation(Phase.DONE, facts)
        error = (node.last_error, node.error_at)
        if node.last_error and error != (before["last_error"], before["updated_at"]):
            failed = {"node": node.name, "state": node.state, "error": node.last_error}
            return Observation(Phase.FAILED, facts, because(NODE_POWER_FAILED, **failed))
        # Ironic accepts a request before it shows the target; MAAS never shows it
        return Observation(Phase.NEVER_STARTED if receipt is None else Phase.RUNNING, facts)

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """Switches it back."""
        del outcome
        if before["state"] not in _POWER:
            error = f"node {before['node']} was neither on nor off before"
            return because(OUTCOME_UNKNOWN, error=error)
        return inverse(self.declaration.name, parameters, {"state": before["state"]})

    def _occupied(self, node: PowerNode, parameters: JsonObject) -> Cause | None:
        """Why the node must stay on; None if nothing runs on it."""
        if node.instance_id:
            return because(NODE_IS_INSTANCE, node=node.name, server=node.instance_id)
        for host in self._compute_hosts(node, parameters):
            query = {"all_tenants": True, "host": host}
            servers = self.clouds.compute.list_all("/servers/detail", "servers", query)
            running = [server for server in servers if server["status"] not in _NOT_RUNNING]
            if running:
                facts = {"node": node.name, "count": len(running), "host": host}
                return because(NODE_RUNS_SERVERS, **facts)
        return None

    def _compute_hosts(self, node: PowerNode, parameters: JsonObject) -> list[str]:
        """The compute services on the node; none if it is no compute host."""
        names = {node.hypervisor, parameters.get("resource_name")} - {None, ""}
        if not names:
            return []
        every = self.clouds.compute.list_all("/os-hypervisors/detail", "hypervisors")
        return [
            str(one["service"]["host"])
            for one in every
            if names & {one["id"], one["hypervisor_hostname"], one["service"]["host"]}
        ]
