"""The port between projections and the database of the read models.

A projection declares its tables and writes rows through ``Tables``. The store knows how rows are
stored, which generation of the tables is active, and the position of each generation.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from application.ports.columns import ProjectionSchema
from application.ports.event_log import RecordedEvent
from application.ports.read_models import QuarantinedEvent

Row = Mapping[str, Any]
"""Column → value."""


class Tables(Protocol):
    """The tables of one generation of a projection, while a batch of events is applied.

    Reads see earlier writes. Other connections see nothing before all of them are committed.
    """

    def get(self, table: str, key: object) -> Row | None:
        """The row with a key, None if there is none."""
        ...

    def insert(self, table: str, row: dict[str, Any]) -> None:
        """Adds a complete row; the caller must not use ``row`` afterwards."""
        ...

    def update(self, table: str, key: object, values: Row) -> None:
        """Assigns columns of a row, if it exists."""
        ...

    def add(self, table: str, key: object, amounts: Mapping[str, int]) -> None:
        """Adds to integer columns of a row, if it exists."""
        ...

    def delete(self, table: str, key: object) -> None:
        """Removes a row, if it exists."""
        ...


class Projection(Protocol):
    """Writes rows from events: depends on event and tables only, uses no clock and no network."""

    @property
    def schema(self) -> ProjectionSchema:
        """Its name, version and tables."""
        ...

    @property
    def topics(self) -> frozenset[str] | None:
        """The topics of the events it handles, None for all."""
        ...

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        """Applies one event."""
        ...


@dataclass(frozen=True)
class ProjectionCheckpoint:
    """The position of one generation of a projection.

    Attributes:
        generation: number of the set of physical tables, from 1; never reused.
        version: of the schema of the tables.
        position: log position up to which the tables reflect the log.
        active: whether queries read it; other generations are being built.
    """

    projection: str
    generation: int
    version: int
    position: int
    active: bool


@dataclass(frozen=True)
class Target:
    """A generation that a batch of events updates.

    Attributes:
        quarantine: stores an event that the projection could not process.
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
        equal_rows: number of rows that are the same in both.
        examples: keys of some rows that differ.
    """

    table: str
    live_rows: int
    built_rows: int
    equal_rows: int
    examples: tuple[str, ...] = field(default=())

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows."""
        return self.live_rows == self.built_rows == self.equal_rows


@dataclass(frozen=True)
class Comparison:
    """Two generations of a projection at one log position, table by table."""

    position: int
    tables: tuple[TableDifference, ...]


class Overtaken(Exception):
    """Another projector advanced a generation first; nothing was written."""


class StoreUnavailable(Exception):
    """The database of the read models cannot be reached, timed out, or has no tables."""


class ProjectionStore(Protocol):
    """Stores generations of read tables with their positions. Safe for concurrent projectors."""

    def prepare(self, schemas: Iterable[ProjectionSchema]) -> None:
        """Creates a generation, at position 0, for each schema without one of its version.

        The first generation of a projection is active at once; one with a newer version is built
        next to the active one. Idempotent and safe for concurrent callers.
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
        """Advances all generations from position ``after`` to ``upto``, if nobody else does first.

        The block reads the tables as they are at ``after``. At its end rows, quarantined events and
        positions are written in one transaction; after an exception in it nothing is.

        Args:
            after: their present position; generations at another position are not changed.
            upto: their position after the commit.
            schemas: projection → schema; other projections and versions are not changed.
            only: these generations and no others.

        Returns:
            On entering, the generations to update: none if another projector was faster.

        Raises:
            Overtaken: on leaving: another projector was faster meanwhile, nothing was written.
            StoreUnavailable: on entering, leaving or reading rows.
        """
        ...

    def build(self, schema: ProjectionSchema) -> ProjectionCheckpoint:
        """Creates an empty generation next to the active one; replaces an unfinished one."""
        ...

    def compare(
        self, schema: ProjectionSchema, live: ProjectionCheckpoint, built: ProjectionCheckpoint
    ) -> Comparison | None:
        """Compares two generations table by table; None if they are not at the same position."""
        ...

    def activate(self, schema: ProjectionSchema, built: ProjectionCheckpoint) -> bool:
        """Makes a generation the active one and drops the old one.

        Returns:
            False if the generation does not exist any more (another rebuild replaced it).
        """
        ...
