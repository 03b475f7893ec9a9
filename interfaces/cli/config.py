import argparse

from infrastructure.plugins import Registry, with_plugins
from infrastructure.settings.pages import in_force
from interfaces.cli.arguments import add_settings, load_settings
from interfaces.cli.printing import print_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Prints every option with its value and, after a #, the source of the value: command line, "
        "environment variable, file, or default. Secrets are masked."
    )
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the settings."""
    for line in in_force(with_plugins(load_settings(args), Registry())):
        print_line(line)
    return 0
