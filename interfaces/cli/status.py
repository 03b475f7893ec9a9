"""`vigil status`: the live viewer, or the same as lines or JSON."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from infrastructure.clock import SystemClock
from interfaces.cli.arguments import pause
from interfaces.cli.printing import print_line
from interfaces.client import (
    ApiUnreachable,
    VigilClient,
    add_connection_arguments,
    client_from,
)

OVERVIEW = "/v1/overview"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows an installation through its API: health, roles, audits, action plans, hosts and "
        "events, and why each move was decided. On a terminal: live, with keys (? shows them). "
        "Otherwise: plain lines, once."
    )
    parser.add_argument("--once", action="store_true", help="print plain lines once")
    parser.add_argument("--json", action="store_true", help="print the overview of the API as JSON")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="without a terminal: print again what has changed, until Ctrl-C",
    )
    parser.add_argument(
        "--interval",
        type=pause,
        default=2.0,
        metavar="S",
        help="seconds between two updates if nothing happens (2)",
    )
    add_connection_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Shows the state of the installation."""
    with closing(client_from(args)) as api:
        if args.json or args.once or args.watch or not _has_terminal():
            json_form = _json_line if args.watch else _json
            show = json_form if args.json else _lines
            _print(api, show, args.interval if args.watch else None)
        else:
            _view(args, api)
    return 0


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


# -- without a terminal ----------------------------------------------------------------------------


def _json(overview: Any) -> Iterator[str]:
    yield from json.dumps(overview, indent=2).splitlines()


def _json_line(overview: Any) -> Iterator[str]:
    yield json.dumps(overview)


def _lines(overview: Any) -> Iterator[str]:
    from interfaces.terminal.plain import lines  # noqa: PLC0415 - JSON needs none

    return lines(overview)


def _print(api: VigilClient, show: Callable[[Any], Iterator[str]], interval: float | None) -> None:
    """Prints the overview; with an interval, again and again those lines that are new."""
    before: set[str] = set()
    while True:
        try:
            found = list(show(api.get(OVERVIEW)))
        except ApiUnreachable as error:
            if interval is None:
                raise
            found = [f"health blind {error}"]
        for line in found:
            if line not in before:
                print_line(line)
        sys.stdout.flush()
        if interval is None:
            return
        before = set(found)
        time.sleep(interval)


# -- on a terminal ---------------------------------------------------------------------------------


def _view(args: argparse.Namespace, api: VigilClient) -> None:
    """Draws a first frame at once; then loads what handles keys."""
    from interfaces.terminal.viewer.feed import Feed  # noqa: PLC0415 - lines need none
    from interfaces.terminal.viewer.first_frame import show_first  # noqa: PLC0415

    feed = Feed(api, api.url, SystemClock())
    show_first(feed)
    from interfaces.terminal.viewer.app import ViewerApp  # noqa: PLC0415 - after the first frame
    from interfaces.terminal.viewer.viewing import Tools  # noqa: PLC0415

    tools = Tools(lambda: client_from(args), SystemClock(), args.interval, _replay(args))
    ViewerApp(feed, tools).run()


def _replay(args: argparse.Namespace) -> Callable[[str], None] | str:
    """Runs the debugger on the database of the `vigil up` here."""
    if args.data is None and (args.url or args.os_cloud or _elsewhere()):
        return "the database of this API is not at hand"

    def run_debugger(place: str) -> None:
        import subprocess  # noqa: PLC0415 - rarely used

        data = ["--data", args.data] if args.data else []
        words = [sys.executable, "-m", "interfaces.cli.main", "replay", "open", place, *data]
        subprocess.run(words, check=False)  # noqa: S603 - ours

    return run_debugger


def _elsewhere() -> bool:
    return bool(os.environ.get("VIGIL_URL") or os.environ.get("OS_CLOUD"))
