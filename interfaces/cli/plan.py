import argparse
import json
from contextlib import closing
from dataclasses import asdict, replace
from uuid import UUID

from application.kernel.json_values import json_value
from application.queries.overview_query import plan_line
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.ids import as_uuid
from infrastructure.clock import SystemClock
from interfaces.bootstrap.queries import Queries
from interfaces.cli.arguments import add_settings, locate, quiet_logging, repeated
from interfaces.cli.database import DATABASE_ERRORS, database_of
from interfaces.cli.errors import report_errors
from interfaces.cli.plan_return import as_json, lines_of, return_plan
from interfaces.cli.printing import print_lines
from interfaces.terminal.plain import plan_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Action plans. `show` prints the state of a plan, how many of its actions succeeded, "
        "failed, were cancelled or skipped, how long the rest takes, and its running actions. "
        "`return` has a plan made that undoes what another plan changed, and prints "
        "it: each action with the action that it undoes, and what cannot be undone. The decision "
        "engine makes it, so the roles must run."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser("show", help="show the state of a plan")
    shown.add_argument("plan", metavar="PLAN", type=_uuid, help="uuid of the plan")
    shown.add_argument("--json", action="store_true", help="print JSON")
    add_settings(shown)
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
    """Shows a plan, or requests a return plan, waits for it, and prints it."""
    return _show(args) if args.action == "show" else _return(args)


def _show(args: argparse.Namespace) -> int:
    quiet_logging(args, "plan")
    settings = locate(args).settings
    with report_errors(*DATABASE_ERRORS, DomainError), closing(Queries(settings)) as queries:
        view = queries.read.action_plan(args.plan, show_deleted=True)
        if view is None:
            raise NotFound("Action Plan", args.plan)
        line = plan_line(queries, view, SystemClock().now())
        line = replace(line, rest=queries.rest(view))  # also before it is launched
    if args.json:
        print(json.dumps(json_value(asdict(line)), indent=2))
    else:
        print_lines(plan_lines(line))
    return 0


def _return(args: argparse.Namespace) -> int:
    with database_of(args, "plan", DomainError) as (database, _):
        event, plan = return_plan(database, args.plan, start=args.start, wait=args.wait)
    if args.json:
        print(json.dumps(as_json(event, plan), indent=2))
    else:
        print_lines(lines_of(event, plan, repeated(args), started=args.start))
    return 1 if args.start and plan.state != "SUCCEEDED" else 0
