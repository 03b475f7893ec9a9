import argparse
import json
from collections.abc import Iterator
from typing import Any

from application.commands.actuation import switch_actuation
from application.kernel.actuation import ActuationView, actuation_view
from domain.kernel.errors import InvalidValue
from interfaces.cli.arguments import add_settings
from interfaces.cli.caller import caller
from interfaces.cli.database import database_of
from interfaces.cli.printing import print_lines

SHOW, ON = "show", "on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "The switch that stops all changes to the cloud. While it is off, no applier begins an "
        "action. Actions in progress finish; plans wait, and continue after `on`."
    )
    states = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for state, text in (
        (SHOW, "show the switch"),
        ("off", "begin no further action, on all appliers"),
        (ON, "begin actions again"),
    ):
        chosen = states.add_parser(state, help=text, description=text)
        if state != SHOW:
            chosen.add_argument("--reason", required=True, metavar="TEXT", help="shown to users")
        chosen.add_argument("--json", action="store_true", help="print JSON")
        add_settings(chosen)


def run(args: argparse.Namespace) -> int:
    """Switches actuation, or shows the switch."""
    with database_of(args, "actuation", InvalidValue) as (database, _):
        if args.action != SHOW:
            switch_actuation(database.commands, caller(), args.reason, on=args.action == ON)
        found = actuation_view(database.log)
    if args.json:
        print(json.dumps(_as_json(found), indent=2))
        return 0
    print_lines(_lines(found))
    return 0


def _lines(found: ActuationView) -> Iterator[str]:
    yield f"actuation {'on' if found.is_on else 'off'}"
    if found.at is not None:
        yield f"since     {found.at.isoformat(timespec='seconds')}"
        yield f"by        {found.by}"
        yield f"reason    {found.reason}"


def _as_json(found: ActuationView) -> dict[str, Any]:
    return {
        "state": "on" if found.is_on else "off",
        "reason": found.reason,
        "changed_by": found.by,
        "changed_at": found.at and found.at.isoformat(),
    }
