"""``sleep``: waits for some seconds."""

from typing import Final

from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import OPTIONAL_NAME, parameters

SLEEP: Final = "sleep"

DECLARATION: Final = ActionType(
    name=SLEEP,
    description="Waits for some seconds.",
    schema=parameters(
        ("duration",),
        duration={"type": "number", "minimum": 0},
        resource_id=OPTIONAL_NAME,
    ),
    resource=ResourceKind.NONE,
    changes=(),
    weight=40,
    parallelization=1,
)
