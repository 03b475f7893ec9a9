from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Self

from application.kernel.errors import NothingThen
from application.ports.event_log import RecordedEvent
from application.ports.projections import Projection, Row
from application.ports.read_tables import SCHEMAS
from domain.kernel.aggregate import Aggregate


class AggregateRows:
    """The read-table rows of one aggregate, in memory (implements ``Tables``)."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, object], dict[str, Any]] = {}
        self._keys = {table.name: table.key for schema in SCHEMAS for table in schema.tables}

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, table: str, key: object) -> Row:
        """The row with a key.

        Raises:
            NothingThen: there is none.
        """
        found = self.get(table, key)
        if found is None:
            raise NothingThen(f"{key} did not exist then.")
        return found

    def get(self, table: str, key: object) -> Row | None:
        """The row with a key, None if there is none."""
        return self._rows.get((table, key))

    def insert(self, table: str, row: dict[str, Any]) -> None:
        """Adds a row."""
        self._rows[table, row[self._keys[table]]] = row

    def update(self, table: str, key: object, values: Row) -> None:
        """Assigns columns of a row, if it exists."""
        self._rows.get((table, key), {}).update(values)

    def add(self, table: str, key: object, amounts: Mapping[str, int]) -> None:
        """Adds to integer columns of a row, if it exists."""
        row = self._rows.get((table, key))
        for column, amount in amounts.items() if row is not None else ():
            row[column] += amount  # type: ignore[index]

    def all(self, table: str) -> list[Row]:
        """The rows of a table, in the order of their insertion."""
        return [row for (name, _), row in self._rows.items() if name == table]

    def delete(self, table: str, key: object) -> None:
        """Removes a row, if it exists."""
        self._rows.pop((table, key), None)


class AggregateFold:
    """An aggregate after its first events: its state, and its rows in the read tables.

    Attributes:
        state: the aggregate, None before its first event.
        rows: empty without a projection.
        last: the last event applied, None before the first.
    """

    def __init__(self, projection: Projection | None = None) -> None:
        self._projection = projection
        self.state: Aggregate | None = None
        self.rows = AggregateRows()
        self.last: RecordedEvent | None = None

    @property
    def version(self) -> int:
        """The number of events applied."""
        return 0 if self.last is None else self.last.version

    def apply(self, entry: RecordedEvent) -> None:
        """Applies the next event."""
        self.state = entry.event.mutate(self.state)
        projection = self._projection
        if projection and (projection.topics is None or entry.topic in projection.topics):
            projection.handle(entry, self.rows)
        self.last = entry

    def copy(self) -> Self:
        """An independent copy."""
        twin = type(self)(self._projection)
        twin.state, twin.rows, twin.last = deepcopy(self.state), deepcopy(self.rows), self.last
        return twin
