"""`vigil replay whatif`: what another parameter, strategy or rule would have decided."""

import argparse
import json

from application.kernel.json_values import json_value
from application.replay.find import find_runs
from application.replay.runs import proposed
from application.replay.whatif import Variation
from domain.kernel.errors import InvalidValue, NotFound
from interfaces.bootstrap.decisions import opened_forker
from interfaces.cli.errors import CommandFailed, report_errors
from interfaces.cli.printing import print_lines
from interfaces.cli.replay_source import opened
from interfaces.terminal.forks import fork_lines


def run(args: argparse.Namespace) -> int:
    """Forks the decision of a run."""
    variation = Variation(
        parameters=dict(args.param),
        strategy=args.strategy,
        without_hosts=tuple(args.without_host),
        rules=_merged(args.rule),
        without_rules=tuple(args.without_rule),
    )
    if variation == Variation():
        raise CommandFailed("change something: --param, --strategy, --without-host or a rule")
    with opened(args) as history:
        run = find_runs(history.log, args.subject, history.index)[-1]
        plan = None if run.plan is None else proposed(history.log, run.plan)
        if plan is None or not plan.record:
            raise CommandFailed(f"run {run.run} published no plan that a strategy computed")
        with opened_forker(history) as forker, report_errors(InvalidValue, NotFound, KeyError):
            fork = forker.fork(plan, variation)
    if args.json:
        print(json.dumps(json_value(fork)))
    else:
        print_lines(fork_lines(fork, every=args.all))
    return 0


def _merged(documents: list[dict[str, list[object]]]) -> dict[str, list[object]] | None:
    """Several documents of operator rules as one."""
    merged: dict[str, list[object]] = {}
    for document in documents:
        for kind, rules in document.items():
            merged[kind] = [*merged.get(kind, []), *rules]
    return merged or None
