import argparse
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from application.commands.plans import PlanCommands
from application.ports.event_log import EventLogUnavailable, UnreadableEvent
from application.ports.projections import StoreUnavailable
from application.replay.runs import proposed
from domain.kernel.errors import DomainError
from domain.kernel.ids import as_uuid
from domain.plans import ActionPlan, PlanState
from domain.plans.events import PlanProposed
from infrastructure.event_log import SchemaError
from interfaces.bootstrap.database import OpenDatabase, opened
from interfaces.cli.arguments import add_settings, locate, quiet_logging
from interfaces.cli.caller import caller
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.cli.printing import print_line

ERRORS = (SchemaError, StoreUnavailable, EventLogUnavailable, UnreadableEvent, DomainError)
POLL = 0.2
"""Seconds between two looks at the log."""
FINAL = frozenset(
    {PlanState.SUCCEEDED, PlanState.FAILED, PlanState.CANCELLED, PlanState.SUPERSEDED}
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Action plans. `return` has a plan made that undoes what another plan changed, and prints "
        "it: each action with the action that it undoes, and what cannot be undone. The decision "
        "engine makes it, so the roles must run."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    back = actions.add_parser("return", help="undo what a plan changed")
    back.add_argument("plan", metavar="PLAN", type=_uuid, help="uuid of the plan to undo")
    back.add_argument(
        "--start", action="store_true", help="execute the return plan and wait for its end"
    )
    back.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="longest time to wait for the return plan, and for its end (60)",
    )
    back.add_argument("--json", action="store_true", help="print JSON")
    add_settings(back)


def _uuid(text: str) -> UUID:
    found = as_uuid(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a uuid")
    return found


def run(args: argparse.Namespace) -> int:
    """Requests a return plan, waits for it, and prints it."""
    quiet_logging(args, "plan")
    settings = locate(args).settings
    with report_errors(*ERRORS), opened(settings) as database:
        commands = PlanCommands(database.commands)
        commands.request_return(caller(), args.plan)
        event, plan = _made(database, args.plan, args.wait)
        if args.start:
            if plan.state is PlanState.RECOMMENDED:
                commands.start(caller(), plan.id)
            plan = _ended(database, plan.id, args.wait)
    if args.json:
        print(json.dumps(_as_json(event, plan), indent=2))
    else:
        for line in _lines(event, plan, started=args.start):
            print_line(line)
    return 1 if plan.state is PlanState.FAILED else 0


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


def _lines(event: PlanProposed, plan: ActionPlan, *, started: bool) -> Iterator[str]:
    yield f"Return plan {plan.id} of action plan {plan.undoes}: {plan.state}"
    for action in plan.actions.values():
        because = f": {action.because}" if action.because else ""
        yield f"  {action.state:<9} {action.spec.what}  ({action.spec.because}){because}"
    for note in event.notes:
        yield f"  {note}"
    if plan.state is PlanState.RECOMMENDED and not started:
        yield f"Start it: openstack optimize actionplan start {plan.id}"
        yield f"      or: vigil plan return {plan.undoes} --start"


def _as_json(event: PlanProposed, plan: ActionPlan) -> dict[str, Any]:
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
