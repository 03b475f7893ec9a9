import argparse
import os
import sys
import threading
from collections.abc import Callable

from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.queries.overview import InstallationInfo, Overview, OverviewSources, gather
from infrastructure.clock import SystemClock
from infrastructure.event_log import SchemaError
from infrastructure.logs import scrubbed
from infrastructure.settings import Settings
from infrastructure.supervision import holder, state
from interfaces.bootstrap.queries import Queries
from interfaces.cli.common import add_settings, locate, pause, quiet_logging
from interfaces.cli.errors import CommandFailed
from interfaces.terminal.console import terminal
from interfaces.terminal.plain import as_json, lines
from interfaces.terminal.screen import watch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows services, audits, plans, running actions, read models and the newest events: live "
        "on a terminal (Ctrl-C ends it), once as plain lines otherwise."
    )
    parser.add_argument("--once", action="store_true", help="plain lines, once")
    parser.add_argument("--json", action="store_true", help="one JSON object, once")
    parser.add_argument(
        "--interval", type=pause, default=1.0, metavar="S", help="seconds between two looks (1)"
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Shows what is going on."""
    quiet_logging(args, "status")
    settings = locate(args).settings
    try:
        queries = Queries(settings)
    except SchemaError as error:
        raise CommandFailed(str(error)) from error
    try:
        _show(args, looker(queries, settings))
    finally:
        queries.close()
    return 0


def _show(args: argparse.Namespace, look: Callable[[], Overview]) -> None:
    if args.json:
        print(as_json(look()))
    elif args.once or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        for line in lines(look()):
            print(line)
    else:
        watch(terminal(), look, args.interval, threading.Event())


def looker(sources: OverviewSources, settings: Settings) -> Callable[[], Overview]:
    """Gathers a view whenever it is called; a database that is away is a problem in the view."""
    clock = SystemClock()

    def look() -> Overview:
        where = _where(settings)
        try:
            return gather(sources, where, clock.now())
        except (StoreUnavailable, EventLogUnavailable) as error:
            problem = f"the database does not answer: {error}; trying again"
            return Overview(at=clock.now(), where=where, problem=problem)

    return look


def _where(settings: Settings) -> InstallationInfo:
    pid = holder(settings.data_dir)
    found = state.read(settings.data_dir) if pid is not None else None
    return InstallationInfo(
        database=scrubbed(settings.database.connection),
        pid=pid,
        api_url=found.api_url if found else None,
        cloud=found.cloud if found else None,
    )
