import argparse
from pathlib import Path

from interfaces.cli.arguments import add_flag, add_options, add_parameters, add_settings
from interfaces.cli.nouns import command
from interfaces.cli.nouns.catalogue import STRATEGY


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "The strategies of the installation, and offline trials. `run` computes the plan for a "
        "cluster file (see `vigil cluster export`), changes nothing, and exits with 1 if the plan "
        "breaks a placement rule; `preflight` checks whether the cloud provides the models and "
        "metrics that the strategy needs, and exits with 1 if a required one is missing."
    )
    actions = parser.add_subparsers(dest="action", metavar="VERB", required=True)
    command.add_verbs(actions, STRATEGY)
    offline = actions.add_parser("run", help="compute the plan for a cluster file")
    _add_strategy(offline)
    offline.add_argument(
        "--cluster",
        required=True,
        type=Path,
        metavar="FILE",
        help="cluster file; - is standard input",
    )
    offline.add_argument(
        "--rules",
        type=Path,
        metavar="FILE",
        help="operator rules, as in the file that [placement] rules_file names",
    )
    add_options(offline)
    offline.add_argument("--seed", type=int, default=0, help="random seed (0)")
    offline.add_argument("--debug", action="store_true", help="show tracebacks of errors")
    check = actions.add_parser("preflight", help="check what a strategy needs")
    _add_strategy(check)
    add_flag(check, "--cloud", "vigil.cloud", "NAME", "name of a cloud in clouds.yaml")
    add_settings(check)


def _add_strategy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of an installed strategy")
    add_parameters(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Does what the verb says."""
    if "verb" in args:
        return command.run(args)
    # Only here: the other verbs need no plug-ins.
    from interfaces.cli import strategy_offline  # noqa: PLC0415

    return strategy_offline.run(args)
