"""The objects that notifications show, folded from the log as its events pass by."""

import logging
from collections import OrderedDict
from itertools import takewhile
from uuid import UUID

from application.ports.event_log import Entry, ReadOnlyLog, RecordedEvent
from application.ports.projections import Row
from application.projections.audits import AuditsProjection
from application.projections.catalogue import CatalogueProjection
from application.projections.plans import PlansProjection
from application.replay.aggregate_fold import AggregateRows
from application.replay.timeline import entries_of
from domain.audits.schedule import Cron

log = logging.getLogger(__name__)

BUDGET = 20_000
"""Rows that are kept; a row takes about 2 kB."""


class PassingObjects:
    """The rows of aggregates after the event of the log that passed last.

    The projections of the read models compute the rows, so a notification shows what the API shows.
    Events that cannot be read or applied change nothing, as in the read models. The rows that were
    not used for longest are dropped, and folded again from the log when needed.

    Args:
        log: the event log.
        cron: evaluates cron expressions.
        budget: number of rows to keep.
    """

    def __init__(self, log: ReadOnlyLog, cron: Cron, *, budget: int = BUDGET) -> None:
        self._log = log
        self._budget = budget
        self._kept: OrderedDict[UUID, AggregateRows] = OrderedDict()
        projections = (AuditsProjection(cron), PlansProjection(), CatalogueProjection())
        self._handlers = {
            topic: one.handle for one in projections for topic in one.topics or frozenset()
        }

    def follows(self, entry: Entry) -> bool:
        """Whether an event changes one of the objects."""
        return entry.topic in self._handlers

    def before(self, event: RecordedEvent) -> AggregateRows:
        """The rows of the event's aggregate before it."""
        return self._rows(event.aggregate_id, event.position - 1)

    def after(self, event: RecordedEvent) -> AggregateRows:
        """Applies the event; returns the rows of its aggregate."""
        rows = self._rows(event.aggregate_id, event.position - 1)
        try:
            self._handlers[event.topic](event, rows)
        except Exception:
            self._kept.pop(event.aggregate_id, None)  # it may be half applied
            raise
        return rows

    def row(self, aggregate_id: UUID, table: str, key: UUID, position: int) -> Row | None:
        """A row of another aggregate at the position of the event that passes."""
        return self._rows(aggregate_id, position).get(table, key)

    def forget(self) -> None:
        """Drops all rows: the next event may be any."""
        self._kept.clear()

    def _rows(self, aggregate_id: UUID, position: int) -> AggregateRows:
        rows = self._kept.get(aggregate_id)
        if rows is None:
            rows = self._kept[aggregate_id] = self._folded(aggregate_id, position)
        self._kept.move_to_end(aggregate_id)
        total = sum(map(len, self._kept.values()))
        while total > self._budget and len(self._kept) > 1:
            total -= len(self._kept.popitem(last=False)[1])
        return rows

    def _folded(self, aggregate_id: UUID, position: int) -> AggregateRows:
        rows = AggregateRows()
        history = entries_of(self._log, aggregate_id)
        for entry in takewhile(lambda one: one.position <= position, history):
            self._apply(entry, rows)
        return rows

    def _apply(self, entry: Entry, rows: AggregateRows) -> None:
        if not isinstance(entry, RecordedEvent) or not self.follows(entry):
            return
        try:
            self._handlers[entry.topic](entry, rows)
        except Exception:
            log.debug("event %d is left out", entry.position, exc_info=True)
