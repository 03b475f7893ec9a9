"""`vigil replay trace` and `blame`: where time went, and which event set an attribute."""

import argparse
import json

from application.kernel.json_values import json_value
from application.ports.event_log import Entry
from application.replay.blame import blame
from application.replay.find import find, find_runs
from application.replay.runs import is_of_run
from application.replay.selection import EventSelection
from application.replay.trace import trace
from domain.kernel.ids import plan_id
from interfaces.bootstrap.history import History
from interfaces.cli.printing import print_lines
from interfaces.cli.replay_source import opened
from interfaces.terminal.trace import assignment_lines, trace_lines


def run(args: argparse.Namespace) -> int:
    """Shows the trace of a run, or the origin of an attribute."""
    with opened(args) as history:
        {"trace": _trace, "blame": _blame}[args.task](args, history)
    return 0


def _trace(args: argparse.Namespace, history: History) -> None:
    spans = trace(_events(args.subject, history))
    if args.json:
        print(json.dumps(json_value(spans)))
    else:
        print_lines(trace_lines(spans))


def _events(word: str, history: History) -> list[Entry]:
    """The events of the run that a word names (of an audit: its last run), and of its plan."""
    run = find_runs(history.log, word, history.index)[-1]
    plan = plan_id(run.audit, run.run)
    selection = EventSelection(aggregates=frozenset((run.audit, plan)))
    found = [one for chunk in selection.newest_first(history.log) for one in chunk]
    return [one for one in found if one.aggregate_id == plan or is_of_run(one, run.run)]


def _blame(args: argparse.Namespace, history: History) -> None:
    subject = find(history.log, args.subject, history.index)
    found = blame(history.log, subject.aggregate_id, args.field)
    if args.json:
        print(json.dumps(json_value(found)))
    else:
        print_lines(assignment_lines(found[-args.limit :]))
