"""`vigil replay diff`: an aggregate, rows of a read table, or the cluster, at two moments."""

import argparse
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

from application.kernel.json_values import json_value
from application.ports.event_log import Moment
from application.replay.aggregate_history import NoSuchMoment
from application.replay.cluster_diff import cluster_difference
from application.replay.diff import differences
from application.replay.find import find
from application.replay.moments import position_at
from application.replay.rows import changed_rows, row_projections
from application.replay.state_at import AggregateAt, state_at
from domain.cluster.compute.model import ComputeModel
from infrastructure.cron import next_match
from interfaces.bootstrap.history import History
from interfaces.cli.arguments import moment
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_lines
from interfaces.cli.replay_source import opened
from interfaces.terminal import history as rendering
from interfaces.terminal.cluster_diff import cluster_lines
from interfaces.terminal.console import terminal

_VERSION = re.compile(r"v([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True)
class Version:
    """The state of an aggregate after its n-th event."""

    number: int


End = Version | Moment | None
"""One end of a range. None: the beginning, or now."""


def moments(text: str) -> tuple[End, End]:
    """Two moments with dots between them: ``A..B``."""
    before, dots, after = text.partition("..")
    if not dots:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form A..B: log positions, times, or versions (v3..v7)"
        )
    return _end(before), _end(after)


def _end(text: str) -> End:
    version = _VERSION.fullmatch(text)
    if version is not None:
        return Version(int(version[1]))
    return moment(text) if text else None


def run(args: argparse.Namespace) -> int:
    """Shows what differs."""
    if sum((args.subject is not None, args.cluster, args.rows is not None)) != 1:
        raise CommandFailed("name an aggregate, or give either --cluster or --rows")
    with opened(args) as history:
        if args.subject is not None:
            _aggregate(args, history)
        elif args.cluster:
            _cluster(args, history)
        else:
            _rows(args, history)
    return 0


def _aggregate(args: argparse.Namespace, history: History) -> None:
    subject = find(history.log, args.subject, history.index)
    before, after = args.between
    old = None if before is None else _state(history, subject.aggregate_id, before)
    new = _state(history, subject.aggregate_id, after)
    if new is None:
        raise NoSuchMoment(f"{subject.aggregate_id} did not exist at the end of the range")
    if old is not None:
        _refuse_backwards("version", old.version, new.version)
    title = f"{new.kind} {new.aggregate_id}: version {old.version if old else 0} -> {new.version}"
    _print(args, {} if old is None else old.plain(), new.plain(), title)


def _state(history: History, aggregate_id: Any, end: End) -> AggregateAt | None:
    """The state at an end of the range; None if it is a moment before the first event."""
    if isinstance(end, Version):
        return state_at(history.log, aggregate_id, version=end.number)
    if end is not None and not history.log.version(aggregate_id, position_at(history.log, end)):
        return None
    return state_at(history.log, aggregate_id, moment=end)


def _rows(args: argparse.Namespace, history: History) -> None:
    projections = row_projections(next_match)
    if args.rows not in projections:
        raise CommandFailed(f"--rows: the tables are {', '.join(sorted(projections))}")
    before, after = _positions(args, history)
    old, new = changed_rows(history.log, projections[args.rows], args.rows, before, after)
    _print(args, old, new, f"{args.rows}: position {before} -> {after}")


def _cluster(args: argparse.Namespace, history: History) -> None:
    before, after = _positions(args, history)
    past = history.cluster()
    old = past.at(before) if args.between[0] is not None else ComputeModel.build((), ())[0]
    found = cluster_difference(old, past.at(after))
    if args.json:
        print(json.dumps(json_value(found)))
    else:
        print_lines(cluster_lines(found, f"cluster: position {before} -> {after}"))


def _positions(args: argparse.Namespace, history: History) -> tuple[int, int]:
    ends = args.between
    if any(isinstance(one, Version) for one in ends):
        raise CommandFailed("only an aggregate has versions; give log positions or times")
    first, last = ends
    before = 0 if first is None else position_at(history.log, first)
    after = history.log.end() if last is None else position_at(history.log, last)
    _refuse_backwards("position", before, after)
    return before, after


def _refuse_backwards(what: str, before: int, after: int) -> None:
    if before > after:
        raise CommandFailed(f"{what} {before} is after {what} {after}: name the earlier one first")


def _print(
    args: argparse.Namespace, before: dict[str, Any], after: dict[str, Any], title: str
) -> None:
    found = differences(before, after)
    if args.json:
        rendering.diff_json(found, sys.stdout)
    else:
        rendering.diff_text(found, title, terminal())
