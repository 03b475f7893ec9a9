import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from application.errors import Unavailable
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from infrastructure.event_log import SchemaError
from interfaces.bootstrap.models import kept_models, live_cloud
from interfaces.cli import cluster_view
from interfaces.cli.cloud import add_cloud, locate_cloud
from interfaces.cli.common import add_settings, quiet_logging
from interfaces.cli.errors import CommandFailed
from interfaces.cli.export import Export, export

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
        "The model of the cloud. `show` tells how the kept model stands and what it holds, now or "
        "at any time; `export` reads the cloud and writes a cluster file (docs/cluster-file.md)."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="the kept model")
    show.add_argument(
        "--at", metavar="MOMENT", type=moment, help="a position of the log, or a time (ISO 8601)"
    )
    show.add_argument("--json", action="store_true", help="for programs")
    out = actions.add_parser("export", help="read the cloud, write a cluster file")
    out.add_argument("--out", type=Path, metavar="FILE", help="where to; the output by default")
    out.add_argument(
        "--anonymise", action="store_true", help="pseudonyms for everything that has a name"
    )
    out.add_argument("--no-metrics", action="store_true", help="without measurements")
    for action in (show, out):
        add_cloud(action)
        add_settings(action)


def moment(text: str) -> int | datetime:
    """A log position, or a time; UTC where it does not say otherwise."""
    if text.isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a position nor a time (ISO 8601)"
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def run(args: argparse.Namespace) -> int:
    """Shows or exports the model."""
    quiet_logging(args, "cluster")
    with _refusals():
        return _show(args) if args.action == "show" else _export(args)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except REFUSALS as error:
        raise CommandFailed(str(error)) from error


def _show(args: argparse.Namespace) -> int:
    with kept_models(locate_cloud(args).settings) as models:
        shown = models.latest() if args.at is None else models.at(args.at)
        statuses = models.status()
    if args.json:
        print(json.dumps(cluster_view.as_json(statuses, shown), indent=2))
        return 0
    for line in cluster_view.lines(statuses, shown):
        print(line)
    return 0


def _export(args: argparse.Namespace) -> int:
    settings = locate_cloud(args).settings
    with live_cloud(settings) as cloud:
        found = export(cloud, with_metrics=not args.no_metrics, anonymise=args.anonymise)
    if not args.anonymise:
        found.data["meta"]["cloud"] = settings.cloud.name
    _write(found, args.out)
    for remark in found.remarks:
        print(f"vigil: {remark}", file=sys.stderr)
    return 0


def _write(found: Export, out: Path | None) -> None:
    text = json.dumps(found.data, indent=1)
    if out is None:
        print(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written: {error}") from error
    print(f"{found.hosts} hosts and {found.servers} servers written to {out}", file=sys.stderr)
