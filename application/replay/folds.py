"""An aggregate folded twice: by the domain for what it is, by a projection for how it looks."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Self

from application.kernel.errors import NothingThen
from application.ports.event_log import RecordedEvent
from application.ports.projections import Projection, Row
from application.ports.read_tables import ACTION_PLANS, ACTIONS, AUDITS
from domain.kernel.aggregate import Aggregate


class AggregateRows:
    """The rows of one aggregate, by table and key."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, object], dict[str, Any]] = {}
        self._keys = {table.name: table.key for table in (AUDITS, ACTION_PLANS, ACTIONS)}

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, table: str, key: object) -> Row:
        """A row that must be there.

        Raises:
            NothingThen: it is not.
        """
        found = self.get(table, key)
        if found is None:
            raise NothingThen(f"{key} did not exist then.")
        return found

    def get(self, table: str, key: object) -> Row | None:
        """A row by its key."""
        return self._rows.get((table, key))

    def insert(self, table: str, row: dict[str, Any]) -> None:
        """A new row."""
        self._rows[table, row[self._keys[table]]] = row

    def update(self, table: str, key: object, values: Row) -> None:
        """Assigns columns of a row; nothing if there is none."""
        self._rows.get((table, key), {}).update(values)

    def add(self, table: str, key: object, amounts: Mapping[str, int]) -> None:
        """Adds to integer columns of a row; nothing if there is none."""
        row = self._rows.get((table, key))
        for column, amount in amounts.items() if row is not None else ():
            row[column] += amount  # type: ignore[index]

    def delete(self, table: str, key: object) -> None:
        """Removes a row if there is one."""
        self._rows.pop((table, key), None)


class Fold:
    """What some first events of an aggregate come to.

    Attributes:
        state: the aggregate, None before its first event.
        rows: how it looks.
        version, position: of the last event that was taken in, 0 before the first.
    """

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self.state: Aggregate | None = None
        self.rows = AggregateRows()
        self.version = 0
        self.position = 0

    def take(self, entry: RecordedEvent) -> None:
        """Takes in the next event."""
        self.state = entry.event.mutate(self.state)
        wanted = self._projection.topics
        if wanted is None or entry.topic in wanted:
            self._projection.handle(entry, self.rows)
        self.version, self.position = entry.version, entry.position

    def copy(self) -> Self:
        """Another one that goes its own way from here."""
        twin = type(self)(self._projection)
        twin.state, twin.rows = deepcopy(self.state), deepcopy(self.rows)
        twin.version, twin.position = self.version, self.position
        return twin
