"""`vigil replay verify`: repeats recorded decisions and compares."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from application.ports.event_log import ReadOnlyLog
from application.replay.find import find
from application.replay.runs import RecordedRun, every_run, run_of_audit, run_of_plan, runs_of
from application.replay.verification import Outcome, RunVerification
from interfaces.bootstrap.decisions import opened_verifier
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_line
from interfaces.cli.replay_source import opened
from interfaces.terminal.verification import difference_lines, verdict_line, verification_json


def run(args: argparse.Namespace) -> int:
    """Verifies runs; returns 1 if one of them is not proved."""
    if (args.subject is None) == (not args.all):
        raise CommandFailed("name a plan, a run or an audit, or give --all")
    summary = Summary()
    with opened(args) as (settings, log):
        runs: Iterable[RecordedRun] = every_run(log) if args.all else _chosen(log, args.subject)
        with opened_verifier(settings, log, isolated=args.all) as verifier:
            for found in map(verifier.verify, runs):
                summary.add(found)
                _print(args, found)
    if args.all and not args.json:
        _print_all(summary.lines())
    return 0 if summary.is_proved else 1


class Summary:
    """Counts outcomes, and what changed since the decisions."""

    def __init__(self) -> None:
        self._outcomes: Counter[Outcome] = Counter()
        self._changes: Counter[str] = Counter()
        self.is_proved = True

    def add(self, found: RunVerification) -> None:
        """Counts the verification of a run."""
        self._outcomes[found.outcome] += 1
        self._changes.update(map(str, found.changes))
        self.is_proved = self.is_proved and found.is_proof

    def lines(self) -> Iterator[str]:
        """The counts."""
        counts = [f"{self._outcomes[one]} {one}" for one in Outcome if self._outcomes[one]]
        yield f"{self._outcomes.total()} runs: {', '.join(counts) or 'nothing to verify'}"
        for change, count in self._changes.most_common():
            yield f"  changed since {count} of them: {change}"


def _print(args: argparse.Namespace, found: RunVerification) -> None:
    if args.json:
        print(json.dumps(verification_json(found)), flush=True)
        return
    print_line(verdict_line(found))
    if not args.all or not found.is_proof:
        _print_all(difference_lines(found))


def _print_all(lines: Iterable[str]) -> None:
    for line in lines:
        print_line(line)


def _chosen(log: ReadOnlyLog, word: str) -> list[RecordedRun]:
    """The runs that a word names: of a plan, a run, or all of an audit."""
    subject = find(log, word)
    if subject.run is not None:
        found = run_of_audit(log, subject.aggregate_id, subject.run)
    else:
        found = run_of_plan(log, subject.aggregate_id)
    if found is not None:
        return [found]
    runs = runs_of(log, subject.aggregate_id)
    if not runs:
        raise CommandFailed(f"{word} is no action plan and no audit with runs")
    return runs
