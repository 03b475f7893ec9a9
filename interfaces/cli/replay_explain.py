"""`vigil why` and `vigil replay explain`: why something was, or was not, done."""

import argparse
import json

from application.kernel.json_values import json_value
from application.queries.decisions import Resource, decisions_about, explained
from application.queries.plans import plan_explanation
from application.replay.find import find_runs
from application.replay.runs import RecordedRun, proposed
from interfaces.bootstrap.history import History
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_lines
from interfaces.cli.replay_source import opened, wanted_resources
from interfaces.terminal.decisions import decision_lines, decisions_json, explanation_lines


def run(args: argparse.Namespace) -> int:
    """Explains the decisions about a resource, or a plan."""
    with opened(args) as history:
        if args.subject is None:
            _resource(args, history)
        else:
            for recorded in find_runs(history.log, args.subject, history.index):
                _run(args, history, recorded)
    return 0


def _resource(args: argparse.Namespace, history: History) -> None:
    resource = _named(args)
    found = decisions_about(history.reads, history.records, resource, args.limit)
    if args.json:
        print(json.dumps(decisions_json(found)))
        return
    if not found:
        raise CommandFailed(f"no decision about {resource.name}; give the id or the exact name")
    print_lines(decision_lines(found))


def _named(args: argparse.Namespace) -> Resource:
    wanted = wanted_resources(args)
    if args.resource is not None:
        return Resource(args.resource)
    if len(wanted) != 1:
        raise CommandFailed("name a run or a plan, or give either --server or --host")
    return wanted[0]


def _run(args: argparse.Namespace, history: History, run: RecordedRun) -> None:
    event = None if run.plan is None else proposed(history.log, run.plan)
    if event is None:
        print_lines([f"run {run.run}: {run.failure or 'it published no plan so far'}"])
        return
    stored = plan_explanation(history.records, event.originator_id, event.explanation)
    places, rejected = explained(stored, wanted_resources(args))
    if args.json:
        actions = [json_value(stored.actions[place]) for place in places]
        shown = {"rejections": json_value(rejected), "notes": json_value(stored.notes)}
        print(json.dumps({"plan": str(event.originator_id), "actions": actions, **shown}))
        return
    print_lines(explanation_lines(event.originator_id, stored, places, rejected))
