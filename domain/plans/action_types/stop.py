"""``stop``: stops a server."""

from typing import TYPE_CHECKING, Final

from domain.cluster.kinds import ModelKind
from domain.kernel.reasons import Cause
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.schemas import ID, parameters
from domain.plans.proposal import ProposedAction

if TYPE_CHECKING:  # the options of the planners need the declarations, but no numpy
    from domain.cluster.compute.model import ComputeModel

STOP: Final = "stop"

DECLARATION: Final = ActionType(
    name=STOP,
    description="Stops a server.",
    schema=parameters(("resource_id",), resource_id=ID),
    resource=ResourceKind.SERVER,
    changes=(ModelKind.COMPUTE,),
    weight=35,
    parallelization=2,
)


def stop_server(model: "ComputeModel", server: int, because: Cause) -> ProposedAction:
    """Stops a server, which stays on its host."""
    return ProposedAction(STOP, model.servers.id[server], {}, because)
