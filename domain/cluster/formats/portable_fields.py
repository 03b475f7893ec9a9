"""Reads the fields of the portable form by their type. Errors name the field.

Amounts are not checked here: a bad amount quarantines its own record instead of failing the file
(see ``compute.validation``).
"""

from collections.abc import Callable, Mapping, Sequence

from domain.cluster.compute.allocations import Allocations, read_allocations
from domain.cluster.compute.numa.cells import Topology, read_topology
from domain.cluster.storage.records import Attachment
from domain.cluster.table import values
from domain.cluster.table.records import Amount, Id, Ratio
from domain.cluster.table.values import Capacity, Flag
from domain.kernel.errors import InvalidValue

Reader = Callable[[str, object], object]
_MOST = 2**63 - 1


def text(place: str, value: object) -> str:
    """A text."""
    if type(value) is str and value.isascii():
        return value
    if not isinstance(value, str):
        raise InvalidValue(place, f"must be a text, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(place, f"must be a text of whole characters ({error.reason})") from error
    return value


def word(*words: str, **others: str) -> Reader:
    """Reads one of some words, in any case, with ``_`` or ``-``.

    Args:
        words: as they are returned.
        others: other word → the word that it means.
    """
    known = {_folded(one): one for one in words} | others

    def read(place: str, value: object) -> str:
        written = text(place, value)
        found = known.get(written) or known.get(_folded(written))
        if found is None:
            listed = ", ".join(one or "empty" for one in words)
            raise InvalidValue(place, f"must be one of {listed}, not {value!r}")
        return found

    return read


def _folded(text: str) -> str:
    return text.lower().replace("-", "_")


def identity(place: str, value: object) -> str:
    """An id: a text, or a number, which is converted to text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found = text(place, value)
    if not found:
        raise InvalidValue(place, "must not be empty")
    return found


def truth(place: str, value: object) -> bool:
    """True or false; not a text."""
    if not isinstance(value, bool):
        raise InvalidValue(place, f"must be true or false, not {value!r}")
    return value


def whole(place: str, value: object) -> int:
    """A whole number, not negative."""
    found = values.whole(place, value)
    if found > _MOST:
        raise InvalidValue(place, f"must be a whole number, not {value!r}")
    return found


def measured(place: str, value: object) -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _MOST:
        raise InvalidValue(place, f"must be a number, not {value!r}")
    return value


def identities(place: str, value: object) -> tuple[str, ...]:
    """A list of ids."""
    return tuple(identity(f"{place}[{at}]", one) for at, one in enumerate(_list(place, value)))


def texts(place: str, value: object) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(f"{place}[{at}]", one) for at, one in enumerate(_list(place, value)))


def wholes(place: str, value: object) -> tuple[int, ...]:
    """A list of whole numbers."""
    return tuple(whole(f"{place}[{at}]", one) for at, one in enumerate(_list(place, value)))


def text_map(place: str, value: object) -> dict[str, str]:
    """Name → text; numbers and booleans are converted to text, as OpenStack stores them."""
    return {
        text(place, name): str(one)
        if isinstance(one, bool | int | float)
        else text(f"{place}.{name}", one)
        for name, one in _map(place, value).items()
    }


def amount_map(place: str, value: object) -> dict[str, object]:
    """Name → amount."""
    return {text(place, name): one for name, one in _map(place, value).items()}


def attachments(place: str, value: object) -> tuple[Attachment, ...]:
    """A list of ids of servers."""
    return tuple(Attachment(one) for one in identities(place, value))


def _list(place: str, value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise InvalidValue(place, f"must be a list, not {value!r}")
    return value


def _map(place: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InvalidValue(place, f"must be an object, not {value!r}")
    return value


READERS: Mapping[object, Reader | None] = {
    Amount: None,
    Capacity: None,
    Flag: None,
    Amount | None: None,
    Ratio: None,
    str: text,
    str | None: text,
    Id: identity,
    Id | None: identity,
    bool: truth,
    int: whole,
    int | None: whole,
    tuple[str, ...]: texts,
    tuple[Id, ...]: identities,
    tuple[int, ...] | None: wholes,
    Mapping[str, str]: text_map,
    Mapping[str, int]: amount_map,
    tuple[Attachment, ...]: attachments,
    Topology | None: read_topology,
    Allocations: read_allocations,
    Mapping[str, object]: None,
}
"""Type of a field → what reads it. None: any value is taken; a bad one quarantines its record."""
