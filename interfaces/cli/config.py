import argparse

from infrastructure.settings.pages import in_force
from interfaces.cli.common import add_settings, load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Prints every option with the value in force and, behind a #, where it comes from: "
        "the command line, an environment variable, a file, or the default. Secrets are masked."
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the settings in force."""
    for line in in_force(load_settings(args)):
        print(line)
    return 0
