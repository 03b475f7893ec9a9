"""`vigil replay show` and `diff`."""

import argparse
import sys

from application.replay.diff import differences
from application.replay.find import find
from application.replay.state_at import state_at
from interfaces.bootstrap.history import History
from interfaces.cli.errors import CommandFailed
from interfaces.cli.replay_source import opened
from interfaces.terminal import history as rendering
from interfaces.terminal.console import terminal


def run(args: argparse.Namespace) -> int:
    """Shows a state, or a difference."""
    with opened(args) as history:
        {"show": _show, "diff": _diff}[args.task](args, history)
    return 0


def _show(args: argparse.Namespace, history: History) -> None:
    subject = find(history.log, args.subject, history.index)
    snapshot = state_at(history.log, subject.aggregate_id, version=args.version, moment=args.at)
    if args.json:
        rendering.state_json(snapshot, sys.stdout)
    else:
        rendering.state_text(snapshot, terminal())


def _diff(args: argparse.Namespace, history: History) -> None:
    if args.before > args.after:
        raise CommandFailed(
            f"version {args.before} is after version {args.after}: name the earlier one first"
        )
    subject = find(history.log, args.subject, history.index)
    before = state_at(history.log, subject.aggregate_id, version=args.before)
    after = state_at(history.log, subject.aggregate_id, version=args.after)
    found = differences(before, after)
    if args.json:
        rendering.diff_json(found, sys.stdout)
    else:
        rendering.diff_text(found, before, after, terminal())
