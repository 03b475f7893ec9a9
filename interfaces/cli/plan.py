import argparse
import json
from uuid import UUID

from domain.kernel.errors import DomainError
from domain.kernel.ids import as_uuid
from interfaces.cli.arguments import add_settings, repeated
from interfaces.cli.database import database_of
from interfaces.cli.plan_return import as_json, lines_of, return_plan
from interfaces.cli.printing import print_lines


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
    with database_of(args, "plan", DomainError) as (database, _):
        event, plan = return_plan(database, args.plan, start=args.start, wait=args.wait)
    if args.json:
        print(json.dumps(as_json(event, plan), indent=2))
    else:
        print_lines(lines_of(event, plan, repeated(args), started=args.start))
    return 1 if args.start and plan.state != "SUCCEEDED" else 0
