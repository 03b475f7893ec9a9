import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from application.ports.event_log import EventLogUnavailable
from application.ports.seal import AnchorUnavailable
from application.replay.find import AmbiguousSubject, SubjectNotFound, find
from application.seal.proof import NotProvable, prove, verify_trail
from application.seal.trail import aggregates_of
from application.seal.verification import Report, verify_log
from infrastructure.event_log import SchemaError, SqlSeals
from infrastructure.event_log.read_only import open_read_only, open_seals_read_only
from infrastructure.seal.anchor_file import AnchorFile
from infrastructure.seal.keys import PrivateKey, UnusableKey
from infrastructure.settings import Settings
from interfaces.bootstrap.sealing import anchor, trusted_keys
from interfaces.cli.arguments import add_settings, locate, quiet_logging
from interfaces.cli.errors import report_errors
from interfaces.cli.printing import print_line

ERRORS = (
    *(SchemaError, EventLogUnavailable, AnchorUnavailable, UnusableKey),
    *(SubjectNotFound, AmbiguousSubject, NotProvable),
)
SUBJECT = "id, beginning of an id, or name of an audit or a plan"
SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "The seal of the event log. With a key, the scheduler signs hashes of all events; `verify` "
        "finds events that were changed, added or removed since, and exits with 1 if there are "
        "any; `prove` writes the events of an audit so that another machine can verify them with "
        "the public key alone. Vigil need not run; the log is only read."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    key = actions.add_parser("key", help="print the public key; makes the key if there is none")
    verify = actions.add_parser("verify", help="compare the log with its seals")
    verify.add_argument("subject", nargs="?", metavar="AUDIT", help=f"{SUBJECT}; all without one")
    verify.add_argument("--anchor", type=Path, metavar="FILE", help="the anchor, or a copy of it")
    verify.add_argument("--json", action="store_true", help="print JSON")
    proof = actions.add_parser("prove", help="write the proof of an audit's events as JSON")
    proof.add_argument("subject", metavar="AUDIT", help=SUBJECT)
    for action in (verify, proof):
        action.add_argument(
            "--public-key",
            action="append",
            default=[],
            type=Path,
            metavar="FILE",
            help="trusted public key (PEM); may be repeated; else those of the settings",
        )
    for action in (key, verify, proof):
        add_settings(action)


def verify(args: argparse.Namespace) -> int:
    """Verifies with the keys and the anchor of the settings: ``vigil replay verify --seal``."""
    return run(argparse.Namespace(**vars(args), action="verify", anchor=None, public_key=[]))


def run(args: argparse.Namespace) -> int:
    """Makes a key, verifies, or proves."""
    quiet_logging(args, "seal")
    actions = {"key": _key, "verify": _verify, "prove": _prove}
    settings = locate(args).settings
    with report_errors(*ERRORS):
        return actions[args.action](args, settings)


def _key(_: argparse.Namespace, settings: Settings) -> int:
    path = settings.seal.key
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        PrivateKey.create(path)
        print_line(f"made {path}", sys.stderr)
    print(PrivateKey.read(path).public_pem(), end="")
    return 0


@contextmanager
def _opened(settings: Settings) -> Iterator[SqlSeals]:
    with closing(open_seals_read_only(settings.database.connection)) as seals:
        yield seals


def _verify(args: argparse.Namespace, settings: Settings) -> int:
    keys = trusted_keys(settings, args.public_key)
    with _opened(settings) as seals:
        if args.subject is None:
            chosen = anchor(settings) if args.anchor is None else AnchorFile(args.anchor)
            anchored = None if chosen is None else chosen.statements()
            report = verify_log(seals, seals, keys, anchored)
        else:
            aggregates = _aggregates(args.subject, settings)
            report = verify_trail(seals, seals, keys, aggregates)
    is_good = not report.count and bool(report.sealed)
    if args.json:
        print(json.dumps({"is_good": is_good, **_as_json(report)}, indent=2))
    else:
        for line in _lines(report):
            print_line(line)
    return 0 if is_good else 1


def _prove(args: argparse.Namespace, settings: Settings) -> int:
    keys = trusted_keys(settings, args.public_key)
    aggregates = _aggregates(args.subject, settings)
    with _opened(settings) as seals:
        about = {"subject": str(aggregates[0])}
        print(json.dumps(prove(seals, seals, keys, aggregates, about), indent=1))
    return 0


def _aggregates(word: str, settings: Settings) -> list[UUID]:
    with closing(open_read_only(settings.database.connection)) as log:
        return aggregates_of(log, find(log, word).aggregate_id)


def _as_json(report: Report) -> dict[str, Any]:
    return {**asdict(report), "first_bad": report.first_bad}


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings[:SHOWN]:
        yield f"bad: {finding.text}"
    if report.count > SHOWN:
        yield f"bad: {report.count - SHOWN} more (--json lists them)"
    if report.first_bad is not None:
        yield f"first bad position: {report.first_bad}"
    anchored = "" if report.anchored is None else f", {report.anchored} seals in the anchor"
    unsealed = f", {report.unsealed} events without a seal yet" if report.unsealed else ""
    verdict = f"findings: {report.count}" if report.count else "unchanged since sealed"
    if not report.sealed and not report.count:
        verdict = "nothing is sealed"
    yield f"{verdict}; {report.sealed} events, {report.seals} seals{anchored}{unsealed}"
