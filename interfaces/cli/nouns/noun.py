"""What a noun of the command line consists of; the nouns themselves are data (``catalogue``)."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interfaces.client import VigilClient

Row = dict[str, Any]
Value = Callable[[Row], object]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: in capitals.
        value: name of the attribute, or what makes the value of a row.
        wide: whether only ``-o wide`` shows it.
    """

    title: str
    value: str | Value
    wide: bool = False

    def of(self, row: Row) -> object:
        """The value of a row."""
        return row.get(self.value) if isinstance(self.value, str) else self.value(row)


@dataclass(frozen=True)
class Call:
    """A command as it was called."""

    args: argparse.Namespace
    client: "VigilClient"
    noun: "Noun"


@dataclass(frozen=True)
class Verb:
    """What can be done with a noun.

    Attributes:
        run: does it; returns the exit code.
        add: declares its own arguments.
        examples: command lines without `vigil`; NAMES in capitals stand for names and uuids.
        shows: whether it prints objects, and so has ``-o`` and ``--watch``.
    """

    name: str
    help: str
    run: Callable[[Call], int]
    add: Callable[[argparse.ArgumentParser], None] = lambda _: None
    examples: Sequence[str] = ()
    shows: bool = False


@dataclass(frozen=True)
class Noun:
    """A kind of object of the API.

    Attributes:
        name: in commands.
        path: of its collection in the API, below ``/v1/``.
        columns: of its table.
        identity: attributes that name an object, the unique one first.
        filters: query parameters of its list that select rows.
        sorts: whether its list can be sorted.
        details: whether its list has the form ``/detail``.
        verbs: what can be done with it.
        extend: adds attributes that only tables show to the rows of a list.
    """

    name: str
    path: str
    columns: Sequence[Column]
    verbs: Sequence[Verb]
    identity: Sequence[str] = ("uuid", "name")
    filters: Sequence[str] = ()
    sorts: bool = True
    details: bool = True
    extend: "Callable[[VigilClient, Sequence[Row]], None]" = lambda _client, _rows: None

    @property
    def words(self) -> str:
        """Its name in sentences."""
        return self.name.replace("-", " ")
