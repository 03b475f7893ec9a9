import argparse

from infrastructure.event_log import SchemaError, check
from infrastructure.logs import scrubbed
from interfaces.bootstrap.database import upgrade
from interfaces.cli.common import add_settings, locate, quiet_logging, set_up_logging
from interfaces.cli.errors import CommandFailed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_settings(
        actions.add_parser(
            "upgrade", help="bring the schema up to date; once, before a new version's roles start"
        )
    )
    add_settings(actions.add_parser("check", help="whether the schema is the one of this version"))


def run(args: argparse.Namespace) -> int:
    """Prepares or checks the database."""
    try:
        return _check(args) if args.action == "check" else _upgrade(args)
    except SchemaError as error:
        raise CommandFailed(str(error)) from error


def _upgrade(args: argparse.Namespace) -> int:
    loaded = locate(args)
    set_up_logging(loaded, "db")
    done = upgrade(loaded.settings)
    for line in done:
        print(line)
    where = scrubbed(loaded.settings.database.connection)
    print(f"{where} is up to date" if done else f"{where} was up to date already")
    return 0


def _check(args: argparse.Namespace) -> int:
    quiet_logging(args, "db")
    url = locate(args).settings.database.connection
    check(url)
    print(f"{scrubbed(url)} has the schema of this version")
    return 0
