import argparse

from infrastructure.logs import scrubbed
from interfaces.bootstrap import upgrade
from interfaces.cli.common import add_settings, load_settings, set_up_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("action", choices=("upgrade",), help="upgrade: bring the schema up to date")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Prepares the database; run it once before the roles of a new version start."""
    loaded = load_settings(args)
    set_up_logging(loaded, "db")
    done = upgrade(loaded.settings)
    for line in done:
        print(line)
    where = scrubbed(loaded.settings.database.connection)
    print(f"{where} is up to date" if done else f"{where} was up to date already")
    return 0
