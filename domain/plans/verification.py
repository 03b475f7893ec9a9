"""Plans held against the independent verifier."""

from collections.abc import Sequence

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.verifier.plan import CheckedAction, Violation, check_plan
from domain.cluster.verifier.verifier import Verifier
from domain.plans.action_types import CHANGE_SERVICE_STATE, MIGRATE
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
    action = planned.action
    if action.type == MIGRATE:
        server = model.server_places.get(action.resource_id, -1)
        host = model.host_places.get(str(action.parameters.get("destination_node")), -1)
        return CheckedAction("move", server, host, planned.parents)
    if action.type == CHANGE_SERVICE_STATE:
        host = model.host_places.get(str(action.parameters.get("resource_name")), -1)
        opens = action.parameters.get("state") == "enabled"
        return CheckedAction("enable" if opens else "disable", -1, host, planned.parents)
    return CheckedAction("other", -1, -1, planned.parents)
