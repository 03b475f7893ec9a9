"""A collected model with facts applied over it: what the kinds have in common."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from domain.cluster.compute.columns import ServerColumns
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster_models.amendments.facts import F, FactSet
from domain.kernel.reasons import Cause

M = TypeVar("M")
S = TypeVar("S", bound=FactSet)
T = TypeVar("T", ServerColumns, VolumeColumns)


class AmendedModel(ABC, Generic[M, S]):
    """A collected model, and facts that were admitted since.

    Args:
        base: the model of a complete collection.
        facts: those that were admitted.
    """

    def __init__(self, base: M, facts: S) -> None:
        self.base = base
        self.facts = facts

    @abstractmethod
    def is_shown(self, identity: str) -> bool:
        """Whether the collection has a server or volume."""

    @abstractmethod
    def model(self) -> tuple[M, tuple[Cause, ...]]:
        """The amended model, and which facts could not be applied."""


class SplitTable(Generic[T]):
    """A collected table that is split by whether a row has a place (host, pool).

    Args:
        placed: rows that have a place.
        rows: id → row in ``placed``.
        unplaced: rows that have none.
    """

    def __init__(self, placed: T, rows: Mapping[str, int], unplaced: T) -> None:
        self._placed: T = placed
        self._rows = rows
        self._unplaced: T = unplaced

    def find(self, identity: str) -> tuple[T, int] | None:
        """The table that holds a row, and the row's index in it; None if there is none."""
        row = self._rows.get(identity)
        if row is not None:
            return self._placed, row
        row = self._unplaced_rows.get(identity)
        return None if row is None else (self._unplaced, row)

    @cached_property
    def _unplaced_rows(self) -> Mapping[str, int]:
        return {identity: row for row, identity in enumerate(self._unplaced.id)}


def row_values(
    table: ServerColumns | VolumeColumns, row: int, names: Collection[str]
) -> dict[str, Any]:
    """Values of a row by column, as Python objects."""
    values: dict[str, Any] = {}
    for name, column in table.columns():
        if name in names:
            value = column[row]
            values[name] = value.item() if hasattr(value, "item") else value
    return values


def by_id(facts: Iterable[F]) -> Mapping[str, F]:
    """Facts by the id of their resource."""
    return {fact.id: fact for fact in facts}
