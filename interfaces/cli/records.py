import argparse
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.records.pruning import Amount, Pruned, PruningRefused
from infrastructure.event_log import SchemaError
from interfaces.bootstrap.database import opened
from interfaces.bootstrap.pruning import pruner
from interfaces.cli.common import add_flag, add_settings, locate, quiet_logging
from interfaces.cli.errors import CommandFailed

REFUSALS = (SchemaError, StoreUnavailable, EventLogUnavailable, PruningRefused)
_STEP = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "The records that lie beside the event log. `prune` tells which records of cluster models "
        "nothing needs any more (no decision refers to them, and no kept model has looked like "
        "them for a while), and with --apply drops them. Roles may run meanwhile."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    prune = actions.add_parser("prune", help="tell, or drop, what nothing needs")
    prune.add_argument("--apply", action="store_true", help="drop it; otherwise it is only told")
    prune.add_argument("--json", action="store_true", help="for programs")
    add_flag(prune, "--keep", "vigil.model_record_days", "DAYS", "age from which it may go")
    add_settings(prune)


def run(args: argparse.Namespace) -> int:
    """Prunes records, or tells what could go."""
    quiet_logging(args, "records")
    settings = locate(args).settings
    days = settings.records.days
    try:
        with opened(settings) as database:
            records = pruner(database)
            act = records.prune if args.apply else records.preview
            found = act(timedelta(days=days))
    except REFUSALS as error:
        raise CommandFailed(str(error)) from error
    if args.json:
        print(json.dumps(as_json(found, days, dropped=args.apply), indent=2))
        return 0
    for line in told(found, days, dropped=args.apply):
        print(line)
    return 0


def told(found: Pruned, days: int, *, dropped: bool) -> Iterator[str]:
    """What was found, line by line."""
    what = "dropped" if dropped else "to drop"
    yield f"{what:<8} {_amount(found.dropped)} of cluster models that nothing needs"
    yield f"{'kept':<8} {_amount(found.needed)} of those in use, or of the last {days} days"
    yield f"{'kept':<8} {_amount(found.others)} of decisions and explanations"
    if found.dropped.records and not dropped:
        yield "nothing was changed; --apply drops them"


def as_json(found: Pruned, days: int, *, dropped: bool) -> dict[str, Any]:
    """What was found, for programs; sizes in bytes."""
    return {
        "applied": dropped,
        "keep_days": days,
        "unneeded": _plain(found.dropped),
        "needed": _plain(found.needed),
        "others": _plain(found.others),
    }


def _plain(amount: Amount) -> dict[str, int]:
    return {"records": amount.records, "bytes": amount.size}


def _amount(amount: Amount) -> str:
    return f"{amount.records:>9} records {_size(amount.size):>9}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < _STEP:
            return f"{count:.3g} {unit}"
        count /= _STEP
    return f"{count:.3g} TB"
