"""`vigil replay export` and `import`: a history as a file."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from application.ports.seal import StoredEntry
from application.replay.anonymous_history import NotAnonymisable, anonymised
from application.replay.find import find
from application.replay.history_items import (
    DamagedEntry,
    Item,
    aggregates_about,
    partial_history,
    whole_history,
)
from application.replay.history_lines import BadHistoryFile, HistoryHead, HistoryReader, to_lines
from infrastructure.event_log.history_writer import NotCopied, write_history
from infrastructure.event_log.read_only import open_seals_read_only
from infrastructure.event_log.url import sqlite_file
from interfaces.bootstrap.database import opened as opened_database
from interfaces.bootstrap.database import upgrade
from interfaces.bootstrap.history import History
from interfaces.cli.arguments import locate, quiet_logging
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_line
from interfaces.cli.replay_source import opened


def run(args: argparse.Namespace) -> int:
    """Writes a file, or makes an installation of one."""
    return _export(args) if args.task == "export" else _import(args)


def _export(args: argparse.Namespace) -> int:
    if (args.subject is None) == (not args.all):
        raise CommandFailed("name a run, a plan or an audit, or give --all")
    with opened(args) as history:
        of = "everything" if args.all else args.subject
        head = HistoryHead(1, "" if args.anonymise else of, args.anonymise)
        try:
            with args.file.open("xb") as file:
                counted = Counted(_items(args, history))
                file.writelines(to_lines(head, counted))
        except FileExistsError:
            raise CommandFailed(f"{args.file} exists") from None
        except (DamagedEntry, NotAnonymisable) as error:
            args.file.unlink()
            raise CommandFailed(str(error)) from error
    without = "" if args.all else "; cluster models are only in an export of --all"
    print_line(f"{counted.events} events of {of} in {args.file}{without}", sys.stderr)
    return 0


class Counted:
    """Some items, of which the events are counted as they are read."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self.events = 0

    def __iter__(self) -> Iterator[Item]:
        for item in self._items:
            self.events += isinstance(item, StoredEntry)
            yield item


def _items(args: argparse.Namespace, history: History) -> Iterator[Item]:
    log, records = history.log, history.records
    with closing(open_seals_read_only(history.settings.database.connection)) as stored:
        if args.all:
            seals = None if args.anonymise else stored
            found = whole_history(stored, records, seals, log.end())
        else:
            subject = find(log, args.subject, history.index)
            found = partial_history(stored, records, aggregates_about(log, subject))
        yield from anonymised(list(found)) if args.anonymise else found


def _import(args: argparse.Namespace) -> int:
    quiet_logging(args, "replay")
    settings = locate(args).settings
    path = sqlite_file(settings.database.connection)
    if path is None:
        raise CommandFailed("a history is imported into a new directory: give --data DIR")
    if path.exists():
        raise CommandFailed(f"{path} exists: a history is imported into a new directory")
    path.parent.mkdir(parents=True, exist_ok=True)
    events, reader = _written(args.file, path)
    upgrade(settings)
    with opened_database(settings) as database:
        database.projector().catch_up()
    of = f" of {reader.head.of}" if reader.head.of else ""
    kind = ", anonymised" if reader.head.anonymised else ""
    print_line(f"{events} events{of}{kind}: vigil replay log --data {args.data}", sys.stderr)
    return 0


def _written(file: Path, path: Path) -> tuple[int, HistoryReader]:
    try:
        with file.open("rb") as lines:
            reader = HistoryReader(lines)
            try:
                return write_history(path, reader.items()), reader
            except NotCopied as error:
                raise CommandFailed(f"{file}: line {reader.number}: {error}") from error
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from error
    except BadHistoryFile as error:
        raise CommandFailed(f"{file}: {error}") from error
