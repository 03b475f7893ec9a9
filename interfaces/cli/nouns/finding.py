"""Which object a word names: a uuid, a name, or the beginning of one that no other has."""

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import UUID

from interfaces.cli.errors import CommandFailed
from interfaces.cli.nouns.noun import Noun, Row
from interfaces.client.errors import ApiError

if TYPE_CHECKING:
    from interfaces.client import VigilClient

_CANNOT_BE: Final = (400, 404)
"""Statuses of the answer to a word that names nothing: plans have no names, only uuids."""
_NAMED: Final = 5


def found(client: "VigilClient", noun: Noun, word: str) -> Row:
    """The object that a word names.

    Raises:
        CommandFailed: none, or several.
    """
    try:
        whole: Row = client.get(f"/v1/{noun.path}/{quote(word, safe='')}")
    except ApiError as error:
        if error.status not in _CANNOT_BE or _is_uuid(word):
            raise
    else:
        return whole
    rows = list(listed(client, noun))
    matches = [
        row for row in rows if any(one.startswith(word.lower()) for one in _names(noun, row))
    ]
    if len(matches) == 1:
        only: Row = client.get(f"/v1/{noun.path}/{matches[0][noun.identity[0]]}")
        return only
    if matches:
        some = ", ".join(_label(noun, row) for row in matches[:_NAMED])
        raise CommandFailed(
            f"{len(matches)} {noun.words}s match {word}: {some}", hint="type more of it", code=3
        )
    raise CommandFailed(f"there is no {noun.words} {word}", hint=_hint(noun, word, rows), code=3)


def path_of(client: "VigilClient", noun: Noun, word: str) -> str:
    """The path of the object that a word names."""
    return f"/v1/{noun.path}/{identity(noun, found(client, noun, word))}"


def identity(noun: Noun, row: Row) -> str:
    """The uuid of an object, or what it has instead."""
    return str(row[noun.identity[0]])


def listed(
    client: "VigilClient", noun: Noun, limit: int | None = None, **query: Any
) -> Iterator[Row]:
    """The rows of a list, page by page."""
    path = f"/v1/{noun.path}{'/detail' if noun.details else ''}"
    key = noun.path
    left = limit
    while True:
        page = client.get(path, limit=left, **query)
        rows = page[key]
        yield from rows if left is None else rows[:left]
        left = None if left is None else left - len(rows)
        following = page.get("next")
        if not following or (left is not None and left <= 0):
            return
        query = dict(parse_qsl(urlsplit(following).query))
        query.pop("limit", None)


def suggestion(word: str, known: Iterator[str] | list[str]) -> str | None:
    """The known word that is most like one, None if none is like it."""
    return next(iter(difflib.get_close_matches(word, list(known), 1)), None)


def _hint(noun: Noun, word: str, rows: list[Row]) -> str:
    names = [str(row[one]) for row in rows for one in noun.identity if row.get(one)]
    close = suggestion(word, names)
    return f"did you mean {close}?" if close else f"`vigil {noun.name} list` shows all"


def _names(noun: Noun, row: Row) -> list[str]:
    return [str(row[one]).lower() for one in noun.identity if row.get(one) is not None]


def _label(noun: Noun, row: Row) -> str:
    return " ".join(str(row[one]) for one in noun.identity if row.get(one))


def _is_uuid(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
