"""Folds aggregates from their events, page by page, starting at a snapshot if there is one."""

from collections.abc import Sequence
from typing import TypeVar, cast
from uuid import UUID

from eventsourcing.utils import get_topic

from application.ports.event_log import UnreadableEvent
from domain.kernel.aggregate import Aggregate, Created
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.snapshots import SnapshotService
from infrastructure.event_log.store import ALL, EventRow, EventStore

A = TypeVar("A", bound=Aggregate)

PAGE = 5000
"""Events in one query: a stream may have millions."""


class AggregateLoader:
    """Folds events. Any thread may call it at any time.

    Args:
        store: the event table.
        mapper: rows to events.
        queries: runs the queries, and retries them.
        snapshots: where folding starts; None: at the first event of each stream.
    """

    def __init__(
        self,
        store: EventStore,
        mapper: Mapper,
        queries: QueryRunner,
        snapshots: SnapshotService | None,
    ) -> None:
        self._store = store
        self._mapper = mapper
        self._queries = queries
        self._snapshots = snapshots

    def find(self, kind: type[A], aggregate_id: UUID, version: int | None) -> A | None:
        """An aggregate as of a version (None: now); see ``SqlEventLog.find``."""
        upto = ALL if version is None else version
        aggregate: A | None = None
        if self._snapshots:
            aggregate = self._snapshots.find(kind, aggregate_id, upto)
        after = 0 if aggregate is None else aggregate.version
        folded = 0
        last: EventRow | None = None
        while rows := self._page(aggregate_id, after, upto):
            aggregate = self._fold(kind, aggregate, rows)
            if aggregate is None:
                return None
            last, after, folded = rows[-1], aggregate.version, folded + len(rows)
            if len(rows) < PAGE:
                break
        if self._snapshots and aggregate is not None and last is not None and version is None:
            self._snapshots.offer(aggregate, last.state, folded)
        return aggregate

    def _page(self, aggregate_id: UUID, after: int, upto: int) -> Sequence[EventRow]:
        last = min(upto, after + PAGE)
        return self._queries.run("find", lambda: self._store.stream(aggregate_id, after, last))

    def _fold(self, kind: type[A], aggregate: A | None, rows: Sequence[EventRow]) -> A | None:
        for row in rows:
            try:
                event = self._mapper.to_event(row)
                if aggregate is None and isinstance(event, Created):
                    if event.originator_topic != get_topic(kind):
                        return None
                    aggregate = cast("A", event.mutate(None))
                else:
                    aggregate = event.mutate(aggregate)
            except Exception as error:
                raise UnreadableEvent(
                    f"{kind.__name__} {row.originator_id}: version {row.originator_version} "
                    f"({row.topic}, position {row.id}): {error!r}"
                ) from error
        return aggregate
