"""Commands on action plans and actions: start, cancel, delete, skip, annotate."""

from dataclasses import dataclass, replace
from uuid import UUID

from application.commands import patching
from application.commands.patching import MISSING, Patch, Patchable
from application.kernel.unit_of_work import CommandResult, Commands, IdempotencyKey, Transaction
from application.projections import status_messages
from domain.kernel.errors import (
    IllegalTransition,
    InvalidValue,
    NotFound,
    NotSkippable,
    one_of,
)
from domain.kernel.metadata import Context, Metadata
from domain.plans.action import Action, ActionState
from domain.plans.action_plan import ActionPlan
from domain.plans.events import PlanState

UNENDED = frozenset(
    {PlanState.RECOMMENDED, PlanState.PENDING, PlanState.ONGOING, PlanState.CANCELLING}
)

PATCHABLE = Patchable(
    empty={"state": None},
    fixed=frozenset({"hostname", "global_efficacy", "audit_id", "strategy_id"}),
    internal=patching.INTERNAL | {"status_message"},
)
"""Which attributes of a plan a patch may change (docs/api.md, "Action plans")."""

PATCHABLE_ACTION = Patchable(
    empty={"state": None, "status_message": None},
    mandatory=frozenset({"state", "status_message"}),
)
"""Which attributes of an action a patch may change (docs/api.md, "Actions")."""


@dataclass(frozen=True)
class ActionRequest:
    """The changes that a patch requests of an action.

    Attributes:
        state: MISSING if the patch does not have it.
        message: MISSING if the patch does not have it.
    """

    state: object = MISSING
    message: object = MISSING

    @classmethod
    def of(cls, patch: Patch) -> "ActionRequest":
        """Reads a patch.

        Raises:
            InvalidValue: an operation is malformed, or names a state that no action has.
        """
        PATCHABLE_ACTION.check(patch)
        wanted = cls()
        for operation in patch:
            if not operation.whole:
                raise InvalidValue(operation.path, "is inside of a plain value")
            if operation.attribute == "state":
                wanted = replace(wanted, state=_state(operation.value))
            else:
                wanted = replace(wanted, message=_message(operation.value))
        return wanted


class PlanCommands:
    """Commands on action plans and actions.

    Args:
        commands: runs the decisions.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def start(
        self, metadata: Metadata, plan_id: UUID, once: IdempotencyKey | None = None
    ) -> CommandResult[UUID]:
        """Launches a recommended plan.

        Raises:
            NotFound: there is no such plan.
            IllegalTransition: it is not RECOMMENDED.
        """

        def decide(tx: Transaction, ctx: Context) -> UUID:
            _existing(tx, plan_id).move(ctx, PlanState.PENDING)
            return plan_id

        return self._commands.run(metadata, decide, once)

    def request_return(
        self, metadata: Metadata, plan_id: UUID, once: IdempotencyKey | None = None
    ) -> CommandResult[UUID]:
        """Requests a plan that undoes what a plan changed; the result is the plan that is undone.

        Does nothing while the latest return plan is requested or has not ended.

        Raises:
            NotFound: there is no such plan.
            Refusal: it has not ended, or changed nothing.
        """

        def decide(tx: Transaction, ctx: Context) -> UUID:
            plan = _existing(tx, plan_id)
            latest = tx.find(ActionPlan, plan.returns.latest) if plan.returns.latest else None
            if latest is None or latest.state not in UNENDED:
                plan.request_return(ctx)
            return plan_id

        return self._commands.run(metadata, decide, once)

    def change(self, metadata: Metadata, plan_id: UUID, patch: Patch) -> CommandResult[UUID]:
        """Applies a patch (statically checked), which must change the state.

        Raises:
            NotFound: there is no such plan.
            IllegalTransition: the state does not change, or not to the requested one.
        """

        def decide(tx: Transaction, ctx: Context) -> UUID:
            plan = _existing(tx, plan_id)
            wanted = PATCHABLE.applied({"state": plan.state}, patch).get("state", plan.state)
            if not isinstance(wanted, str) or wanted not in set(PlanState):
                raise IllegalTransition("Action Plan", plan.state, str(wanted))
            plan.move(ctx, PlanState(wanted))
            return plan_id

        return self._commands.run(metadata, decide)

    def delete(self, metadata: Metadata, plan_id: UUID) -> CommandResult[None]:
        """Deletes a plan and its actions.

        Raises:
            NotFound: there is no such plan.
            DeleteRefused: it is pending or running, or was deleted before.
        """

        def decide(tx: Transaction, ctx: Context) -> None:
            tx.get(ActionPlan, plan_id).delete(ctx)

        return self._commands.run(metadata, decide)

    def change_action(
        self, metadata: Metadata, plan_id: UUID, action_id: UUID, wanted: ActionRequest
    ) -> CommandResult[UUID]:
        """Skips an action, or changes the remark on a skipped one.

        Raises:
            NotFound: there is no such action.
            NotSkippable: the state of the action or the plan does not allow it.
        """

        def decide(tx: Transaction, ctx: Context) -> UUID:
            plan = _existing(tx, plan_id)
            action = plan.actions.get(action_id)
            if action is None:
                raise NotFound("Action", action_id)
            _change_action(ctx, plan, action, wanted)
            return action_id

        return self._commands.run(metadata, decide)


def _existing(tx: Transaction, plan_id: UUID) -> ActionPlan:
    plan = tx.get(ActionPlan, plan_id)
    if plan.state is PlanState.DELETED:
        raise NotFound("ActionPlan", plan_id)
    return plan


def _change_action(ctx: Context, plan: ActionPlan, action: Action, wanted: ActionRequest) -> None:
    if wanted == ActionRequest():
        return
    state = action.state if wanted.state is MISSING else wanted.state
    changed = wanted.message is not MISSING and wanted.message != _status_message(action)
    note = wanted.message if changed and isinstance(wanted.message, str) else None
    if action.state is ActionState.PENDING and state is ActionState.SKIPPED:
        plan.skip_by_user(ctx, action.spec.id, note)
    elif state is not action.state:
        raise NotSkippable(
            f"Action {action.spec.id}: State transition not allowed: ({action.state} -> {state})"
        )
    elif action.state is ActionState.SKIPPED:
        plan.annotate(ctx, action.spec.id, note)
    elif changed:
        raise NotSkippable(
            f"Action {action.spec.id} is {action.state}: only the remark on a SKIPPED action can "
            "be changed."
        )


def _status_message(action: Action) -> str | None:
    if action.because is None:
        return None
    if action.note is not None:
        return status_messages.skipped_by_user(action.note)
    if action.state is ActionState.SKIPPED:
        return status_messages.skipped(action.because, None)
    return status_messages.why(action.because)


def _state(value: object) -> ActionState | None:
    if value is None:
        return None
    name = patching.text("state", value)
    return ActionState(one_of("state", name, ActionState))


def _message(value: object) -> str | None:
    if value is None:
        return None
    note = patching.text("status_message", value)
    room = status_messages.LENGTH - len(status_messages.skipped_by_user("?")) + 1
    if len(note) > room:
        raise InvalidValue("status_message", f"must have at most {room} characters")
    return note
