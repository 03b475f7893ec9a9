"""``change_node_power_state``: switches a bare-metal node on or off."""

from typing import TYPE_CHECKING, Final

from domain.cluster.kinds import ModelKind
from domain.cluster.verifier.checked_action import CheckedAction
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import NAME, OPTIONAL_NAME, parameters
from domain.plans.proposal import PlannedAction

if TYPE_CHECKING:  # the options of the planners need the declarations, but no numpy
    from domain.cluster.compute.model import ComputeModel


def _checked(model: "ComputeModel", planned: PlannedAction) -> CheckedAction:
    """The host that runs on the node; plans name it as the resource."""
    parameters = planned.action.parameters
    host = model.host_places.get(str(parameters.get("resource_name")), -1)
    on = parameters.get("state") == "on"
    return CheckedAction("power-on" if on else "power-off", -1, host, planned.parents)


DECLARATION: Final = ActionType(
    name="change_node_power_state",
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
