import argparse
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from application.records.pruning import Amount, Pruned, PruningRefused
from interfaces.bootstrap.pruning import pruner
from interfaces.cli.arguments import add_flag, add_settings
from interfaces.cli.database import database_of
from interfaces.cli.printing import print_lines

_STEP = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Stored records of cluster models and decisions. `prune` lists the records of cluster "
        "models that can be deleted: no decision refers to them, and they have not been the "
        "current model for some days. With --apply it deletes them. Roles may keep running."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    prune = actions.add_parser("prune", help="list, or delete, records that nothing refers to")
    prune.add_argument("--apply", action="store_true", help="delete them; otherwise only list")
    prune.add_argument("--json", action="store_true", help="print JSON")
    add_flag(prune, "--keep", "vigil.model_record_days", "DAYS", "minimum age of records to delete")
    add_settings(prune)


def run(args: argparse.Namespace) -> int:
    """Prunes records, or lists them."""
    with database_of(args, "records", PruningRefused) as (database, settings):
        days = settings.records.days
        records = pruner(database)
        act = records.prune if args.apply else records.preview
        found = act(timedelta(days=days))
    if args.json:
        print(json.dumps(_as_json(found, days, applied=args.apply), indent=2))
        return 0
    print_lines(_lines(found, days, applied=args.apply))
    return 0


def _lines(found: Pruned, days: int, *, applied: bool) -> Iterator[str]:
    what = "deleted" if applied else "to delete"
    yield f"{what:<9} {_amount(found.dropped)} of cluster models, not referred to"
    yield f"{'kept':<9} {_amount(found.needed)} of cluster models in use or newer than {days} days"
    yield f"{'kept':<9} {_amount(found.others)} of decisions and explanations"
    if found.dropped.records and not applied:
        yield "nothing was deleted; --apply deletes them"


def _as_json(found: Pruned, days: int, *, applied: bool) -> dict[str, Any]:
    return {
        "applied": applied,
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
