import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from application.ports.event_log import EventLogUnavailable, ReadOnlyLog
from application.replay import timeline
from application.replay.aggregate_history import NoSuchMoment
from application.replay.diff import differences
from application.replay.find import AmbiguousSubject, SubjectNotFound, find
from application.replay.state_at import state_at
from infrastructure.event_log import SchemaError
from infrastructure.event_log.read_only import open_read_only
from interfaces.cli.arguments import add_settings, count, locate, moment, quiet_logging
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.terminal import history as rendering
from interfaces.terminal.console import terminal

SUBJECT = "id, beginning of an id, or name; also the id of an action or of a run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows the history: the events, the state of an audit or a plan at any time, and what "
        "changed between two versions. Vigil need not run; nothing is written."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    log = actions.add_parser("log", help="list events, newest last")
    which = log.add_mutually_exclusive_group()
    which.add_argument("subject", nargs="?", metavar="AGGREGATE", help=SUBJECT)
    which.add_argument("--correlation", metavar="ID", type=UUID, help="events of one audit run")
    log.add_argument("--limit", type=count, default=50, help="most events to list (50); 0: all")
    show = actions.add_parser("show", help="print a state")
    show.add_argument("subject", metavar="AGGREGATE", help=SUBJECT)
    when = show.add_mutually_exclusive_group()
    when.add_argument("--version", type=int, metavar="N", help="the state after its N-th event")
    when.add_argument(
        "--at",
        type=moment,
        metavar="MOMENT",
        help="the state at a log position or time (ISO 8601)",
    )
    diff = actions.add_parser("diff", help="list what changed between two versions")
    diff.add_argument("subject", metavar="AGGREGATE", help=SUBJECT)
    diff.add_argument("before", type=int, metavar="A", help="a version")
    diff.add_argument("after", type=int, metavar="B", help="a later version")
    for action in (log, show, diff):
        action.add_argument("--json", action="store_true", help="print JSON")
        add_settings(action)


def run(args: argparse.Namespace) -> int:
    """Shows events, a state, or a difference."""
    quiet_logging(args, "replay")
    actions = {"log": _log, "show": _show, "diff": _diff}
    with _opened(args) as log, report_errors(SubjectNotFound, AmbiguousSubject, NoSuchMoment):
        actions[args.action](args, log)
    return 0


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[ReadOnlyLog]:
    settings = locate(args).settings
    with report_errors(SchemaError):
        log = open_read_only(settings.database.connection)
    try:
        yield log
    except EventLogUnavailable as error:
        raise CommandFailed(f"the event log cannot be read: {error}") from error
    finally:
        log.close()


def _log(args: argparse.Namespace, log: ReadOnlyLog) -> None:
    if args.correlation is not None:
        moments = timeline.of_run(log, args.correlation)
    elif args.subject is not None:
        subject = find(log, args.subject)
        moments = timeline.of_aggregate(log, subject.aggregate_id)
    else:
        moments = timeline.newest(log, args.limit or log.end())
    if args.limit:
        moments = moments[-args.limit :]
    if args.json:
        rendering.log_json(moments, sys.stdout)
    elif moments:
        rendering.log_text(moments, terminal())
    else:
        print("there are no events", file=sys.stderr)


def _show(args: argparse.Namespace, log: ReadOnlyLog) -> None:
    subject = find(log, args.subject)
    snapshot = state_at(log, subject.aggregate_id, version=args.version, moment=args.at)
    if args.json:
        rendering.state_json(snapshot, sys.stdout)
    else:
        rendering.state_text(snapshot, terminal())


def _diff(args: argparse.Namespace, log: ReadOnlyLog) -> None:
    if args.before > args.after:
        raise CommandFailed(
            f"version {args.before} is after version {args.after}: name the earlier one first"
        )
    subject = find(log, args.subject)
    before = state_at(log, subject.aggregate_id, version=args.before)
    after = state_at(log, subject.aggregate_id, version=args.after)
    found = differences(before, after)
    if args.json:
        rendering.diff_json(found, sys.stdout)
    else:
        rendering.diff_text(found, before, after, terminal())
