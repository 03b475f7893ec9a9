import argparse
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.query import ClusterModels
from application.cluster_models.record import CollectedModel
from application.kernel.errors import Unavailable
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from infrastructure.clock import SystemClock
from infrastructure.event_log import SchemaError
from interfaces.bootstrap.queries import Queries
from interfaces.cli.arguments import add_settings, moment, quiet_logging
from interfaces.cli.cloud import add_cloud, locate_models
from interfaces.cli.cluster_output import FORMATS, list_lines, show_json, show_lines
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.cli.printing import print_line

ERRORS = (
    CloudRefused,
    CloudUnreachable,
    EventLogUnavailable,
    SchemaError,
    StoreUnavailable,
    Unavailable,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows and exports cluster models. `show` prints the status of the collected models and a "
        "summary of one of them, now or at any time; `list` prints everything in a model, also as "
        "XML; `export` reads the cloud and writes a cluster file (docs/cluster-file.md)."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print the status of all models, a summary of one")
    list_ = actions.add_parser("list", help="print everything in a collected model")
    for action in (show, list_):
        action.add_argument(
            "--kind",
            choices=FORMATS,
            default=COMPUTE.name.value,
            help="kind of model (%(default)s)",
        )
        action.add_argument(
            "--at",
            metavar="MOMENT",
            type=moment,
            help="the model at a log position, or at a time (ISO 8601)",
        )
        action.add_argument("--json", action="store_true", help="print JSON")
    list_.add_argument("--xml", action="store_true", help="print Watcher's XML format")
    out = actions.add_parser("export", help="read the cloud, write a cluster file")
    out.add_argument("--out", type=Path, metavar="FILE", help="file to write (standard output)")
    out.add_argument("--anonymise", action="store_true", help="replace all names by pseudonyms")
    out.add_argument("--no-metrics", action="store_true", help="leave out the metrics")
    for action in (show, list_, out):
        add_cloud(action)
        add_settings(action)


def run(args: argparse.Namespace) -> int:
    """Shows, lists or exports a model."""
    quiet_logging(args, "cluster")
    with report_errors(*ERRORS):
        return ACTIONS[args.action](args)


def _show(args: argparse.Namespace) -> int:
    style = FORMATS[args.kind]
    with _collected_models(args) as models:
        shown = _model(models, args)
        statuses = models.status()
    if args.json:
        print(json.dumps(show_json(statuses, shown, style), indent=2))
        return 0
    for line in show_lines(statuses, shown, style):
        print_line(line)
    return 0


def _list(args: argparse.Namespace) -> int:
    style = FORMATS[args.kind]
    if args.json and args.xml:
        raise CommandFailed("--json and --xml: only one of them can be chosen")
    with _collected_models(args) as models:
        model = _model(models, args).model
    if args.xml:
        print(style.xml(model))
    elif args.json:
        print(json.dumps(style.rows(model), indent=2))
    else:
        for line in list_lines(style.rows(model)):
            print_line(line)
    return 0


@contextmanager
def _collected_models(args: argparse.Namespace) -> Iterator[ClusterModels]:
    with closing(Queries(locate_models(args).settings)) as queries:
        yield queries.models


def _model(models: ClusterModels, args: argparse.Namespace) -> CollectedModel[Any]:
    kind, at = FORMATS[args.kind].kind, args.at
    if at is None:
        return models.latest(kind)
    if isinstance(at, datetime) and at > SystemClock().now():
        raise CommandFailed(f"--at: {at.isoformat()} is in the future")
    return models.at(kind, at)


def _export(args: argparse.Namespace) -> int:
    # Only here: the other actions do not need openstacksdk.
    from interfaces.cli.cluster_export import run_export  # noqa: PLC0415

    return run_export(args)


ACTIONS = {"show": _show, "list": _list, "export": _export}
