from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from application.ports.projections import Row

Load = Callable[[str, object], Row | None]
"""Reads a row from the database: table, key."""

UpdateShape = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Table, assigned columns, columns added to. Updates with the same shape share a statement."""


@dataclass(slots=True)
class _Change:
    """The changes of one row: a new row, or assignments and additions to the stored one."""

    replaced: bool = False
    row: dict[str, Any] | None = None
    values: dict[str, Any] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Statements:
    """The changes of a batch; each group is one executemany.

    Attributes:
        deletes: table → keys; executed first.
        inserts: table → rows.
        updates: shape → keys with their changes.
    """

    deletes: dict[str, list[object]]
    inserts: dict[str, list[dict[str, Any]]]
    updates: dict[UpdateShape, list[tuple[object, _Change]]]


class PendingRows:
    """The changes of one transaction, merged per row, so that many events cost one statement.

    Rows are independent, so only the order of the changes of one row matters; merging keeps it.

    Args:
        keys: table → name of its key column.
        load: reads a row that this transaction has not changed.
    """

    def __init__(self, keys: Mapping[str, str], load: Load) -> None:
        self._keys = keys
        self._load = load
        self._changes: dict[str, dict[object, _Change]] = {table: {} for table in keys}

    def get(self, table: str, key: object) -> Row | None:
        """The row with a key, including the pending changes."""
        change = self._changes[table].get(key)
        if change is not None and (change.replaced or change.row is not None):
            return change.row
        row = self._load(table, key)
        if row is None or change is None:
            return row
        seen = {**row, **change.values}
        for column, amount in change.amounts.items():
            seen[column] += amount
        return seen

    def insert(self, table: str, row: dict[str, Any]) -> None:
        """Adds a row."""
        key = row[self._keys[table]]
        changes = self._changes[table]
        before = changes.get(key)
        if before is not None and before.row is not None:
            raise ValueError(f"{table} has a row {key} already")
        changes[key] = _Change(replaced=before is not None and before.replaced, row=row)

    def update(self, table: str, key: object, values: Row) -> None:
        """Assigns columns of a row, if it exists."""
        change = self._change(table, key)
        if change.row is not None:
            change.row.update(values)
        elif not change.replaced:
            change.values.update(values)
            for column in change.amounts.keys() & values.keys():
                del change.amounts[column]

    def add(self, table: str, key: object, amounts: Mapping[str, int]) -> None:
        """Adds to integer columns of a row, if it exists."""
        change = self._change(table, key)
        if change.replaced and change.row is None:
            return
        for column, amount in amounts.items():
            if change.row is not None:
                change.row[column] += amount
            elif column in change.values:
                change.values[column] += amount
            else:
                change.amounts[column] = change.amounts.get(column, 0) + amount

    def delete(self, table: str, key: object) -> None:
        """Removes a row, if it exists."""
        self._changes[table][key] = _Change(replaced=True)

    def take(self) -> Statements:
        """Returns all pending changes, grouped, and clears them."""
        made = Statements({}, {}, defaultdict(list))
        for table, changes in self._changes.items():
            deletes, inserts = [], []
            for key, change in changes.items():
                if change.replaced:
                    deletes.append(key)
                if change.row is not None:
                    inserts.append(change.row)
                elif not change.replaced and (change.values or change.amounts):
                    shape = (table, tuple(sorted(change.values)), tuple(sorted(change.amounts)))
                    made.updates[shape].append((key, change))
            if deletes:
                made.deletes[table] = deletes
            if inserts:
                made.inserts[table] = inserts
            self._changes[table] = {}
        return made

    def _change(self, table: str, key: object) -> _Change:
        changes = self._changes[table]
        change = changes.get(key)
        if change is None:
            change = changes[key] = _Change()
        return change
