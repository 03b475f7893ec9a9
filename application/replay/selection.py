"""Which events of the log a user asks for."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry, ReadOnlyLog
from application.ports.read_models import OpenReads, Page, ReadModels
from application.queries.decisions import UNLIMITED, Resource
from application.replay.runs import is_of_run, runs_of
from application.replay.timeline import entries

CHUNK = 2000
"""Events read at a time, from the end of the log."""


@dataclass(frozen=True)
class EventSelection:
    """The events to list; None = no limit.

    Attributes:
        aggregates: only events of these.
        actions: only events of these actions.
        correlation: only events of this run.
        topics: only events whose topic begins so.
        actor: only events that the actor with this name caused.
        since, until: time of the event (until is exclusive).
    """

    aggregates: Collection[UUID] | None = None
    actions: Collection[UUID] | None = None
    correlation: UUID | None = None
    topics: tuple[str, ...] = ()
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def admits(self, entry: Entry) -> bool:
        """Whether an entry is selected."""
        if self.aggregates is not None and entry.aggregate_id not in self.aggregates:
            return False
        if self.topics and not entry.topic.startswith(self.topics):
            return False
        if isinstance(entry, MalformedEntry):
            return self.correlation is None and self.actor is None and self.actions is None
        event, metadata = entry.event, entry.event.metadata
        return (
            (self.actions is None or getattr(event, "action_id", None) in self.actions)
            and self.correlation in {None, metadata.correlation_id}
            and self.actor in {None, metadata.actor.name}
            and (self.since is None or event.timestamp >= self.since)
            and (self.until is None or event.timestamp < self.until)
        )

    def newest_first(self, log: ReadOnlyLog) -> Iterator[list[Entry]]:
        """The selected entries in chunks: the newest chunk first, each in the order of the log."""
        chunks = self._of_aggregates(log) if self.aggregates is not None else _backwards(log)
        for chunk in chunks:
            yield [one for one in chunk if self.admits(one)]
            if self.since is not None and _is_before(chunk, self.since):
                return

    def _of_aggregates(self, log: ReadOnlyLog) -> Iterator[list[Entry]]:
        found = [entry for one in self.aggregates or () for entry in log.history(one)]
        yield sorted(found, key=lambda entry: entry.position)


def of_resource(reads: ReadModels, resource: Resource, limit: int) -> EventSelection:
    """The events of the newest actions that concern a server or a host.

    Args:
        reads: finds the actions by an index.
        resource: the server or host.
        limit: most actions, 0 for all: the history of each plan is read.
    """
    page = Page(limit=limit or UNLIMITED, descending=True, show_deleted=True)
    every = [one for key in resource.keys for one in reads.actions(page, {key: resource.name})]
    found = sorted({one.id: one for one in every}.values(), key=lambda one: one.id)
    if limit:
        found = found[-limit:]
    plans = frozenset(one.action_plan_uuid for one in found)
    return EventSelection(aggregates=plans, actions=frozenset(one.uuid for one in found))


def of_audit(log: ReadOnlyLog, audit: UUID) -> EventSelection:
    """The events of an audit and of its action plans."""
    plans = [one.plan for one in runs_of(log, audit) if one.plan is not None]
    return EventSelection(aggregates=frozenset((audit, *plans)))


def of_run(log: ReadOnlyLog, reads: OpenReads, run: UUID) -> EventSelection:
    """The events of a run.

    Args:
        log: is searched after the position that the read models have reached.
        reads: find the aggregates by an index; without them the whole log is searched.
        run: its id.
    """
    after, found, index = 0, set(), reads()
    if index is not None:
        rows = index.timeline(correlation_id=run, limit=UNLIMITED)
        found = {row.aggregate_id for row in rows}
        after = next((one.position for one in index.projections() if one.name == "timeline"), 0)
    for entry in entries(log, after):
        if is_of_run(entry, run):
            found.add(entry.aggregate_id)
    return EventSelection(aggregates=frozenset(found), correlation=run)


def _backwards(log: ReadOnlyLog) -> Iterator[list[Entry]]:
    upto = log.end()
    while upto > 0:
        after = max(0, upto - CHUNK)
        yield [one for one in log.read(after, upto - after) if one.position <= upto]
        upto = after


def _is_before(chunk: list[Entry], moment: datetime) -> bool:
    """Whether every event before a chunk is older: clocks of hosts differ a little."""
    times = [one.event.timestamp for one in chunk if not isinstance(one, MalformedEntry)]
    return bool(times) and max(times) < moment
