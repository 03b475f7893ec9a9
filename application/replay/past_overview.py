"""What the overview showed at a past moment.

Audits, plans and the actuation switch are folded from the log. Heartbeats, progress and the ages of
models are not recorded: they are left out.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from application.kernel.actuation import actuation_view
from application.kernel.errors import NothingThen, Unavailable
from application.ports.event_log import Moment, ReadOnlyLog, RecordedEvent
from application.ports.read_models import (
    ActionPlanView,
    AuditView,
    EventFilter,
    Page,
    ReadModels,
    TimelineView,
)
from application.queries.audits import current
from application.queries.health import of_the_past
from application.queries.overview import Overview
from application.queries.overview_query import (
    NEWEST,
    SHOWN,
    actuation_line,
    audit_line,
    event_line,
    plan_counts,
)
from application.replay.as_of import AsOfQueries
from application.replay.moments import position_at
from domain.audits.schedule import Cron
from domain.plans.action_types import MIGRATE

LOG = logging.getLogger("vigil.replay")

V = TypeVar("V", AuditView, ActionPlanView)

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class PastOverview:
    """Reads the overview of past moments.

    Args:
        log, read: of the installation.
        as_of: audits and plans at a moment.
        cron: evaluates cron expressions.
    """

    log: ReadOnlyLog
    read: ReadModels
    as_of: AsOfQueries
    cron: Cron

    def at(self, moment: Moment, today: Overview) -> Overview:
        """The overview at a moment: the newest audits and plans of then, events newest last.

        Args:
            moment: log position or time.
            today: the present overview.

        Raises:
            NothingThen: the moment is in the future.
            StoreUnavailable, EventLogUnavailable: the database cannot be reached.
        """
        self.as_of.check(moment)
        position = position_at(self.log, moment)
        at = moment if isinstance(moment, datetime) else self._time(position, today.at)
        plans = self._then(self.read.action_plans, self.as_of.action_plan, position, at)
        moves = self.read.action_counts([one.uuid for one in plans], MIGRATE)
        audits = self._then(self.read.audits, self.as_of.audit, position, at)
        return Overview(
            at=at,
            installation=today.installation,
            end=position,
            health=of_the_past(position),
            actuation=actuation_line(actuation_view(self.log, position)),
            audits=tuple(audit_line(current(one, at, self.cron)) for one in audits),
            plans=tuple(
                replace(plan_counts(one, at), moves=moves.get(one.uuid, 0)) for one in plans
            ),
            events=tuple(map(event_line, self._events(position, at))),
        )

    def _time(self, position: int, otherwise: datetime) -> datetime:
        """The time of the event at a position."""
        for entry in self.log.read(position - 1, 1) if position > 0 else ():
            if isinstance(entry, RecordedEvent):
                return entry.event.timestamp
        return otherwise

    def _events(self, position: int, at: datetime) -> Iterator[TimelineView]:
        until = EventFilter(until=at + _INSTANT)
        rows = self.read.timeline(limit=SHOWN, only=until, newest_first=True)
        return (one for one in reversed(rows) if one.position <= position)

    def _then(
        self,
        rows: Callable[[Page, dict[str, str]], list[V]],
        past: Callable[[UUID, Moment], tuple[V, int]],
        position: int,
        at: datetime,
    ) -> Sequence[V]:
        """The newest objects that existed at a position, as they were."""
        found: list[V] = []
        for one in _pages(rows):
            if len(found) == SHOWN:
                break
            if one.created_at > at:
                continue
            try:
                view, _ = past(one.uuid, position)
            except NothingThen:
                continue
            except Unavailable as unreadable:
                LOG.warning("left out of the past overview: %s", unreadable)
                continue
            if view.deleted_at is None:
                found.append(view)
        return found


def _pages(rows: Callable[[Page, dict[str, str]], list[V]]) -> Iterator[V]:
    """All rows, also deleted ones, newest first."""
    page = replace(NEWEST, show_deleted=True)
    while found := rows(page, {}):
        yield from found
        if len(found) < page.limit:
            return
        page = replace(page, marker=str(found[-1].uuid))
