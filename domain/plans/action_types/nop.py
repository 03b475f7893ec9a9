"""``nop``: does nothing, or fails at a step that its parameters name."""

from typing import Final

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import OPTIONAL_NAME, parameters

NOP: Final = "nop"

ASKED_FOR = Reason("asked-for", "{outcome}")

_FLAG: JsonObject = {"type": "boolean"}

DECLARATION: Final = ActionType(
    name=NOP,
    description="Does nothing but log a message; its parameters can make it skip or fail.",
    schema=parameters(
        ("message",),
        message={"type": ["string", "null"]},
        skip_pre_condition=_FLAG,
        fail_pre_condition=_FLAG,
        fail_execute=_FLAG,
        fail_post_condition=_FLAG,
        resource_id=OPTIONAL_NAME,
    ),
    resource=ResourceKind.NONE,
    changes=(),
    weight=70,
    parallelization=1,
)
