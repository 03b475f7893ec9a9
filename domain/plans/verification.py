"""Plans held against the independent verifier."""

from collections.abc import Sequence

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.verifier.checked_action import CheckedAction
from domain.cluster.verifier.plan import Violation, check_plan
from domain.cluster.verifier.verifier import Verifier
from domain.plans.action_types import ACTION_TYPES
from domain.plans.action_types.declaration import without_placement
from domain.plans.proposal import PlannedAction


def verify_plan(
    model: ComputeModel,
    planned: Sequence[PlannedAction],
    load: MeasuredLoad | None = None,
    operator: OperatorRules | None = None,
) -> list[Violation]:
    """The rules that a plan violates in any order that its dependencies allow.

    Args:
        model: the model of the plan.
        planned: the plan.
        load: measured load, if the plan must respect it.
        operator: the operator's own rules.
    """
    actions = [_checked(model, action) for action in planned]
    return check_plan(actions, lambda: Verifier(model, load, operator))


def _checked(model: ComputeModel, planned: PlannedAction) -> CheckedAction:
    kind = ACTION_TYPES.get(planned.action.type)
    return (without_placement if kind is None else kind.checked)(model, planned)
