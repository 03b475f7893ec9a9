"""What all documents share: links, times, and the options of a request."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

T = TypeVar("T")
D = TypeVar("D", bound=msgspec.Struct)

MESSAGE_SINCE = 5
"""The first minor version with ``status_message``."""


def one_of(values: Iterable[str]) -> msgspec.Meta:
    """Lists the values of a text in the description. Decoding does not check them."""
    return msgspec.Meta(extra_json_schema={"enum": [str(value) for value in values]})


class Link(msgspec.Struct, frozen=True):
    """A link. ``type``: media type of its target, if that is not JSON."""

    href: str
    rel: str
    type: str | UnsetType = UNSET


@dataclass(frozen=True)
class ViewOptions:
    """Which parts of an object a request shows.

    Attributes:
        base: scheme and host, without a mount prefix.
        minor: minor version of the API.
        detail: the whole object, or the summary that lists show.
        show_deleted: whether references to deleted objects are shown.
    """

    base: str
    minor: int
    detail: bool = True
    show_deleted: bool = False

    def links(self, collection: str, ident: UUID | int) -> list[Link]:
        """The two links of an object."""
        return [
            Link(f"{self.base}/v1/{collection}/{ident}", "self"),
            Link(f"{self.base}/{collection}/{ident}", "bookmark"),
        ]

    def detailed(self, value: T, since: int = 0) -> T | UnsetType:
        """A value that only details contain, from microversion 1.``since`` on."""
        return value if self.detail and self.minor >= since else UNSET


def document(kind: type[D], view: object, *, detail: bool = True, **values: object) -> D:
    """A document with the values of the view's fields of the same names.

    Args:
        kind: class of the document. Its fields with a default are left out of summaries.
        view: a row of the read models. Its times become text, see ``stamp``.
        detail: whether the whole object is shown, not the summary.
        values: fields that are not copied.
    """
    for name, is_detail in _fields(kind):
        if name not in values and (detail or not is_detail):
            value = getattr(view, name)
            values[name] = stamp(value) if isinstance(value, datetime) else value
    return kind(**values)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, bool], ...]:
    """The names of a document's fields; whether each is a detail."""
    return tuple((one.name, not one.required) for one in msgspec.structs.fields(kind))


def stamp(moment: datetime | None) -> str | None:
    """A time with its offset: ``2026-04-06T07:27:27.820460+00:00``."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def naive(moment: datetime | None) -> str | None:
    """A UTC time without an offset: ``2026-04-06T07:27:27``."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def to_the_second(moment: datetime | None) -> str | None:
    """As ``naive``, without a fraction."""
    return None if moment is None else naive(moment.replace(microsecond=0))
