"""Back in time: an aggregate as it was, folded from its events by the domain's own code."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry
from application.replay.history import ReadOnlyLog
from domain.kernel.aggregate import Aggregate
from domain.kernel.reasons import Cause


class NoSuchMoment(LookupError):
    """The aggregate did not exist then, or its history cannot be read that far."""


@dataclass(frozen=True)
class AggregateAt:
    """An aggregate at one moment of its past.

    Attributes:
        kind: of aggregate: ``audit``, ``plan``, …
        version: how many of its events it had seen; versions: how many there are today.
        position, at: of the last event that it had seen.
        topic: of that event.
        state: the aggregate itself.
    """

    kind: str
    aggregate_id: UUID
    version: int
    versions: int
    position: int
    at: datetime
    topic: str
    state: Aggregate

    def plain(self) -> dict[str, Any]:
        """Its attributes as JSON values."""
        return {name: plain(value) for name, value in vars(self.state).items() if name[:1] != "_"}


def state_at(
    log: ReadOnlyLog,
    aggregate_id: UUID,
    *,
    version: int | None = None,
    position: int | None = None,
    time: datetime | None = None,
) -> AggregateAt:
    """An aggregate as it was after one of its events.

    Args:
        log: where its events are.
        aggregate_id: which one.
        version: after this one of its own events (from 1); None = no limit.
        position: as of this place in the whole log; None = no limit.
        time: as a clock showed it then; None = no limit.

    Raises:
        NoSuchMoment: it has no event that early (or none at all), or one cannot be read.
    """
    every = log.history(aggregate_id)
    if version is not None and not 1 <= version <= len(every):
        raise NoSuchMoment(f"{aggregate_id} has versions 1 to {len(every)}, not {version}")
    if time is not None:
        version = max((one.version for one in every if _was_by(one, time)), default=0)
    seen = [
        entry
        for entry in every
        if (version is None or entry.version <= version)
        and (position is None or entry.position <= position)
    ]
    if not seen:
        first = every[0].position if every else None
        when = f"it began at position {first}" if first else "there is no such aggregate"
        raise NoSuchMoment(f"{aggregate_id} has no event up to then: {when}")
    return _folded(aggregate_id, seen, len(every))


def _was_by(entry: Entry, time: datetime) -> bool:
    return not isinstance(entry, MalformedEntry) and entry.event.timestamp <= time


def _folded(aggregate_id: UUID, seen: Sequence[Entry], versions: int) -> AggregateAt:
    state: Aggregate | None = None
    for entry in seen:
        if isinstance(entry, MalformedEntry):
            raise unreadable(entry)
        state = entry.event.mutate(state)
    last = seen[-1]
    if state is None or isinstance(last, MalformedEntry):
        raise NoSuchMoment(f"{aggregate_id} did not exist then")
    return AggregateAt(
        kind=getattr(type(state), "TOPIC", type(state).__name__),
        aggregate_id=aggregate_id,
        version=last.version,
        versions=versions,
        position=last.position,
        at=last.event.timestamp,
        topic=last.topic,
        state=state,
    )


def unreadable(entry: MalformedEntry) -> NoSuchMoment:
    """What is to be said of a history that is asked for beyond an event that cannot be read."""
    return NoSuchMoment(
        f"version {entry.version} of {entry.aggregate_id} cannot be read: {entry.error}; "
        f"earlier versions can be shown"
    )


def plain(value: object) -> Any:  # noqa: PLR0911 - one line per kind of value
    """A value as JSON values. Reasons carry their sentence beside them."""
    if isinstance(value, Cause):
        return {"reason": value.reason.value, "facts": plain(value.facts), "text": str(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(plain, value), key=str)
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def _key(key: object) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
