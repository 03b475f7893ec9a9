"""What happened: the events of the log as moments with who, what and why."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry
from application.projections.sentences import sentence
from application.replay.history import ReadOnlyLog
from domain.kernel.reasons import Cause

PAGE = 500
"""Events read at a time."""


@dataclass(frozen=True)
class TimelineEntry:
    """An event, as a person wants to read it.

    Attributes:
        at: None if the event cannot be read.
        who: name of the actor; who_kind: user or component.
        what: a sentence.
        why: the reason that the event carries, if it does.
        causation: position of the event that caused it.
        readable: False for something in the log that is no event of this code.
    """

    position: int
    at: datetime | None
    topic: str
    aggregate_id: UUID
    version: int
    who: str
    who_kind: str
    what: str
    why: Cause | None
    request_id: str | None
    correlation_id: UUID | None
    causation: int | None
    readable: bool = True


def moment(entry: Entry) -> TimelineEntry:
    """An entry of the log as a moment."""
    if isinstance(entry, MalformedEntry):
        return TimelineEntry(
            position=entry.position,
            at=None,
            topic=entry.topic,
            aggregate_id=entry.aggregate_id,
            version=entry.version,
            who="",
            who_kind="",
            what=f"This event cannot be read: {entry.error}",
            why=None,
            request_id=None,
            correlation_id=None,
            causation=None,
            readable=False,
        )
    event = entry.event
    metadata = event.metadata
    return TimelineEntry(
        position=entry.position,
        at=event.timestamp,
        topic=entry.topic,
        aggregate_id=entry.aggregate_id,
        version=entry.version,
        who=metadata.actor.name,
        who_kind=metadata.actor.kind,
        what=sentence(entry.topic, event),
        why=getattr(event, "because", None),
        request_id=metadata.request_id,
        correlation_id=metadata.correlation_id,
        causation=metadata.causation,
    )


def entries(log: ReadOnlyLog, after: int = 0) -> Iterator[Entry]:
    """Everything behind a position, page by page."""
    while page := log.read(after, PAGE):
        yield from page
        after = page[-1].position


def of_aggregate(log: ReadOnlyLog, aggregate_id: UUID) -> list[TimelineEntry]:
    """What happened to one aggregate, oldest first."""
    return [moment(entry) for entry in log.history(aggregate_id)]


def of_run(log: ReadOnlyLog, correlation_id: UUID) -> list[TimelineEntry]:
    """What was done for one audit run, oldest first."""
    found = map(moment, entries(log))
    return [one for one in found if one.correlation_id == correlation_id]


def newest(
    log: ReadOnlyLog, count: int, topic: Callable[[str], bool] | None = None
) -> list[TimelineEntry]:
    """The last ``count`` events (whose topic is wanted), oldest first."""
    end, span = log.end(), count
    while True:
        after = max(0, end - span)
        found = [one for one in entries(log, after) if topic is None or topic(one.topic)]
        if len(found) >= count or after == 0:
            return [moment(one) for one in _last(found, count)]
        span *= 4  # positions may have holes, topics may be rare


def _last(found: list[Entry], count: int) -> Iterable[Entry]:
    return found[-count:] if count else []
