"""Writes a copied history into a new SQLite database, at its own positions."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path

from application.ports.seal import Seal, StoredEntry
from application.records.references import references_of
from application.replay.history_items import Item, StoredContent
from application.seal.statement import BadStatement, parse
from infrastructure.event_log.migrations import upgrade
from infrastructure.event_log.records import packed
from infrastructure.event_log.store import TABLE

_EVENT = (
    f"INSERT INTO {TABLE} (rowid, originator_id, originator_version, topic, state) "  # noqa: S608
    "VALUES (?, ?, ?, ?, ?)"
)
_NOW = "strftime('%Y-%m-%dT%H:%M:%f000+00:00')"
_RECORD = (
    "INSERT INTO records (digest, content, codec, size, kind, refers, created_at, used_at) "  # noqa: S608
    f"VALUES (?, ?, ?, ?, ?, ?, {_NOW}, {_NOW})"
)
_SEAL = (
    "INSERT INTO seals (number, statement, signature, leaves, last_position) VALUES (?, ?, ?, ?, ?)"
)


class NotCopied(Exception):
    """An item cannot be stored. The message says which and why."""


def write_history(path: Path, items: Iterable[Item]) -> int:
    """Makes a database of a history, whole or not at all; returns the number of its events.

    Args:
        path: of the new file.
        items: the history.

    Raises:
        NotCopied: the file exists, or an item cannot be stored.
    """
    if path.exists():
        raise NotCopied(f"{path} exists: a history is written to a new database")
    try:
        upgrade(f"sqlite:///{path.absolute()}")
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA synchronous = NORMAL")
            count = sum(map(partial(_insert, file), items))
            file.commit()
    except BaseException:
        for one in path.parent.glob(f"{path.name}*"):  # with its log
            one.unlink()
        raise
    return count


def _insert(file: sqlite3.Connection, item: Item) -> bool:
    """Stores an item; returns whether it is an event."""
    try:
        if isinstance(item, StoredEntry):
            row = (item.position, item.aggregate, item.version, item.topic, item.state)
            file.execute(_EVENT, row)
            return True
        if isinstance(item, Seal):
            last = parse(item.statement).last
            file.execute(_SEAL, (item.number, item.statement, item.signature, item.leaves, last))
        else:
            _insert_record(file, item)
    except (sqlite3.Error, BadStatement) as error:
        raise NotCopied(str(error)) from error
    return False


def _insert_record(file: sqlite3.Connection, item: StoredContent) -> None:
    if sha256(item.content).hexdigest() != item.digest:
        raise NotCopied(f"record {item.digest}: its content has another SHA-256")
    found = references_of(item.content)
    row = (item.digest, *packed(item.content), found.kind, " ".join(sorted(found.refers)))
    file.execute(_RECORD, row)
