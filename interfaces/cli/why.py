import argparse

from interfaces.cli import replay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows every decision about a server or a host, newest first: what was planned and why, "
        "how it ended, and which alternatives were rejected. Vigil need not run; nothing is "
        "written."
    )
    parser.add_argument("resource", metavar="SERVER|HOST", help="id or name")
    parser.set_defaults(task="explain", subject=None, server=None, host=None)
    replay.add_limit(parser, "most actions to list (50)", 50)
    replay.add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Shows the decisions about a server or a host."""
    return replay.run(args)
