import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)

from application.ports.columns import ProjectionSchema
from application.ports.projections import (
    Comparison,
    Overtaken,
    ProjectionCheckpoint,
    StoreUnavailable,
    Target,
)
from application.ports.read_models import QuarantinedEvent
from infrastructure.read_models import generations
from infrastructure.read_models.engine import bell, outages, reading
from infrastructure.read_models.pending import PendingRows
from infrastructure.read_models.schema import PROJECTIONS, QUARANTINE
from infrastructure.read_models.writer import GenerationWriter

ACTIVATION_TIMEOUT = 30.0
"""Seconds after which an activation gives up."""
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '100ms'"
_log = logging.getLogger(__name__)


class SqlProjectionStore:
    """Generations of read tables in SQLite or PostgreSQL.

    Args:
        engine: from ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._bell = bell(engine)
        self._writers: dict[tuple[str, int], GenerationWriter] = {}

    def prepare(self, schemas: Iterable[ProjectionSchema]) -> None:
        """Creates a generation, at position 0, for each schema without one of its version."""
        wanted = list(schemas)
        with outages(self._engine), generations.exclusive(self._engine) as connection:
            checkpoints = generations.read_checkpoints(connection)
            for schema in wanted:
                mine = [one for one in checkpoints if one.projection == schema.projection]
                if any(one.version >= schema.version for one in mine):
                    continue
                newest = max((one.generation for one in mine), default=0)
                generations.create(connection, schema, newest + 1, active=not mine)

    def checkpoints(self) -> list[ProjectionCheckpoint]:
        """All generations."""
        with outages(self._engine), self._reading.connect() as connection:
            return generations.read_checkpoints(connection)

    @contextmanager
    def advance(
        self,
        after: int,
        upto: int,
        schemas: Mapping[str, ProjectionSchema],
        only: Collection[ProjectionCheckpoint] | None = None,
    ) -> Iterator[Sequence[Target]]:
        """Advances all generations from position ``after`` to ``upto``.

        The block reads in a snapshot; the database is locked only afterwards, to write the rows.
        """
        batches: list[_Batch] = []
        with outages(self._engine):
            with _snapshot(self._reading) as reader:
                for name, generation in reader.execute(self._standing(after, schemas, only)):
                    writer = self._writer(schemas[name], generation)
                    batches.append(_Batch(name, generation, writer, writer.pending(reader)))
                yield [one.target() for one in batches]
            if batches:
                with self._engine.begin() as connection:
                    self._write(connection, after, upto, batches)
                if self._bell is not None:
                    self._bell.ring()  # requests wait for it

    def _write(
        self, connection: Connection, after: int, upto: int, batches: Sequence["_Batch"]
    ) -> None:
        if connection.dialect.name == "postgresql":
            # lost rows can be rebuilt from the log: do not wait for the disk
            connection.execute(text("SET LOCAL synchronous_commit = off"))
        mine = [(one.projection, one.generation) for one in batches]
        if len(connection.execute(self._guard(after, upto, mine)).all()) < len(mine):
            raise Overtaken
        for one in batches:
            one.writer.write(connection, one.rows)
            for bad in one.rejected:
                _quarantine(connection, one.generation, bad)

    def build(self, schema: ProjectionSchema) -> ProjectionCheckpoint:
        """Creates an empty generation next to the active one; replaces an unfinished one."""
        with outages(self._engine), generations.exclusive(self._engine) as connection:
            mine = generations.read_checkpoints(connection, schema.projection)
            for one in mine:
                if not one.active:
                    self._delete(connection, schema, one)
            newest = max((one.generation for one in mine), default=0)
            active = not any(one.active for one in mine)
            return generations.create(connection, schema, newest + 1, active=active)

    def compare(
        self, schema: ProjectionSchema, live: ProjectionCheckpoint, built: ProjectionCheckpoint
    ) -> Comparison | None:
        """Compares two generations table by table; None if they are not at the same position."""
        with outages(self._engine), _snapshot(self._reading) as connection:
            mine = generations.read_checkpoints(connection, live.projection)
            now = {one.generation: one.position for one in mine}
            position = now.get(live.generation)
            if position is None or position != now.get(built.generation):
                return None
            tables = generations.compare(connection, schema, live.generation, built.generation)
            return Comparison(position, tuple(tables))

    def activate(self, schema: ProjectionSchema, built: ProjectionCheckpoint) -> bool:
        """Makes a generation the active one and drops the old one."""
        for one in generations.indexes(schema, built.generation):
            # one per transaction: other writers of an SQLite file wait for it
            with outages(self._engine), generations.exclusive(self._engine) as connection:
                mine = generations.read_checkpoints(connection, schema.projection)
                if any(known.generation == built.generation for known in mine):
                    one.create(connection, checkfirst=True)
        deadline = time.monotonic() + ACTIVATION_TIMEOUT
        while True:
            try:
                with outages(self._engine):
                    old = self._activate(schema, built)
                break
            except StoreUnavailable as busy:
                # PostgreSQL: the views are in use. A short lock timeout, instead of waiting in the
                # lock queue, neither deadlocks with a reader nor blocks the readers behind it.
                if time.monotonic() > deadline:
                    raise
                _log.info("activation of %s is tried again: %s", built.projection, busy)
        if old is None:
            return False
        for checkpoint in old:
            self._drop(schema, checkpoint.generation)
        return True

    def _activate(
        self, schema: ProjectionSchema, built: ProjectionCheckpoint
    ) -> list[ProjectionCheckpoint] | None:
        """Returns the generations that were replaced, None if ``built`` does not exist."""
        with generations.exclusive(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(_LOCK_TIMEOUT))
            mine = generations.read_checkpoints(connection, schema.projection)
            if all(one.generation != built.generation for one in mine):
                return None
            generations.activate(connection, schema, built)
            return [one for one in mine if one.generation != built.generation]

    def _drop(self, schema: ProjectionSchema, generation: int) -> None:
        self._writers.pop((schema.projection, generation), None)
        with outages(self._engine), generations.exclusive(self._engine) as connection:
            generations.drop(connection, schema, generation)

    def _delete(
        self, connection: Connection, schema: ProjectionSchema, checkpoint: ProjectionCheckpoint
    ) -> None:
        connection.execute(
            delete(PROJECTIONS).where(
                PROJECTIONS.c.name == checkpoint.projection,
                PROJECTIONS.c.generation == checkpoint.generation,
            )
        )
        connection.execute(
            delete(QUARANTINE).where(
                QUARANTINE.c.projection == checkpoint.projection,
                QUARANTINE.c.generation == checkpoint.generation,
            )
        )
        generations.drop(connection, schema, checkpoint.generation)

    def _writer(self, schema: ProjectionSchema, generation: int) -> GenerationWriter:
        known = self._writers.get((schema.projection, generation))
        if known is None:
            known = GenerationWriter(schema.tables, generation)
            self._writers[schema.projection, generation] = known
        return known

    def _standing(
        self,
        after: int,
        schemas: Mapping[str, ProjectionSchema],
        only: Collection[ProjectionCheckpoint] | None,
    ) -> Select[str, int]:
        """The generations at ``after``, in a fixed order."""
        row = PROJECTIONS.c
        mine = [
            and_(row.name == name, row.version == schema.version)
            for name, schema in schemas.items()
        ]
        if only is not None:
            mine = [
                and_(row.name == one.projection, row.generation == one.generation) for one in only
            ]
        return (
            select(row.name, row.generation)
            .where(row.position == after, or_(*mine))
            .order_by(row.name, row.generation)
        )

    def _guard(self, after: int, upto: int, mine: Sequence[tuple[str, int]]) -> Update:
        """Updates the positions of generations and returns those that were at ``after``.

        Comparing with exactly ``after``, not with "less than ``upto``", is also correct when two
        projectors divide the log differently. The rows are locked in a fixed order.
        """
        row = PROJECTIONS.c
        place = tuple_(row.name, row.generation)
        locked = (
            select(row.name, row.generation)
            .where(place.in_(mine), row.position == after)
            .order_by(row.name, row.generation)
            .with_for_update()
        )
        return (
            update(PROJECTIONS)
            .where(place.in_(locked), row.position == bindparam("after", after))
            .values(position=upto)
            .returning(row.name, row.generation)
        )


@dataclass(frozen=True)
class _Batch:
    """The changes of one generation, collected while a batch of events is applied."""

    projection: str
    generation: int
    writer: GenerationWriter
    rows: PendingRows
    rejected: list[QuarantinedEvent] = field(default_factory=list)

    def target(self) -> Target:
        return Target(self.projection, self.generation, self.rows, self.rejected.append)


def _quarantine(connection: Connection, generation: int, bad: QuarantinedEvent) -> None:
    connection.execute(
        insert(QUARANTINE),
        {**asdict(bad), "generation": generation, "error": bad.error.replace("\x00", "\\0")},
    )


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A read transaction: all statements see the same state, and no writer is blocked."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection
