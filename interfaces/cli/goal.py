import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from application.queries.goals import GoalStrategies, goal_strategies, templates_of_removed
from interfaces.cli.arguments import add_settings
from interfaces.cli.database import database_of
from interfaces.cli.printing import print_line, print_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "The goals of the installation. `list` prints each with its strategies, marks goals "
        "without a strategy and what was removed, and names the audit templates whose strategy "
        "was removed."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="print all goals and their strategies")
    listed.add_argument("--json", action="store_true", help="print JSON")
    add_settings(listed)


def run(args: argparse.Namespace) -> int:
    """Lists the goals."""
    with database_of(args, "goal") as (database, _):
        goals = goal_strategies(database.read)
        templates = {
            str(one.name): str(one.strategy_name) for one in templates_of_removed(database.read)
        }
    if args.json:
        document = {"goals": [asdict(one) for one in goals], "templates_of_removed": templates}
        print(json.dumps(document, indent=2))
        return 0
    print_lines(_lines(goals))
    for name, strategy in templates.items():
        print_line(f"audit template {name} names strategy {strategy}, which was removed")
    return 0


def _lines(goals: Sequence[GoalStrategies]) -> Iterator[str]:
    width = max((len(one.name) for one in goals), default=4)
    yield f"{'goal':<{width}} strategies"
    for one in goals:
        strategies = [*one.strategies, *(f"{name} (removed)" for name in one.removed_strategies)]
        text = ", ".join(strategies)
        if one.removed:
            text = "(goal removed)" + (f" {text}" if text else "")
        elif not one.strategies:
            text = "(no strategy: audits are refused)" + (f" {text}" if text else "")
        yield f"{one.name:<{width}} {text}"
