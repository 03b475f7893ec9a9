"""`vigil replay log`, `show` and `diff`."""

import argparse
import sys

from application.ports.event_log import ReadOnlyLog
from application.replay import timeline
from application.replay.diff import differences
from application.replay.find import find
from application.replay.state_at import state_at
from interfaces.cli.errors import CommandFailed
from interfaces.cli.replay_source import opened
from interfaces.terminal import history as rendering
from interfaces.terminal.console import terminal


def run(args: argparse.Namespace) -> int:
    """Shows events, a state, or a difference."""
    with opened(args) as history:
        {"log": _log, "show": _show, "diff": _diff}[args.action](args, history.log)
    return 0


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
