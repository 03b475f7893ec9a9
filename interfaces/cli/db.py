import argparse

from infrastructure.event_log import SchemaError, check
from infrastructure.logs import scrubbed
from interfaces.bootstrap.database import upgrade
from interfaces.cli.arguments import add_settings, locate, quiet_logging, set_up_logging
from interfaces.cli.errors import report_errors
from interfaces.cli.printing import print_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_settings(
        actions.add_parser(
            "upgrade", help="upgrade the schema; run it once, before roles of a new version start"
        )
    )
    add_settings(actions.add_parser("check", help="check that the schema fits this version"))


def run(args: argparse.Namespace) -> int:
    """Upgrades or checks the schema."""
    with report_errors(SchemaError):
        return _check(args) if args.action == "check" else _upgrade(args)


def _upgrade(args: argparse.Namespace) -> int:
    loaded = locate(args)
    set_up_logging(loaded, "db")
    done = upgrade(loaded.settings)
    for line in done:
        print_line(line)
    where = scrubbed(loaded.settings.database.connection)
    print_line(f"{where} is up to date" if done else f"{where} was up to date already")
    return 0


def _check(args: argparse.Namespace) -> int:
    quiet_logging(args, "db")
    url = locate(args).settings.database.connection
    check(url)
    print_line(f"{scrubbed(url)} has the schema of this version")
    return 0
