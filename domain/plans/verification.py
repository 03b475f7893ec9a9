"""Plans held against the independent verifier."""

from collections.abc import Mapping, Sequence

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.verifier.checked_action import CheckedAction
from domain.cluster.verifier.plan import Violation, check_plan
from domain.cluster.verifier.verifier import Verifier
from domain.plans.action_types.declaration import ActionType, without_placement
from domain.plans.proposal import PlannedAction


def verify_plan(
    model: ComputeModel,
    planned: Sequence[PlannedAction],
    load: MeasuredLoad | None = None,
    placement: PlacementPolicy | None = None,
    *,
    action_types: Mapping[str, ActionType],
) -> list[Violation]:
    """The rules that a plan violates in any order that its dependencies allow.

    Args:
        model: the model of the plan.
        planned: the plan.
        load: measured load, if the plan must respect it.
        placement: the rules in force besides those of the cloud.
        action_types: the installed ones.
    """
    actions = [_checked(model, action, action_types) for action in planned]
    policy = placement or PlacementPolicy()
    return check_plan(
        actions,
        lambda: Verifier(
            model,
            load,
            policy.operator,
            policy.limits,
            keep_zone=policy.keep_zone,
            numa_certain=policy.numa_certain,
        ),
    )


def _checked(
    model: ComputeModel, planned: PlannedAction, action_types: Mapping[str, ActionType]
) -> CheckedAction:
    kind = action_types.get(planned.action.type)
    return (without_placement if kind is None else kind.checked)(model, planned)
