"""The port between the folds that fill the read models and the database that holds them.

A projection declares its tables and folds events into them through ``Tables``; how rows are
stored, which generation of the tables is shown, and how far each one has come is the store's part.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from application.ports.columns import ProjectionSchema
from application.ports.event_log import RecordedEvent
from application.ports.read_models import QuarantinedEvent

Row = Mapping[str, Any]
"""Column → value."""


class Tables(Protocol):
    """The tables of one generation of a projection, inside a transaction.

    Reads see the writes before them. Nothing is visible to others before the transaction ends.
    """

    def get(self, table: str, key: object) -> Row | None:
        """A row by its key."""
        ...

    def insert(self, table: str, row: dict[str, Any]) -> None:
        """A new row, complete; the caller gives it away."""
        ...

    def update(self, table: str, key: object, values: Row) -> None:
        """Assigns columns of a row; nothing if there is none."""
        ...

    def add(self, table: str, key: object, amounts: Mapping[str, int]) -> None:
        """Adds to integer columns of a row; nothing if there is none."""
        ...

    def delete(self, table: str, key: object) -> None:
        """Removes a row if there is one."""
        ...


class Projection(Protocol):
    """A fold of events into tables: pure in (event, tables), no clock, no network."""

    @property
    def schema(self) -> ProjectionSchema:
        """Its name, version and tables."""
        ...

    @property
    def topics(self) -> frozenset[str] | None:
        """The topics it wants, None for all."""
        ...

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        """Takes in one event of a wanted topic."""
        ...


@dataclass(frozen=True)
class ProjectionCheckpoint:
    """How far one generation of a projection has come.

    Attributes:
        generation: which set of physical tables, from 1; never used again.
        version: of the schema it was built with.
        position: log position up to which its tables reflect the log.
        active: whether queries read it; the others are being built.
    """

    projection: str
    generation: int
    version: int
    position: int
    active: bool


@dataclass(frozen=True)
class Target:
    """A generation that a transaction moves on.

    Attributes:
        quarantine: notes an event that it could not take in.
    """

    projection: str
    generation: int
    tables: Tables
    quarantine: Callable[[QuarantinedEvent], None]


@dataclass(frozen=True)
class TableDifference:
    """How a table of two generations differs at one position.

    Attributes:
        live_rows, built_rows: row counts.
        live_digest, built_digest: order-independent digests of all rows, hex.
        examples: keys of some rows that differ.
    """

    table: str
    live_rows: int
    built_rows: int
    live_digest: str
    built_digest: str
    examples: tuple[str, ...] = field(default=())

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows."""
        return self.live_rows == self.built_rows and self.live_digest == self.built_digest


@dataclass(frozen=True)
class Comparison:
    """Two generations of a projection at one log position, table by table."""

    position: int
    tables: tuple[TableDifference, ...]


class StoreUnavailable(Exception):
    """The read models' database cannot be reached, is busy beyond patience, or lacks its tables."""


class ProjectionStore(Protocol):
    """Holds generations of read tables with their positions. Safe for any number of projectors."""

    def prepare(self, schemas: Iterable[ProjectionSchema]) -> None:
        """Makes a generation for each schema that has none of its version, at position 0.

        The first generation of a projection is shown at once; one whose version is newer than the
        shown one is built beside it. Doing it again, or twice at once, changes nothing.
        """
        ...

    def checkpoints(self) -> list[ProjectionCheckpoint]:
        """All generations."""
        ...

    def advance(
        self,
        after: int,
        upto: int,
        schemas: Mapping[str, ProjectionSchema],
        only: Collection[ProjectionCheckpoint] | None = None,
    ) -> AbstractContextManager[Sequence[Target]]:
        """A transaction that moves all generations that stand at ``after`` on to ``upto``.

        Args:
            after: position they must stand at; who has moved on meanwhile is left alone.
            upto: position they have reached when the transaction ends well.
            schemas: projection → what the caller folds; other projections and versions are left
                alone.
            only: these generations and no others.

        Returns:
            On entering, the generations moved: none if another projector did it already. Leaving
            it normally writes and commits; leaving it by an exception undoes all.

        Raises:
            StoreUnavailable: on entering, leaving or reading rows.
        """
        ...

    def build(self, schema: ProjectionSchema) -> ProjectionCheckpoint:
        """A new, empty generation beside the shown one; an unfinished one is given up for it."""
        ...

    def compare(
        self, schema: ProjectionSchema, live: ProjectionCheckpoint, built: ProjectionCheckpoint
    ) -> Comparison | None:
        """Both generations, table by table; None if they do not stand at one position now."""
        ...

    def activate(self, schema: ProjectionSchema, built: ProjectionCheckpoint) -> bool:
        """Shows a generation instead of the shown one, which is dropped.

        Returns:
            False if the generation is no more (somebody else's rebuild took its place).
        """
        ...


def quarantined(
    projection: str, position: int, topic: str, aggregate_id: UUID, error: str, at: datetime
) -> QuarantinedEvent:
    """An entry of the quarantine, its error text kept to a length that a screen can show."""
    return QuarantinedEvent(projection, position, topic, aggregate_id, error[:ERROR_LENGTH], at)


ERROR_LENGTH = 1000
"""Characters of an error that are kept."""
