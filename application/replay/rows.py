"""Rows of the read tables at a past position, folded from the events of their aggregates."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.kernel.json_values import json_value
from application.ports.event_log import ReadOnlyLog
from application.ports.projections import Projection
from application.ports.read_tables import ACTION_PLANS, ACTIONS, AUDIT_TEMPLATES, AUDITS
from application.projections.audit_templates import AuditTemplatesProjection
from application.projections.audits import AuditsProjection
from application.projections.plans import PlansProjection
from application.replay.aggregate_history import AggregateHistory
from application.replay.timeline import entries
from domain.audits.schedule import Cron

Rows = dict[str, Any]
"""Key of a row → its columns, as JSON values."""


def row_projections(cron: Cron) -> Mapping[str, Projection]:
    """Table → the projection that fills it, for the tables whose rows have one aggregate each."""
    plans = PlansProjection()
    return {
        AUDITS.name: AuditsProjection(cron),
        AUDIT_TEMPLATES.name: AuditTemplatesProjection(),
        ACTION_PLANS.name: plans,
        ACTIONS.name: plans,
    }


def changed_rows(
    log: ReadOnlyLog, projection: Projection, table: str, before: int, after: int
) -> tuple[Rows, Rows]:
    """The rows of the aggregates that have events between two positions, at each of the two.

    Args:
        log: is read from the first position to the second.
        projection: fills the table.
        table: its name.
        before: the earlier position.
        after: the later one.

    Raises:
        NoSuchMoment: an event of such an aggregate cannot be read.
    """
    touched: dict[UUID, None] = {}
    for entry in entries(log, before, projection.topics or ()):
        if entry.position > after:
            break
        touched.setdefault(entry.aggregate_id)
    old, new = Rows(), Rows()
    for aggregate_id in touched:
        history = AggregateHistory(log, aggregate_id, projection)
        for position, rows in ((before, old), (after, new)):
            fold = history.fold(history.version_at(position))
            found = fold.rows.all(table)
            rows.update((str(one["uuid"]), json_value(one)) for one in found)
    return old, new
