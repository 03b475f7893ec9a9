import logging
from collections.abc import Sequence
from dataclasses import dataclass

from application.ports.clock import Clock
from application.ports.columns import ProjectionSchema
from application.ports.event_log import EventLog
from application.ports.projections import (
    Comparison,
    ProjectionCheckpoint,
    ProjectionStore,
    TableDifference,
)
from application.projections.batch_projector import BatchProjector

ATTEMPTS = 500
"""Attempts to find two generations at the same position."""
PAUSE = 0.01
"""Seconds between two attempts."""

_log = logging.getLogger(__name__)


class RebuildRefused(Exception):
    """The active tables were built by newer code."""


class RebuildLost(Exception):
    """Another rebuild of the projection began meanwhile and replaced this one."""


@dataclass(frozen=True)
class ProjectionRebuild:
    """The result of a rebuild of one projection.

    Attributes:
        generation: of the tables that are active now.
        compared: comparison with the tables before; None if those had another version or were
            ahead of the log (an older log was restored).
    """

    projection: str
    generation: int
    compared: Comparison | None

    @property
    def differences(self) -> tuple[TableDifference, ...]:
        """The tables that differed from the log."""
        tables = () if self.compared is None else self.compared.tables
        return tuple(table for table in tables if not table.equal)


@dataclass(frozen=True)
class RebuildReport:
    """The result of a rebuild.

    Attributes:
        position: the end of the log when it began; the new tables are at least there.
        events: number of events applied, each once for all projections together.
        seconds: duration, up to the activation of the last table.
    """

    projections: tuple[ProjectionRebuild, ...]
    position: int
    events: int
    seconds: float

    @property
    def differences(self) -> tuple[tuple[str, TableDifference], ...]:
        """(projection, table) for each table that differed from the log."""
        return tuple((one.projection, d) for one in self.projections for d in one.differences)


class Rebuilder:
    """Builds new generations next to the active ones, compares them and activates them.

    As soon as a new generation is at the position of the active one, running projectors update both
    in one transaction, so the two can be compared. If no projector runs, the rebuild itself updates
    both to the end of the log.

    Args:
        log: the event log.
        store: holds the tables.
        batches: applies batches of events.
        clock: measures the duration.
        batch: events per transaction.
    """

    def __init__(
        self,
        log: EventLog,
        store: ProjectionStore,
        batches: BatchProjector,
        clock: Clock,
        batch: int,
    ) -> None:
        self._log = log
        self._store = store
        self._batches = batches
        self._clock = clock
        self._batch = batch

    def rebuild(self, schemas: Sequence[ProjectionSchema]) -> RebuildReport:
        """Rebuilds some projections in one pass. Raises: see ``Projector.rebuild``."""
        begun = self._clock.monotonic()
        self._refuse_newer(schemas)
        end = self._log.end()
        built = [self._store.build(schema) for schema in schemas]
        events = self._catch_up(built, end)
        rebuilt = []
        for schema, one in zip(schemas, built, strict=True):
            compared, more = self._compare(schema, one, end)
            events += more
            if not self._store.activate(schema, one):
                raise RebuildLost(one.projection)
            rebuilt.append(ProjectionRebuild(one.projection, one.generation, compared))
        report = RebuildReport(tuple(rebuilt), end, events, self._clock.monotonic() - begun)
        for projection, table in report.differences:
            _log.warning(
                "projection %s: table %s differed from the log (%d rows, now %d; e.g. %s)",
                projection,
                table.table,
                table.live_rows,
                table.built_rows,
                ", ".join(table.examples),
            )
        return report

    def _refuse_newer(self, schemas: Sequence[ProjectionSchema]) -> None:
        versions = {schema.projection: schema.version for schema in schemas}
        for one in self._store.checkpoints():
            if one.active and one.version > versions.get(one.projection, one.version):
                raise RebuildRefused(
                    f"projection {one.projection} is active in version {one.version}, "
                    f"this code has version {versions[one.projection]}"
                )

    def _catch_up(self, built: Sequence[ProjectionCheckpoint], end: int) -> int:
        """Updates to the position of the active generations, then both up to ``end``.

        Returns:
            The number of events.
        """
        events = 0
        while True:
            due = self._due(built, end)
            if not due:
                return events
            after = min(step.after for step in due)
            group = [step for step in due if step.after == after]
            limit = min(step.goal for step in group)
            found = self._log.read(after, self._batch)
            entries = [entry for entry in found if entry.position <= limit]
            self._batches.apply(after, entries, [one for step in group for one in step.generations])
            events += len(entries)

    def _due(self, built: Sequence[ProjectionCheckpoint], end: int) -> list["_Step"]:
        """The steps that are not done yet."""
        wanted = {(one.projection, one.generation): one for one in built}
        checkpoints = self._store.checkpoints()
        now = [one for one in checkpoints if (one.projection, one.generation) in wanted]
        if len(now) < len(wanted):
            lost = {name for name, _ in wanted} - {one.projection for one in now}
            raise RebuildLost(", ".join(sorted(lost)))
        active = {one.projection: one for one in checkpoints if one.active}
        steps = [_step(one, active.get(one.projection), end, self._log.end()) for one in now]
        return [step for step in steps if step.after < step.goal]

    def _compare(
        self, schema: ProjectionSchema, built: ProjectionCheckpoint, end: int
    ) -> tuple[Comparison | None, int]:
        events = 0
        for _ in range(ATTEMPTS):
            live = next(
                one
                for one in self._store.checkpoints()
                if one.projection == built.projection and one.active
            )
            if not _comparable(live, built, self._log.end()):
                return None, events
            compared = self._store.compare(schema, live, built)
            if compared is not None:
                return compared, events
            events += self._catch_up([built], end)
            self._clock.sleep(PAUSE)
        raise RebuildLost(f"{built.projection}: it was never at the position of the active tables")


@dataclass(frozen=True)
class _Step:
    """The next step of a new generation.

    Attributes:
        after: its position.
        goal: the last position of the step.
        generations: the new one, and the active one once both are at the same position.
    """

    after: int
    goal: int
    generations: tuple[ProjectionCheckpoint, ...]


def _step(
    built: ProjectionCheckpoint, live: ProjectionCheckpoint | None, end: int, now: int
) -> _Step:
    """To the position of the active generation, then with it to ``end``; else alone to ``now``."""
    if live is None or not _comparable(live, built, now):
        return _Step(built.position, now, (built,))
    if built.position == live.position:
        return _Step(built.position, end, (built, live))
    return _Step(built.position, live.position, (built,))


def _comparable(live: ProjectionCheckpoint, built: ProjectionCheckpoint, end: int) -> bool:
    """Whether the active generation is another one of the same version, and of this log."""
    another = live.generation != built.generation
    return another and live.version == built.version and live.position <= end
