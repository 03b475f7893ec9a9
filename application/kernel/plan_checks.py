"""What is checked of each plan before it is published, in services and offline."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from application.kernel.action_parameters import check_action_parameters
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.steps import LoggedStep
from domain.cluster.storage.model import StorageModel
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.plans.action_types.declaration import ActionType
from domain.plans.proposal import PlannedAction, parameters_of
from domain.plans.verification import invalid_action, refusal, unknown_action, verify_plan


def plan_refused(
    planned: Sequence[PlannedAction],
    model: ComputeModel,
    load: MeasuredLoad | None,
    placement: PlacementPolicy,
    start: Sequence[LoggedStep] = (),
    *,
    made_by: tuple[str, str],
    action_types: Mapping[str, ActionType],
    storage: StorageModel | None,
) -> Cause | None:
    """Why a plan is not published: an action is unknown, invalid, or breaks a placement rule.

    Args:
        planned: the plan.
        model: the model of the plan.
        load: measured load, if the plan must respect it.
        placement: the rules in force besides those of the cloud.
        start: steps that are done before the plan.
        made_by: names of the strategy and the planner.
        action_types: the installed ones.
        storage: the storage model of the plan, if its strategy requires one.
    """
    for number, one in enumerate(planned, start=1):
        kind = action_types.get(one.action.type)
        if kind is None:
            return unknown_action(number, one.action, made_by)
        try:
            check_action_parameters(kind.schema, _checked(one, model, storage))
        except InvalidValue as wrong:
            return invalid_action(number, one.action, made_by, wrong)
    violations = verify_plan(
        model, planned, load, placement, start, action_types=action_types, storage=storage
    )
    return refusal(planned, violations, made_by) if violations else None


def _checked(
    planned: PlannedAction, model: ComputeModel, storage: StorageModel | None
) -> JsonObject:
    """The parameters of an action; the id of a server or volume of a model is valid in any form.

    The ids of Nova and Cinder are UUIDs; those of a cluster file need not be.
    """
    parameters, identity = parameters_of(planned.action), planned.action.resource_id
    is_volume = storage is not None and identity in storage.volume_places
    if is_volume or identity in model.server_places:
        parameters["resource_id"] = str(UUID(int=0))
    return parameters


__all__ = ["plan_refused"]
