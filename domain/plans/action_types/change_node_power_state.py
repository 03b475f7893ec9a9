"""``change_node_power_state``: switches a bare-metal node on or off."""

from typing import Final

from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import NAME, OPTIONAL_NAME, parameters

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
    weight=9,
    parallelization=2,
    compensable=True,
)
