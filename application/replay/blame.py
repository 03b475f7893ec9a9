"""Which events set an attribute of an aggregate."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.ports.event_log import MalformedEntry, ReadOnlyLog
from application.replay.aggregate_history import NoSuchMoment
from application.replay.timeline import TimelineEntry, entries_of, timeline_entry
from application.replay.values import ABSENT, value_at
from domain.kernel.aggregate import Aggregate


@dataclass(frozen=True)
class Assignment:
    """An event that changed the attribute.

    Attributes:
        before, after: JSON values; ``(absent)`` if the attribute did not exist.
    """

    event: TimelineEntry
    before: Any
    after: Any


def blame(log: ReadOnlyLog, aggregate_id: UUID, path: str) -> list[Assignment]:
    """The events that changed an attribute, oldest first.

    Args:
        log: the event log.
        aggregate_id: the aggregate.
        path: names with dots between them, as ``diff`` shows them: ``state``, ``actions.ID.state``.

    Raises:
        NoSuchMoment: there is no such aggregate, no such attribute, or its events cannot be read.
    """
    found = list(_assignments(log, aggregate_id, path.split(".")))
    if not found:
        raise NoSuchMoment(f"{aggregate_id} has no attribute {path}, and never had one")
    return found


def _assignments(log: ReadOnlyLog, aggregate_id: UUID, path: list[str]) -> Iterator[Assignment]:
    state: Aggregate | None = None
    value = ABSENT
    for entry in entries_of(log, aggregate_id):
        if isinstance(entry, MalformedEntry):
            raise NoSuchMoment(
                f"version {entry.version} of {aggregate_id} cannot be read: {entry.error}"
            )
        state = entry.event.mutate(state)
        now = value_at(state, path)
        if now != value:
            yield Assignment(timeline_entry(entry), value, now)
            value = now
