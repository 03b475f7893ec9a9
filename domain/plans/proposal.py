"""What is proposed for publication: actions, their order, and the plan made of them."""

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.ids import action_id
from domain.kernel.reasons import Cause
from domain.plans.action import ActionSpec, EfficacyIndicator


@dataclass(frozen=True)
class ProposedAction:
    """An action that a strategy wants, before a planner has put it in its place.

    Attributes:
        type: action type (``migrate``, ``change_nova_service_state``, …).
        resource_id: id of what it acts on (server uuid, compute service/host id).
        parameters: its input parameters, without ``resource_id``.
        because: why the strategy wants it.
    """

    type: str
    resource_id: str
    parameters: JsonObject
    because: Cause


@dataclass(frozen=True)
class PlannedAction:
    """An action in its place in the graph of a plan.

    Attributes:
        action: what is to be done.
        parents: places (0-based, in the plan) of the actions that must have *ended* before.
        requires: the subset of ancestors that must have *succeeded*; if one did not, this is
            cancelled.
    """

    action: ProposedAction
    parents: tuple[int, ...]
    requires: tuple[int, ...] = ()


@dataclass(frozen=True)
class Target:
    """What is known of the resource that an action acts on, when its plan is made.

    Attributes:
        size: bytes that the action copies, None if it copies nothing or that is unknown.
        groups: ids of the server groups that the server is in.
    """

    size: int | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """The plan that a run publishes.

    Attributes:
        record: digest of the decision record; explanation: of the record of its reasons.
        actions: in plan order, parents before children.
        targets: what they act on, in the same order; empty if nothing is known.
        indicators, global_efficacy: figures of the goal's efficacy specification.
        undoes: the plan that it undoes, if it is a return plan.
    """

    audit_id: UUID
    run_id: UUID
    goal: str
    strategy: str
    planner: str
    record: str
    explanation: str
    actions: tuple[PlannedAction, ...]
    indicators: tuple[EfficacyIndicator, ...] = ()
    global_efficacy: tuple[EfficacyIndicator, ...] = ()
    notes: tuple[Cause, ...] = ()
    targets: tuple[Target, ...] = ()
    undoes: UUID | None = None

    def specs(self, plan: UUID) -> tuple[ActionSpec, ...]:
        """The actions of the plan with an id, their edges as ids."""
        ids = [action_id(plan, index) for index in range(len(self.actions))]
        targets = self.targets or (Target(),) * len(ids)
        return tuple(
            ActionSpec(
                id=ids[index],
                type=planned.action.type,
                parameters=parameters_of(planned.action),
                parents=tuple(ids[parent] for parent in planned.parents),
                requires=tuple(ids[needed] for needed in planned.requires),
                because=planned.action.because,
                size=target.size,
                groups=target.groups,
            )
            for index, (planned, target) in enumerate(zip(self.actions, targets, strict=True))
        )


def parameters_of(action: ProposedAction) -> JsonObject:
    """The input parameters of an action as its plan has them, including ``resource_id``."""
    target: JsonObject = {"resource_id": action.resource_id} if action.resource_id else {}
    return {**action.parameters, **target}
