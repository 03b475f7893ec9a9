"""`vigil replay verify`: repeats recorded decisions and compares."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from application.replay.find import find_runs
from application.replay.runs import RecordedRun, every_run
from application.replay.verification import Outcome, RunVerification
from interfaces.bootstrap.decisions import opened_verifier
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_line, print_lines
from interfaces.cli.replay_source import opened
from interfaces.terminal.verification import difference_lines, verdict_line, verification_json


def run(args: argparse.Namespace) -> int:
    """Verifies runs; returns 1 if one of them is not proved."""
    if args.seal:
        if args.all:
            raise CommandFailed("--seal verifies all events, or those of AUDIT; leave out --all")
        from interfaces.cli.seal import verify  # noqa: PLC0415 - it imports cryptography

        return verify(args)
    if (args.subject is None) == (not args.all):
        raise CommandFailed("name a plan, a run or an audit, or give --all")
    summary = Summary()
    with opened(args) as history:
        log = history.log
        runs: Iterable[RecordedRun] = (
            every_run(log) if args.all else find_runs(log, args.subject, history.index)
        )
        with opened_verifier(history, isolated=args.all) as verifier:
            for found in map(verifier.verify, runs):
                summary.add(found)
                _print(args, found)
    if args.all and not args.json:
        print_lines(summary.lines())
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
        print_lines(difference_lines(found))
