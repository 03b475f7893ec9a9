import argparse
import importlib
from uuid import UUID

from interfaces.cli.arguments import add_settings, count, moment, positive

MODULES = {
    "log": "history",
    "show": "history",
    "diff": "history",
    "verify": "verify",
    "explain": "explain",
}
"""Action → its module, ``replay_…``, which is imported only when the action runs."""
SUBJECT = "id, beginning of an id, or name; also the id of an action or of a run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows the history: the events, the state of an audit or a plan at any time, and what "
        "changed between two versions; repeats recorded decisions. Vigil need not run; nothing is "
        "written."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    log = actions.add_parser("log", help="list events, newest last")
    which = log.add_mutually_exclusive_group()
    which.add_argument("subject", nargs="?", metavar="AGGREGATE", help=SUBJECT)
    which.add_argument("--correlation", metavar="ID", type=UUID, help="events of one audit run")
    log.add_argument("--limit", type=count, default=50, help="most events to list (50); 0: all")
    show = actions.add_parser("show", help="print a state")
    show.add_argument("subject", metavar="AGGREGATE", help=SUBJECT)
    when = show.add_mutually_exclusive_group()
    when.add_argument("--version", type=int, metavar="N", help="the state after its N-th event")
    when.add_argument(
        "--at",
        type=moment,
        metavar="MOMENT",
        help="the state at a log position or time (ISO 8601)",
    )
    diff = actions.add_parser("diff", help="list what changed between two versions")
    diff.add_argument("subject", metavar="AGGREGATE", help=SUBJECT)
    diff.add_argument("before", type=int, metavar="A", help="a version")
    diff.add_argument("after", type=int, metavar="B", help="a later version")
    verify = actions.add_parser(
        "verify",
        help="repeat recorded decisions and compare them with what was published",
        description="Runs strategy, planner and verification again on the decision record of a "
        "run, and compares with the published plan. Exits with 1 if a plan differs, or if a "
        "decision cannot be repeated.",
    )
    verify.add_argument(
        "subject", nargs="?", metavar="PLAN|RUN", help="action plan or run; an audit: all its runs"
    )
    verify.add_argument("--all", action="store_true", help="verify every run of the log")
    explain = actions.add_parser(
        "explain",
        help="show why something was, or was not, done",
        description="Shows the reasons of a plan: its actions, the rejected alternatives, notes. "
        "Without RUN, every decision about a server or a host, newest first (as `vigil why`).",
    )
    explain.add_argument("subject", nargs="?", metavar="RUN|PLAN", help="run, plan, or audit")
    explain.add_argument("--server", metavar="S", help="only what concerns this server")
    explain.add_argument("--host", metavar="H", help="only what concerns this host")
    explain.set_defaults(resource=None)
    add_limit(explain, "without RUN: most actions to list (50)", 50)
    for action in (log, show, diff, verify, explain):
        add_common(action)


def add_limit(parser: argparse.ArgumentParser, text: str, default: int) -> None:
    """Declares the limit of a list."""
    parser.add_argument("--limit", type=positive, default=default, metavar="N", help=text)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that all actions have."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Runs an action; returns the exit code."""
    module = importlib.import_module(f"interfaces.cli.replay_{MODULES[args.action]}")
    return int(module.run(args))
