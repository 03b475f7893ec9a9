"""``change_node_power_state``: switches a bare-metal node on or off."""

from typing import TYPE_CHECKING, Final

from domain.cluster.kinds import ModelKind
from domain.cluster.verifier.checked_action import CheckedAction
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import NAME, OPTIONAL_NAME, parameters
from domain.plans.proposal import PlannedAction, ProposedAction

if TYPE_CHECKING:  # the options of the planners need the declarations, but no numpy
    from domain.cluster.compute.model import ComputeModel

NODE_NOT_FOUND = Reason("node-not-found", "bare-metal node {node} does not exist")
NODE_ALREADY_IN_STATE = Reason("node-already-in-state", "node {node} is already switched {state}")
NODE_RUNS_SERVERS = Reason(
    "node-runs-servers",
    "node {node} is not switched off: {count} servers run on {host}",
    count="number",
)
NODE_IS_INSTANCE = Reason(
    "node-is-instance", "node {node} is not switched off: it is deployed as server {server}"
)
NODE_REFUSED = Reason("node-refused", "node {node} cannot be switched: {error}")
NODE_POWER_FAILED = Reason("node-power-failed", "node {node} stays switched {state}: {error}")


CHANGE_POWER_STATE: Final = "change_node_power_state"


def _checked(model: "ComputeModel", planned: PlannedAction) -> CheckedAction:
    """The host that runs on the node; plans name it as the resource."""
    parameters = planned.action.parameters
    host = model.host_places.get(str(parameters.get("resource_name")), -1)
    on = parameters.get("state") == "on"
    return CheckedAction("power-on" if on else "power-off", -1, host, planned.parents)


DECLARATION: Final = ActionType(
    name=CHANGE_POWER_STATE,
    description="Switches a bare-metal node on or off.",
    schema=parameters(
        ("resource_id", "state"),
        resource_id=NAME,
        state={"type": "string", "enum": ["on", "off"]},
        resource_name=OPTIONAL_NAME,
    ),
    resource=ResourceKind.NODE,
    changes=(ModelKind.COMPUTE, ModelKind.BAREMETAL),
    weight=9,
    parallelization=2,
    compensable=True,
    checked=_checked,
)


def switch_power(node: str, host: str, because: Cause, *, on: bool) -> ProposedAction:
    """Switches the bare-metal node of a compute host on or off.

    Args:
        node: uuid of the node.
        host: name of the compute host that runs on it.
        because: why.
        on: the wanted state.
    """
    parameters: dict[str, object] = {"state": "on" if on else "off", "resource_name": host}
    return ProposedAction(CHANGE_POWER_STATE, node, parameters, because)
