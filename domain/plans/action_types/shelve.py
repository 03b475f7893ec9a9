"""``shelve``: shelves a server."""

from typing import Final

from domain.cluster.kinds import ModelKind
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import ID, parameters

DECLARATION: Final = ActionType(
    name="shelve",
    description="Shelves a server.",
    schema=parameters(("resource_id",), resource_id=ID),
    resource=ResourceKind.SERVER,
    changes=(ModelKind.COMPUTE,),
    weight=37,
    parallelization=2,
)
