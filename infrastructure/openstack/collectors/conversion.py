"""Makes rows of the records that a service lists, one by one: an odd record is set aside."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from domain.cluster.compute.records import QuarantinedRecord, bad_value
from domain.cluster.table.odd_fields import is_identity, odd_field
from infrastructure.openstack.service import Json

R = TypeVar("R")
T = TypeVar("T")


class OddRecord(ValueError):
    """A record of which no row can be made.

    Attributes:
        field: the field with the odd value.
        value: its value; None if it is missing.
    """

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"{field} is {value!r}")
        self.field = field
        self.value = value


class Conversion:
    """Converts the records of one collection.

    Attributes:
        aside: records of which no row could be made.
    """

    def __init__(self) -> None:
        self.aside: list[QuarantinedRecord] = []

    def rows(
        self,
        kind: str,
        records: Iterable[R],
        make: Callable[[R], T],
        *,
        identity: Callable[[R], object],
        place: Callable[[R], object] = lambda _: None,
    ) -> list[T]:
        """Returns the rows of all records of which one can be made.

        Args:
            kind: of the records, for people.
            records: as the service lists them.
            make: makes a row (a dataclass) of a record. A row of which a field has a value that its
                type does not allow is set aside, too.
            identity: the id of a record.
            place: the host or pool that a record uses.
        """
        rows: list[T] = []
        for record in records:
            try:
                rows.append(_checked(make(record)))
            except OddRecord as error:
                self._set_aside(kind, error, identity(record), place(record))
        return rows

    def _set_aside(self, kind: str, odd: OddRecord, identity: object, place: object) -> None:
        known = str(identity) if is_identity(identity) else None
        value = "missing" if odd.value is None else odd.value
        because = bad_value(odd.field, known or f"a {kind}", value)
        at = str(place) if is_identity(place) else None
        self.aside.append(QuarantinedRecord(kind, known or "?", because, at))


def _checked(row: T) -> T:
    odd = odd_field(row)
    if odd is not None:
        raise OddRecord(odd.name, odd.value)
    return row


def field(name: str) -> Callable[[Json], object]:
    """Reads a field of a record; None if it is missing."""
    return lambda record: record.get(name)


def text(record: Json, name: str) -> str:
    """A text in a record that must have it."""
    value = record.get(name)
    if not is_identity(value):
        raise OddRecord(name, value)
    return str(value)


def whole(record: Json, name: str) -> int:
    """A whole number in a record; 0 if it has none."""
    value = record.get(name)
    if value is None or value == "":  # Nova writes an empty text for no swap
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise OddRecord(name, value)
    return value


def part(record: Json, name: str) -> Json:
    """An object in a record; empty if it has none."""
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise OddRecord(name, value)
    return value


def listed(record: Json, name: str) -> Sequence[Any]:
    """A list in a record; empty if it has none."""
    value = record.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise OddRecord(name, value)
    return value


def parts(record: Json, name: str) -> Sequence[Json]:
    """A list of objects in a record; empty if it has none."""
    items = listed(record, name)
    if not all(isinstance(item, dict) for item in items):
        raise OddRecord(name, items)
    return items
