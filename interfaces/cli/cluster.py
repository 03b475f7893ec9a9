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
from interfaces.cli import cluster_view
from interfaces.cli.cloud import add_cloud, locate_cloud
from interfaces.cli.cluster_forms import FORMS, ModelFormat
from interfaces.cli.common import add_settings, moment, quiet_logging
from interfaces.cli.errors import CommandFailed

REFUSALS = (
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
        "The models of the cloud. `show` tells how the kept models stand and what one of them "
        "holds, now or at any time; `list` writes everything in it, also as XML; `export` reads "
        "the cloud and writes a cluster file (docs/cluster-file.md)."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="how models stand, and what one holds, in short")
    whole = actions.add_parser("list", help="everything in a kept model")
    for action in (show, whole):
        action.add_argument(
            "--kind", choices=FORMS, default=COMPUTE.name.value, help="which model (%(default)s)"
        )
        action.add_argument(
            "--at",
            metavar="MOMENT",
            type=moment,
            help="a position of the log, or a time (ISO 8601)",
        )
        action.add_argument("--json", action="store_true", help="for programs")
    whole.add_argument("--xml", action="store_true", help="the established XML form")
    out = actions.add_parser("export", help="read the cloud, write a cluster file")
    out.add_argument("--out", type=Path, metavar="FILE", help="where to; the output by default")
    out.add_argument(
        "--anonymise", action="store_true", help="pseudonyms for everything that has a name"
    )
    out.add_argument("--no-metrics", action="store_true", help="without measurements")
    for action in (show, whole, out):
        add_cloud(action)
        add_settings(action)


def run(args: argparse.Namespace) -> int:
    """Shows or exports the model."""
    quiet_logging(args, "cluster")
    with _refusals():
        return ACTIONS[args.action](args)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except REFUSALS as error:
        raise CommandFailed(str(error)) from error


def _show(args: argparse.Namespace) -> int:
    form = FORMS[args.kind]
    with _opened_models(args) as models:
        shown = _model(models, form, args.at)
        statuses = models.status()
    if args.json:
        print(json.dumps(cluster_view.as_json(statuses, shown, form), indent=2))
        return 0
    for line in cluster_view.lines(statuses, shown, form):
        print(line)
    return 0


def _list(args: argparse.Namespace) -> int:
    form = FORMS[args.kind]
    if args.json and args.xml:
        raise CommandFailed("--json and --xml: only one of them can be chosen")
    with _opened_models(args) as models:
        model = _model(models, form, args.at).model
    if args.xml:
        print(form.xml(model))
    elif args.json:
        print(json.dumps(form.rows(model), indent=2))
    else:
        for line in cluster_view.list_lines(form.rows(model)):
            print(line)
    return 0


@contextmanager
def _opened_models(args: argparse.Namespace) -> Iterator[ClusterModels]:
    with closing(Queries(locate_cloud(args).settings)) as queries:
        yield queries.models


def _model(
    models: ClusterModels, form: ModelFormat, at: int | datetime | None
) -> CollectedModel[Any]:
    if at is None:
        return models.latest(form.kind)
    if isinstance(at, datetime) and at > SystemClock().now():
        raise CommandFailed(f"--at: {at.isoformat()} is in the future")
    return models.at(form.kind, at)


def _export(args: argparse.Namespace) -> int:
    # Only here: the other actions do not need openstacksdk.
    from interfaces.cli.export import run_export  # noqa: PLC0415

    return run_export(args)


ACTIONS = {"show": _show, "list": _list, "export": _export}
