import argparse
import json
from collections.abc import Iterator, Sequence

from infrastructure.plugins import Plugin, Registry
from interfaces.cli.arguments import quiet_logging
from interfaces.cli.printing import print_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Goals, strategies, planners, actions and their handlers, scoring engines and datasources "
        "are plug-ins: those of Vigil and those of other installed distributions (see "
        "docs/plugins.md). `list` loads all of them and prints where each comes from and, if it "
        "does not work, why."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="print all plug-ins")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.add_argument("--debug", action="store_true", help="show tracebacks of errors")


def run(args: argparse.Namespace) -> int:
    """Lists the plug-ins."""
    quiet_logging(args, "plugins")
    plugins = Registry(log_problems=args.debug).plugins()
    if args.json:
        print(json.dumps([_as_json(one) for one in plugins], indent=2))
    else:
        for line in _lines(plugins):
            print_line(line)
    return 0


def _as_json(one: Plugin) -> dict[str, object]:
    return {
        "kind": one.kind,
        "name": one.name,
        "distribution": one.origin.distribution,
        "version": one.origin.version,
        "state": one.state,
        "problem": one.problem,
    }


def _lines(plugins: Sequence[Plugin]) -> Iterator[str]:
    kinds = max((len(one.kind) for one in plugins), default=0)
    names = max((len(one.name) for one in plugins), default=0)
    origins = max((len(str(one.origin)) for one in plugins), default=0)
    yield f"{'kind':<{kinds}} {'name':<{names}} {'origin':<{origins}} state"
    for one in plugins:
        problem = f": {one.problem}" if one.problem else ""
        yield (
            f"{one.kind:<{kinds}} {one.name:<{names}} {one.origin!s:<{origins}} "
            f"{one.state}{problem}"
        )
