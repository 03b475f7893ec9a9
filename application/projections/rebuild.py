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
from application.projections.batch import BatchProjector

ATTEMPTS = 500
"""How often two generations are looked at until they stand at one position."""
PAUSE = 0.01
"""Seconds between two such looks."""

_log = logging.getLogger(__name__)


class RebuildRefused(Exception):
    """What is shown was built by newer code than this."""


class RebuildLost(Exception):
    """Another rebuild of the projection began meanwhile and took this one's place."""


@dataclass(frozen=True)
class ProjectionRebuild:
    """What a rebuild of one projection found.

    Attributes:
        generation: of the tables that are shown now.
        compared: how they compared with those shown before; None if those were of another version,
            or of a log that was since put back to an earlier state.
    """

    projection: str
    generation: int
    compared: Comparison | None

    @property
    def differences(self) -> tuple[TableDifference, ...]:
        """The tables that were not as the log says."""
        tables = () if self.compared is None else self.compared.tables
        return tuple(table for table in tables if not table.equal)


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild found.

    Attributes:
        position: the end of the log when it began; what is shown now stands there or beyond.
        events: events folded, each once for all projections together.
        seconds: how long it took until everything was switched.
    """

    projections: tuple[ProjectionRebuild, ...]
    position: int
    events: int
    seconds: float

    @property
    def differences(self) -> tuple[tuple[str, TableDifference], ...]:
        """(projection, table) for each table that was not as the log says."""
        return tuple((one.projection, d) for one in self.projections for d in one.differences)


class Rebuilder:
    """Folds projections anew beside what is shown, compares, and switches.

    A projector that runs meanwhile takes a new generation along as soon as it stands where the
    shown one does: from then on one transaction moves both, so they can be compared at rest. Where
    no projector runs, the rebuild itself moves both on to the end of the log.

    Args:
        log: what is folded.
        store: where the tables are.
        folder: folds batches.
        clock: times it.
        batch: events per transaction.
    """

    def __init__(
        self,
        log: EventLog,
        store: ProjectionStore,
        folder: BatchProjector,
        clock: Clock,
        batch: int,
    ) -> None:
        self._log = log
        self._store = store
        self._folder = folder
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
                "projection %s: table %s was not as the log says (%d rows, now %d; e.g. %s)",
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
                    f"projection {one.projection} is shown in version {one.version}, "
                    f"this code folds version {versions[one.projection]}"
                )

    def _catch_up(self, built: Sequence[ProjectionCheckpoint], end: int) -> int:
        """Folds up to where the shown generations stand, then together with them up to ``end``.

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
            self._folder.fold(after, entries, [one for step in group for one in step.moved])
            events += len(entries)

    def _due(self, built: Sequence[ProjectionCheckpoint], end: int) -> list["_Step"]:
        """What has a way to go."""
        wanted = {(one.projection, one.generation): one for one in built}
        checkpoints = self._store.checkpoints()
        now = [one for one in checkpoints if (one.projection, one.generation) in wanted]
        if len(now) < len(wanted):
            lost = {name for name, _ in wanted} - {one.projection for one in now}
            raise RebuildLost(", ".join(sorted(lost)))
        shown = {one.projection: one for one in checkpoints if one.active}
        steps = [_step(one, shown.get(one.projection), end, self._log.end()) for one in now]
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
        raise RebuildLost(f"{built.projection}: it never stood where the shown tables do")


@dataclass(frozen=True)
class _Step:
    """What is to be folded next for a new generation.

    Attributes:
        after: where it stands.
        goal: how far the step may go.
        moved: what goes along: the new one, and the shown one once they are level.
    """

    after: int
    goal: int
    moved: tuple[ProjectionCheckpoint, ...]


def _step(
    built: ProjectionCheckpoint, live: ProjectionCheckpoint | None, end: int, now: int
) -> _Step:
    """Up to where its like stands, then with that to ``end``; alone to ``now`` if it has none."""
    if live is None or not _comparable(live, built, now):
        return _Step(built.position, now, (built,))
    if built.position == live.position:
        return _Step(built.position, end, (built, live))
    return _Step(built.position, live.position, (built,))


def _comparable(live: ProjectionCheckpoint, built: ProjectionCheckpoint, end: int) -> bool:
    """Whether the shown generation is another one of the same version, and of this log."""
    another = live.generation != built.generation
    return another and live.version == built.version and live.position <= end
