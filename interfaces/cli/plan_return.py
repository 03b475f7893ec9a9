import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from application.commands.plans import PlanCommands
from application.replay.runs import proposed
from domain.plans import ActionPlan, PlanState
from domain.plans.events import PlanProposed
from interfaces.bootstrap.database import OpenDatabase
from interfaces.cli.caller import caller
from interfaces.cli.errors import CommandFailed

POLL = 0.2
"""Seconds between two looks at the log."""
FINAL = frozenset(
    {PlanState.SUCCEEDED, PlanState.FAILED, PlanState.CANCELLED, PlanState.SUPERSEDED}
)


def return_plan(
    database: OpenDatabase, undone: UUID, *, start: bool, wait: float
) -> tuple[PlanProposed, ActionPlan]:
    """Has a plan undone: the event that published the return plan, and its state.

    Args:
        database: of the installation.
        undone: the plan.
        start: whether the return plan is executed, too.
        wait: seconds to wait for the return plan, and for its end.

    Raises:
        CommandFailed: it was not made.
    """
    commands = PlanCommands(database.commands)
    commands.request_return(caller(), undone)
    event, plan = _made(database, undone, wait)
    if start:
        if plan.state is PlanState.RECOMMENDED:
            commands.start(caller(), plan.id)
        plan = _ended(database, plan.id, wait)
    return event, plan


def _made(database: OpenDatabase, undone: UUID, wait: float) -> tuple[PlanProposed, ActionPlan]:
    deadline = time.monotonic() + wait
    while (request := _plan(database, undone).returns).request is not None:
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"the return plan is requested, but was not made within {wait:g} s: is a decision "
                "engine running, and no plan being executed? Repeat the command to see it"
            )
        time.sleep(POLL)
    made = None if request.latest is None else proposed(database.log, request.latest)
    if made is None:
        raise CommandFailed(f"no return plan could be made: {request.failure}")
    return made, _plan(database, made.originator_id)


def _ended(database: OpenDatabase, plan: UUID, wait: float) -> ActionPlan:
    deadline = time.monotonic() + wait
    while (found := _plan(database, plan)).state not in FINAL:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL)
    return found


def _plan(database: OpenDatabase, plan: UUID) -> ActionPlan:
    found = database.log.find(ActionPlan, plan)
    if found is None:
        raise CommandFailed(f"the log has no action plan {plan}")
    return found


def lines_of(
    event: PlanProposed, plan: ActionPlan, installation: str, *, started: bool
) -> Iterator[str]:
    """What is printed; ``installation``: the arguments that find it."""
    yield f"Return plan {plan.id} of action plan {plan.undoes}: {plan.state}"
    for action in plan.actions.values():
        because = f": {action.because}" if action.because else ""
        yield f"  {action.state:<9} {action.spec.what}  ({action.spec.because}){because}"
    for note in event.notes:
        yield f"  {note}"
    if started and plan.state not in FINAL:
        yield "It has not ended yet: `vigil status` shows it; the same command waits for it."
    elif plan.state is PlanState.RECOMMENDED and not started:
        yield f"Start it: openstack optimize actionplan start {plan.id}"
        yield f"      or: vigil plan return {plan.undoes} --start {installation}".rstrip()


def as_json(event: PlanProposed, plan: ActionPlan) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "uuid": str(plan.id),
        "action_plan_uuid": str(plan.undoes),
        "state": plan.state,
        "actions": [
            {
                "uuid": str(one.spec.id),
                "state": one.state,
                "action": one.spec.what,
                "reason": str(one.spec.because),
            }
            for one in plan.actions.values()
        ],
        "notes": [str(note) for note in event.notes],
    }
