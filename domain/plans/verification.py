"""Plans held against the independent verifier: one that breaks a rule is not published."""

from collections.abc import Mapping, Sequence

from domain.cluster.compute.flavor import read_flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.steps import LoggedStep
from domain.cluster.storage.model import StorageModel
from domain.cluster.verifier.checked_action import CheckedAction
from domain.cluster.verifier.plan import Order, Violation, check_plan
from domain.cluster.verifier.verifier import Verifier
from domain.cluster.verifier.volumes import CheckedVolume, VolumeVerifier
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_types.declaration import ActionType, without_placement
from domain.plans.action_types.volume_migrate import VOLUME_MIGRATE
from domain.plans.proposal import PlannedAction, ProposedAction

PLAN_BREAKS_RULE = Reason(
    "plan-breaks-rule",
    "The plan breaks placement rules and is not published. It is a defect of strategy {strategy}, "
    "of its parameters, or of planner {planner}: action {number} ({action}) may not bring server "
    "{server} to {host} by rule {rule}; {count} violations in all.",
    number="number",
    count="number",
)
PLAN_BREAKS_VOLUME_RULE = Reason(
    "plan-breaks-volume-rule",
    "The plan breaks rules for volumes and is not published. It is a defect of strategy "
    "{strategy}, of its parameters, or of planner {planner}: action {number} ({action}) may not "
    "bring volume {volume} to {to} by rule {rule}; {count} violations in all.",
    number="number",
    count="number",
)
PLAN_HAS_UNKNOWN_ACTION = Reason(
    "plan-has-unknown-action",
    "The plan is not published. It is a defect of strategy {strategy} or of planner {planner}: "
    "action {number} has the type {type}, which is not installed.",
    number="number",
)
PLAN_HAS_INVALID_ACTION = Reason(
    "plan-has-invalid-action",
    "The plan is not published. It is a defect of strategy {strategy}, of its parameters, or of "
    "planner {planner}: in action {number} ({action}) the parameter {field} {rule}.",
    number="number",
)

MadeBy = tuple[str, str]
"""Names of the strategy and the planner of a plan."""


def unknown_action(number: int, action: ProposedAction, made_by: MadeBy) -> Cause:
    """Why a plan is not published that has an action of an unknown type.

    Args:
        number: of the action in the plan, from 1.
        action: the action.
        made_by: strategy and planner.
    """
    facts = {**_makers(made_by), "number": number, "type": action.type}
    return Cause(PLAN_HAS_UNKNOWN_ACTION, facts)


def invalid_action(
    number: int, action: ProposedAction, made_by: MadeBy, wrong: InvalidValue
) -> Cause:
    """Why a plan is not published that has an action with an invalid parameter; see above."""
    facts = {**_makers(made_by), "number": number, "action": action.type}
    return Cause(PLAN_HAS_INVALID_ACTION, {**facts, "field": wrong.field, "rule": wrong.rule})


def _makers(made_by: MadeBy) -> dict[str, str]:
    strategy, planner = made_by
    return {"strategy": strategy, "planner": planner}


def verify_plan(
    model: ComputeModel,
    planned: Sequence[PlannedAction],
    load: MeasuredLoad | None = None,
    placement: PlacementPolicy | None = None,
    start: Sequence[LoggedStep] = (),
    *,
    action_types: Mapping[str, ActionType],
    storage: StorageModel | None = None,
) -> list[Violation]:
    """The rules that a plan violates in any order that its dependencies allow.

    Limits on moves in progress are none of its edges: the applier keeps them (``Parallelism``).

    Args:
        model: the model of the plan.
        planned: the plan.
        load: measured load, if the plan must respect it.
        placement: the rules in force besides those of the cloud.
        start: steps that are done before the plan (``Branch.to_log``).
        action_types: the installed ones.
        storage: the storage model of the plan; without it no volume is checked.

    Raises:
        InvalidValue: a parent does not come before its action.
    """
    actions = [_checked(model, action, action_types) for action in planned]
    order = Order([one.parents for one in actions])
    policy = placement or PlacementPolicy()

    def verifier() -> Verifier:
        fresh = Verifier(
            model,
            load,
            policy.operator,
            keep_zone=policy.keep_zone,
            numa_certain=policy.numa_certain,
        )
        for verb, subject, *to in start:
            _do(fresh, model, str(verb), str(subject), to)
        return fresh

    found = check_plan(actions, order, verifier)
    volumes = _checked_volumes(planned)
    if storage is not None and volumes:
        subjects = [one.action.resource_id for one in planned]
        found += VolumeVerifier(storage, model, start).check(volumes, order, subjects)
    return sorted(found, key=lambda one: one.place)


def _checked_volumes(planned: Sequence[PlannedAction]) -> list[CheckedVolume]:
    found = []
    for place, one in enumerate(planned):
        given = one.action.parameters
        if one.action.type == VOLUME_MIGRATE:
            is_retype = given.get("migration_type") == "retype"
            to = str(given.get("destination_type" if is_retype else "destination_node") or "")
            pool, kind = ("", to) if is_retype else (to, "")
            found.append(CheckedVolume(place, one.action.resource_id, pool, kind))
    return found


def refusal(
    planned: Sequence[PlannedAction], violations: Sequence[Violation], made_by: MadeBy
) -> Cause:
    """Why a plan with some violations is not published: the first one."""
    first = violations[0]
    action = planned[first.place].action
    parameters = action.parameters
    name = parameters.get("resource_name") or action.resource_id
    node = parameters.get("destination_node")
    facts: JsonObject = {
        **_makers(made_by),
        "number": first.place + 1,
        "action": action.type,
        "rule": first.rule,
        "count": len(violations),
    }
    if action.type == VOLUME_MIGRATE:
        to = node or f"type {parameters.get('destination_type')}"
        facts |= {"volume": name, "volume_id": action.resource_id, "to": to}
        return Cause(PLAN_BREAKS_VOLUME_RULE, facts)
    facts |= {"server": name, "server_id": action.resource_id, "host": node}
    return Cause(PLAN_BREAKS_RULE, facts)


def _do(
    verifier: Verifier, model: ComputeModel, verb: str, subject: str, to: Sequence[object]
) -> None:
    """Brings a verifier into the state after a step; those of volumes do not concern it."""
    match verb:
        case "move":
            server = model.server_places[subject]
            verifier.start_move(server, model.host_places[str(to[0])])
            verifier.finish_move(server)
        case "resize":
            verifier.resize(model.server_places[subject], read_flavor(to[0]))
        case "start" | "stop":
            verifier.run(model.server_places[subject], running=verb == "start")
        case "enable":
            verifier.enable(model.host_places[subject])
        case "disable":
            verifier.disable(model.host_places[subject])
        case "power-on" | "power-off":
            verifier.power(model.host_places[subject], on=verb == "power-on")


def _checked(
    model: ComputeModel, planned: PlannedAction, action_types: Mapping[str, ActionType]
) -> CheckedAction:
    kind = action_types.get(planned.action.type)
    return (without_placement if kind is None else kind.checked)(model, planned)
