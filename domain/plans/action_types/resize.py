"""``resize``: gives a server another flavor."""

from typing import Final

from domain.cluster.kinds import ModelKind
from domain.kernel.reasons import Reason
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import ID, NAME, parameters

FLAVOR_NOT_FOUND = Reason("flavor-not-found", "flavor {flavor} does not exist")
FLAVOR_ALREADY_SET = Reason("flavor-already-set", "server {server} already has flavor {flavor}")

RESIZE: Final = "resize"

DECLARATION: Final = ActionType(
    name=RESIZE,
    description="Gives a server another flavor.",
    schema=parameters(("resource_id", "flavor"), resource_id=ID, flavor=NAME),
    resource=ResourceKind.SERVER,
    changes=(ModelKind.COMPUTE,),
    weight=20,
    parallelization=2,
    compensable=True,
)
