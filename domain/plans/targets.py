"""What the models know of what the actions of a plan act on."""

from collections.abc import Iterable, Mapping

from domain.cluster.compute.model import ComputeModel
from domain.cluster.storage.model import StorageModel
from domain.plans.action_types import ActionType, ResourceKind
from domain.plans.proposal import PlannedAction, Target


def targets_of(
    actions: Iterable[PlannedAction],
    compute: ComputeModel,
    storage: StorageModel | None,
    action_types: Mapping[str, ActionType],
) -> tuple[Target, ...]:
    """The sizes and server groups, in the order of the actions."""
    found = []
    for planned in actions:
        action = planned.action
        declared = action_types.get(action.type)
        if declared is None:
            found.append(Target())
            continue
        groups: tuple[str, ...] = ()
        server = compute.server_places.get(action.resource_id)
        if server is not None and declared.resource is ResourceKind.SERVER:
            groups = compute.servers.groups[server]
        found.append(Target(declared.copies(compute, storage, action), groups))
    return tuple(found)
