import argparse
from collections.abc import Iterator

from application.ports.read_models import ProjectionStatus, QuarantinedEvent
from application.projections import RebuildLost, RebuildRefused, RebuildReport
from interfaces.bootstrap.rebuilding import RebuildInterrupted, rebuild
from interfaces.cli.arguments import add_settings, locate, quiet_logging
from interfaces.cli.database import DATABASE_ERRORS, database_of
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.cli.printing import print_lines

ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Read models are projections of the event log. `status` prints the position of each "
        "projection and the events in quarantine; `rebuild` builds new tables from the whole event "
        "log, compares them with the live ones, and switches to them."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_settings(actions.add_parser("status", help="print the state of each projection"))
    again = actions.add_parser("rebuild", help="build new tables, switch to them")
    again.add_argument("name", nargs="?", default=ALL, metavar="NAME", help="a projection (all)")
    add_settings(again)


def run(args: argparse.Namespace) -> int:
    """Shows or rebuilds the read models."""
    if args.action == "rebuild":
        return _rebuild(args)
    with database_of(args, "projections") as (database, _):
        print_lines(_status_lines(database.read.projections(), database.read.quarantine()))
    return 0


def _status_lines(
    projections: list[ProjectionStatus], quarantine: list[QuarantinedEvent]
) -> Iterator[str]:
    yield f"{'projection':<20} {'version':>7} {'position':>9} {'lag':>6} {'quarantined':>11}"
    for one in projections:
        building = "  rebuilding" if one.building else ""
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
    quiet_logging(args, "projections")
    try:
        with report_errors(*DATABASE_ERRORS, RebuildLost, RebuildRefused, RebuildInterrupted):
            report = rebuild(locate(args).settings, *([] if args.name == ALL else [args.name]))
    except KeyError as error:
        raise CommandFailed(f"there is no projection {args.name}; `status` lists them") from error
    print_lines(_report_lines(report))
    return 0


def _report_lines(report: RebuildReport) -> Iterator[str]:
    names = ", ".join(one.projection for one in report.projections)
    yield (
        f"{names}: rebuilt from {report.events} events in {report.seconds:.1f} s, "
        f"up to position {report.position}; switched"
    )
    for projection, table in report.differences:
        examples = f" (for example {', '.join(table.examples)})" if table.examples else ""
        yield (
            f"{projection}: table {table.table} differed from the event log: "
            f"{table.live_rows} rows before, {table.built_rows} now{examples}"
        )
    if not report.differences:
        yield "no differences"
