import argparse
from collections.abc import Iterator

from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ProjectionStatus, QuarantinedEvent
from application.projections import RebuildLost, RebuildRefused, RebuildReport
from infrastructure.event_log import SchemaError
from interfaces.bootstrap.database import rebuild
from interfaces.bootstrap.queries import Queries
from interfaces.cli.common import add_settings, locate, quiet_logging
from interfaces.cli.errors import CommandFailed

REFUSALS = (SchemaError, StoreUnavailable, EventLogUnavailable, RebuildLost, RebuildRefused)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "The read models are folded from the event log. `status` shows how each stands and what it "
        "could not take in; `rebuild` folds them anew beside the live ones, compares, and switches."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_settings(actions.add_parser("status", help="how each projection stands"))
    again = actions.add_parser("rebuild", help="fold anew, compare, switch; queries go on")
    again.add_argument("name", nargs="?", default="all", metavar="NAME", help="which (all)")
    add_settings(again)


def run(args: argparse.Namespace) -> int:
    """Shows or rebuilds the read models."""
    quiet_logging(args, "projections")
    try:
        return _rebuild(args) if args.action == "rebuild" else _status(args)
    except REFUSALS as error:
        raise CommandFailed(str(error)) from error


def _status(args: argparse.Namespace) -> int:
    queries = Queries(locate(args).settings)
    try:
        for line in standing(queries.read.projections(), queries.read.quarantine()):
            print(line)
    finally:
        queries.close()
    return 0


def standing(
    projections: list[ProjectionStatus], quarantine: list[QuarantinedEvent]
) -> Iterator[str]:
    """How the read models stand, line by line."""
    yield f"{'projection':<20} {'version':>7} {'position':>9} {'lag':>6} {'quarantined':>11}"
    for one in projections:
        building = "  being built anew" if one.building else ""
        yield (
            f"{one.name:<20} {one.version:>7} {one.position:>9} {one.lag:>6} "
            f"{one.quarantined:>11}{building}"
        )
    for event in quarantine:
        yield (
            f"quarantined by {event.projection}: position {event.position}, {event.topic} of "
            f"{event.aggregate_id}: {event.error}"
        )


def _rebuild(args: argparse.Namespace) -> int:
    try:
        report = rebuild(locate(args).settings, args.name)
    except KeyError as error:
        raise CommandFailed(f"there is no projection {args.name}; `status` lists them") from error
    for line in rebuilt(report):
        print(line)
    return 0


def rebuilt(report: RebuildReport) -> Iterator[str]:
    """What a rebuild found, line by line."""
    names = ", ".join(one.projection for one in report.projections)
    yield (
        f"{report.events} events folded in {report.seconds:.1f} s into {names}, "
        f"up to position {report.position}; switched"
    )
    for projection, table in report.differences:
        examples = f" (for example {', '.join(table.examples)})" if table.examples else ""
        yield (
            f"{projection}: table {table.table} was not as the log says: "
            f"{table.live_rows} rows before, {table.built_rows} now{examples}"
        )
    if not report.differences:
        yield "everything was as the log says"
