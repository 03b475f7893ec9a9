import argparse
import json
import sys
from pathlib import Path
from typing import Any

from application.commands.parameters import completed
from domain.kernel.errors import InvalidValue, NotFound
from domain.optimization import STRATEGIES
from domain.optimization.selection import choose_strategy
from domain.optimization.strategy import Strategy
from interfaces.cli import trial
from interfaces.cli.cloud import add_cloud
from interfaces.cli.common import add_settings, quiet_logging
from interfaces.cli.errors import CommandFailed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Tries strategies before they are trusted. `run` computes the plan for a cluster file (see "
        "`vigil cluster export`) and touches nothing; `preflight` tells whether the models and "
        "metrics that a strategy needs can be had, and ends with 1 if one that it requires cannot."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    offline = actions.add_parser("run", help="the plan for a cluster file; nothing is touched")
    _add_strategy(offline)
    offline.add_argument(
        "--cluster", required=True, type=Path, metavar="FILE", help="cluster file; - is the input"
    )
    offline.add_argument("--seed", type=int, default=0, help="for strategies that draw lots (0)")
    offline.add_argument("--debug", action="store_true", help="show tracebacks of errors")
    check = actions.add_parser("preflight", help="whether what a strategy needs can be had")
    _add_strategy(check)
    add_cloud(check)
    add_settings(check)


def _add_strategy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(sorted(STRATEGIES))}")
    parser.add_argument(
        "--param",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_parameter,
        dest="parameters",
        help="a parameter of the strategy; the value is JSON, or else text",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _parameter(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def run(args: argparse.Namespace) -> int:
    """Runs or checks a strategy."""
    quiet_logging(args, "strategy")
    try:
        strategy = choose_strategy(STRATEGIES, "", args.name)
        parameters = completed(strategy.parameters_schema, dict(args.parameters))
        return ACTIONS[args.action](args, strategy, parameters)
    except (NotFound, InvalidValue) as error:
        raise CommandFailed(str(error)) from error


def _run(args: argparse.Namespace, strategy: Strategy, parameters: dict[str, object]) -> int:
    tried = trial.attempt(read_file(args.cluster), strategy.name, parameters, args.seed)
    if args.json:
        print(json.dumps(trial.as_json(tried), indent=2))
    else:
        for line in trial.lines(tried):
            print(line)
    return 0


def _preflight(args: argparse.Namespace, strategy: Strategy, parameters: dict[str, object]) -> int:
    from interfaces.cli import preflight  # noqa: PLC0415 - brings the SDK, which `run` can do without

    return preflight.check(args, strategy, parameters)


def read_file(path: Path) -> dict[str, Any]:
    """The JSON object in a file (``-``: the standard input).

    Raises:
        CommandFailed: there is none.
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        data = json.loads(text)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise CommandFailed(f"{path} holds no JSON object")
    return data


ACTIONS = {"run": _run, "preflight": _preflight}
