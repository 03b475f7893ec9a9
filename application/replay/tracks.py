"""The values that an expression names, event by event."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from application.kernel.errors import Unavailable
from application.ports.event_log import MalformedEntry, ReadOnlyLog
from application.ports.projections import Projection
from application.ports.read_models import OpenReads
from application.ports.read_tables import ACTIONS
from application.queries.decisions import Resource
from application.replay import cluster_facts
from application.replay.aggregate_fold import AggregateFold
from application.replay.bisection import Change
from application.replay.cluster_facts import ClusterFacts
from application.replay.cluster_past import ClusterPast
from application.replay.expression import Expression, InvalidExpression, written
from application.replay.find import Subject, find
from application.replay.rows import row_projections
from application.replay.timeline import entries_of
from application.replay.values import ABSENT, Path, value_at
from domain.audit_templates import AuditTemplate
from domain.audits import Audit
from domain.audits.schedule import Cron
from domain.kernel.aggregate import Aggregate
from domain.plans import ActionPlan

KINDS: Mapping[str, type[Aggregate]] = {
    "audit": Audit,
    "template": AuditTemplate,
    "plan": ActionPlan,
    "action": ActionPlan,
    "aggregate": Aggregate,
}
"""Name that begins a path → what it names."""
HELP = (
    'audit["X"], plan["X"], action["X"], template["X"], aggregate["X"], rows.TABLE["X"], '
    'host["X"], server["X"] or cluster'
)


class Tracks:
    """Finds the objects that an expression names, and reads their events.

    Args:
        log: the event log.
        reads: find runs and actions by an index; without them the whole log is searched.
        cluster: opens the past of the cluster, if a path needs it.
        cron: evaluates cron expressions.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        reads: OpenReads,
        cluster: Callable[[], ClusterPast],
        cron: Cron,
    ) -> None:
        self._log = log
        self._reads = reads
        self._cluster = cluster
        self._tables = row_projections(cron)

    def of(self, expression: Expression, since: int = 0) -> list[Iterator[Change]]:
        """The changes of each object, in the order of the log, read when they are needed.

        Args:
            expression: names the objects.
            since: of earlier collections of the cluster only the last one is read.

        Raises:
            InvalidExpression: a path begins with none of the names of HELP.
            SubjectNotFound, AmbiguousSubject: an object is not found.
        """
        groups: defaultdict[Path, list[Path]] = defaultdict(list)
        for path in expression.paths:
            groups[self._object(path)].append(path)
        return [self._changes(prefix, paths, since) for prefix, paths in groups.items()]

    def _object(self, path: Path) -> Path:
        """The part of a path that names the object."""
        root = path[0]
        if root in cluster_facts.ROOTS and (root == "cluster" or len(path) > 1):
            return ("cluster",)
        if root in KINDS and len(path) > 1:
            return path[:2]
        if root == "rows" and len(path) > 2:  # noqa: PLR2004 - rows, table, key
            if path[1] in self._tables:
                return path[:3]
            raise InvalidExpression(
                f"{written(path)}: the tables are {', '.join(sorted(self._tables))}"
            )
        raise InvalidExpression(f"{written(path)}: a value begins with {HELP}")

    def _changes(self, prefix: Path, paths: list[Path], since: int) -> Iterator[Change]:
        root = str(prefix[0])
        if root == "cluster":
            return self._of_cluster(paths, since)
        subject = find(self._log, str(prefix[-1]), self._reads)
        if root == "action" and subject.action is None:
            raise InvalidExpression(f"{written(prefix)}: {prefix[-1]} is not the id of an action")
        if root == "rows":
            return self._of_rows(str(prefix[1]), subject, paths)
        return self._of_aggregate(prefix, subject, paths)

    def _of_aggregate(
        self, prefix: Path, subject: Subject, paths: Iterable[Path]
    ) -> Iterator[Change]:
        start = ("actions", str(subject.action)) if prefix[0] == "action" else ()
        inner = {path: (*start, *path[2:]) for path in paths}
        wanted = KINDS[str(prefix[0])]

        def values(fold: AggregateFold) -> Mapping[Path, object]:
            if not isinstance(fold.state, wanted):
                kind = getattr(type(fold.state), "TOPIC", "deleted")
                raise InvalidExpression(f"{written(prefix)}: {prefix[-1]} is of kind {kind}")
            return {path: value_at(fold.state, place) for path, place in inner.items()}

        return self._folded(subject.aggregate_id, None, values)

    def _of_rows(self, table: str, subject: Subject, paths: Iterable[Path]) -> Iterator[Change]:
        key = subject.action if table == ACTIONS.name else subject.aggregate_id

        def values(fold: AggregateFold) -> Mapping[Path, object]:
            row = fold.rows.get(table, key)
            return {path: ABSENT if row is None else value_at(row, path[3:]) for path in paths}

        return self._folded(subject.aggregate_id, self._tables[table], values)

    def _folded(
        self,
        aggregate_id: UUID,
        projection: Projection | None,
        values: Callable[[AggregateFold], Mapping[Path, object]],
    ) -> Iterator[Change]:
        fold = AggregateFold(projection)
        for entry in entries_of(self._log, aggregate_id):
            if isinstance(entry, MalformedEntry):
                said = f"version {entry.version} of {aggregate_id} cannot be read: {entry.error}"
                yield Change(entry.position, {}, said)
                return
            fold.apply(entry)
            yield Change(entry.position, values(fold))

    def _of_cluster(self, paths: Sequence[Path], since: int) -> Iterator[Change]:
        for position, model in self._cluster().states(since, _resources(paths)):
            if isinstance(model, Unavailable):
                yield Change(position, {}, str(model))
            else:
                facts = ClusterFacts(model)
                yield Change(position, {path: facts.value(path) for path in paths})


def _resources(paths: Iterable[Path]) -> list[Resource] | None:
    """The hosts and servers that paths name; None if they name the whole cluster."""
    found: list[Resource] = []
    for root, *rest in paths:
        if root == "cluster":
            return None
        found.append(Resource(str(rest[0]), "host" if root == "host" else "server"))
    return found
