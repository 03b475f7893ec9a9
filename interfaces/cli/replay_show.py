"""`vigil replay show`: the state of an aggregate at a moment."""

import argparse
import sys

from application.replay.find import find
from application.replay.state_at import state_at
from interfaces.cli.replay_source import opened
from interfaces.terminal import history as rendering
from interfaces.terminal.console import terminal


def run(args: argparse.Namespace) -> int:
    """Shows a state."""
    with opened(args) as history:
        subject = find(history.log, args.subject, history.index)
        snapshot = state_at(history.log, subject.aggregate_id, version=args.version, moment=args.at)
    if args.json:
        rendering.state_json(snapshot, sys.stdout)
    else:
        rendering.state_text(snapshot, terminal())
    return 0
