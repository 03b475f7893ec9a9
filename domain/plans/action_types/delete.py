"""``delete``: deletes a server."""

from typing import Final

from domain.cluster.kinds import ModelKind
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import ID, parameters

DECLARATION: Final = ActionType(
    name="delete",
    description="Deletes a server.",
    schema=parameters(("resource_id",), resource_id=ID),
    resource=ResourceKind.SERVER,
    changes=(ModelKind.COMPUTE, ModelKind.STORAGE),
    weight=33,
    parallelization=2,
)
