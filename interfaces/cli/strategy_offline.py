"""`vigil strategy run` and `preflight`: they load the plug-ins of this machine."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from application.commands.parameters import completed
from application.ports.operator_rules import RulesUnreadable
from application.ports.plugins import OptimizerOptions
from domain.kernel.errors import InvalidValue, NotFound
from domain.optimization.planner import PlanImpossible
from domain.optimization.selection import choose_strategy
from domain.optimization.strategy import Strategy
from infrastructure.operator_rules import RulesFile
from infrastructure.plugins import PluginOptions, Registry
from infrastructure.settings import load
from infrastructure.text_files import decoded, read_text
from interfaces.cli import strategy_run
from interfaces.cli.arguments import quiet_logging
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.cli.printing import print_line


def run(args: argparse.Namespace) -> int:
    """Runs or checks a strategy."""
    quiet_logging(args, "strategy")
    args.registry = Registry()
    with report_errors(NotFound, InvalidValue, PlanImpossible):
        strategy = _strategy(args.registry, args.name)
        parameters = completed(strategy.parameters_schema, dict(args.param))
        return ACTIONS[args.action](args, strategy, parameters)


def _strategy(registry: Registry, name: str) -> Strategy[Any]:
    installed = registry.optimizers.strategies
    problem = registry.problem("strategy", name)
    if problem is not None and name not in installed:
        raise CommandFailed(f"strategy {name} does not work: {problem}")
    return choose_strategy(installed, "", name)


def _run(args: argparse.Namespace, strategy: Strategy[Any], parameters: dict[str, object]) -> int:
    with report_errors(RulesUnreadable):
        rules = None if args.rules is None else RulesFile(args.rules).read()
    measured = strategy_run.run(
        args.registry.optimizers,
        _read_file(args.cluster),
        strategy.name,
        parameters,
        args.seed,
        rules,
        _options(args),
    )
    if args.json:
        print(json.dumps(strategy_run.as_json(measured), indent=2))
    else:
        for line in strategy_run.lines(measured):
            print_line(line)
    return 0 if measured.refused is None else 1


def _options(args: argparse.Namespace) -> OptimizerOptions:
    """Those of the arguments alone: the result does not depend on the machine."""
    loaded = load(flags=dict(args.assignments), files=args.config_file or [])
    options = PluginOptions(args.registry, loaded.settings.sources)
    return OptimizerOptions(options.of("strategy"), options.of("planner"))


def _preflight(
    args: argparse.Namespace, strategy: Strategy[Any], parameters: dict[str, object]
) -> int:
    # Only here: `run` does not need openstacksdk.
    from interfaces.cli.strategy_preflight import check  # noqa: PLC0415

    return check(args, strategy, parameters)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        is_piped = str(path) == "-"
        data = json.loads(decoded(sys.stdin.buffer.read()) if is_piped else read_text(path))
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise CommandFailed(f"{path} does not contain a JSON object")
    return data


ACTIONS = {"run": _run, "preflight": _preflight}
