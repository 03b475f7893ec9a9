import argparse
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial

from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.queries.overview import Health, Overview, Problem
from infrastructure.event_log import SchemaError
from infrastructure.settings import Settings
from interfaces.bootstrap.database import CLOCK
from interfaces.bootstrap.overview import installation, overview_query
from interfaces.bootstrap.queries import Queries
from interfaces.cli.arguments import add_settings, locate, pause, quiet_logging
from interfaces.cli.errors import report_errors
from interfaces.cli.printing import print_line
from interfaces.terminal.console import terminal
from interfaces.terminal.plain import as_json, lines
from interfaces.terminal.screen import watch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows services, audits, action plans, running actions, read models and the newest events. "
        "On a terminal the screen is updated until Ctrl-C; otherwise prints plain lines once."
    )
    parser.add_argument("--once", action="store_true", help="print plain lines once")
    parser.add_argument("--json", action="store_true", help="print one JSON object once")
    parser.add_argument(
        "--interval", type=pause, default=1.0, metavar="S", help="seconds between two updates (1)"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Shows the state of the installation."""
    quiet_logging(args, "status")
    settings = locate(args).settings
    with report_errors(SchemaError):
        queries = Queries(settings)
    with closing(queries):
        _show(args, partial(_overview, queries, settings))
    return 0


def _show(args: argparse.Namespace, overview: Callable[[], Overview]) -> None:
    if args.json:
        print(as_json(overview()))
    elif args.once or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        for line in lines(overview()):
            print_line(line)
    else:
        watch(terminal(), overview, args.interval, threading.Event())


def _overview(queries: Queries, settings: Settings) -> Overview:
    """The state now; an unreachable database is a problem in it, not an error."""
    try:
        return overview_query(settings, queries)()
    except (StoreUnavailable, EventLogUnavailable) as error:
        text = f"The database does not answer: {error}; trying again."
        problem = Problem("database", "failed", "database", text)
        where, _ = installation(settings)
        return Overview(CLOCK.now(), where, health=Health("failed", (problem,)))
