"""The events of the log with sentence and provenance."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from application.kernel.paging import paged
from application.ports.event_log import Entry, MalformedEntry, ReadOnlyLog
from application.projections.sentences import sentence
from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class TimelineEntry:
    """An event for viewers.

    Attributes:
        at: time, None if the event cannot be read.
        who: name of the actor; who_kind: user or component.
        what: the sentence of the event.
        why: the reason that the event carries.
        causation: position of the event that caused it.
        readable: False for an entry that is no event of this code.
    """

    position: int
    at: datetime | None
    topic: str
    aggregate_id: UUID
    version: int
    who: str
    who_kind: str
    what: str
    why: Cause | None = None
    request_id: str | None = None
    correlation_id: UUID | None = None
    causation: int | None = None
    readable: bool = True


def timeline_entry(entry: Entry) -> TimelineEntry:
    """Describes an entry of the log."""
    place = entry.topic, entry.aggregate_id, entry.version
    if isinstance(entry, MalformedEntry):
        what = f"This event cannot be read: {entry.error}"
        return TimelineEntry(entry.position, None, *place, "", "", what, readable=False)
    event = entry.event
    metadata = event.metadata
    return TimelineEntry(
        entry.position,
        event.timestamp,
        *place,
        who=metadata.actor.name,
        who_kind=metadata.actor.kind,
        what=sentence(entry.topic, event),
        why=getattr(event, "because", None),
        request_id=metadata.request_id,
        correlation_id=metadata.correlation_id,
        causation=metadata.causation,
    )


def entries(log: ReadOnlyLog, after: int = 0, topics: Collection[str] = ()) -> Iterator[Entry]:
    """All entries after a position (of some topics), read page by page."""
    return paged(lambda last, size: log.read(last, size, topics), attrgetter("position"), after)


def entries_of(log: ReadOnlyLog, aggregate_id: UUID) -> Iterator[Entry]:
    """The entries of one aggregate, read page by page."""
    return paged(
        lambda last, size: log.history(aggregate_id, last, last + size), attrgetter("version")
    )


def of_aggregate(log: ReadOnlyLog, aggregate_id: UUID) -> list[TimelineEntry]:
    """The events of one aggregate, oldest first."""
    return [timeline_entry(entry) for entry in log.history(aggregate_id)]


def of_run(log: ReadOnlyLog, correlation_id: UUID) -> list[TimelineEntry]:
    """The events with a correlation id (that of an audit run), oldest first."""
    found = map(timeline_entry, entries(log))
    return [one for one in found if one.correlation_id == correlation_id]


def newest(
    log: ReadOnlyLog, count: int, topic: Callable[[str], bool] | None = None
) -> list[TimelineEntry]:
    """The last ``count`` events (with a matching topic), oldest first."""
    end, span = log.end(), count
    while True:
        after = max(0, end - span)
        found = [one for one in entries(log, after) if topic is None or topic(one.topic)]
        if len(found) >= count or after == 0:
            return [timeline_entry(one) for one in found[max(0, len(found) - count) :]]
        span *= 4  # positions may have holes, topics may be rare
