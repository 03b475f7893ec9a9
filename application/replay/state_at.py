"""The state of any aggregate after one of its events, for viewers and programs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.kernel.json_values import json_value
from application.ports.event_log import Moment, ReadOnlyLog
from application.replay.aggregate_history import AggregateHistory, NoSuchMoment
from domain.kernel.aggregate import Aggregate


@dataclass(frozen=True)
class AggregateAt:
    """The state of an aggregate after one of its events.

    Attributes:
        kind: type of the aggregate: ``audit``, ``plan``, …
        version: number of events up to this state; versions: number of its events today.
        position, at, topic: of the last event up to this state.
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
        """The attributes of the aggregate as JSON values."""
        attributes = vars(self.state).items()
        return {name: json_value(value) for name, value in attributes if name[:1] != "_"}


def state_at(
    log: ReadOnlyLog,
    aggregate_id: UUID,
    *,
    version: int | None = None,
    moment: Moment | None = None,
) -> AggregateAt:
    """The state of an aggregate after one of its events; by default after the latest.

    Args:
        log: the event log.
        aggregate_id: the aggregate.
        version: number of its events, from 1.
        moment: log position or time, instead of a version.

    Raises:
        NoSuchMoment: it has no event up to then, or an event up to then cannot be read.
    """
    versions = log.version(aggregate_id)
    if version is not None and not 1 <= version <= versions:
        raise NoSuchMoment(f"{aggregate_id} has versions 1 to {versions}, not {version}")
    history = AggregateHistory(log, aggregate_id)  # snapshots are no evidence: none is used
    if isinstance(moment, int):
        version = log.version(aggregate_id, moment)
    elif version is None:
        version = versions if moment is None else history.version_at(moment)
    fold = history.fold(version)
    last, state = fold.last, fold.state
    if last is None or state is None:
        first = next((entry.position for entry in log.history(aggregate_id, 0, 1)), None)
        when = f"its first event is at position {first}" if first else "no such aggregate"
        raise NoSuchMoment(f"{aggregate_id} has no event up to then: {when}")
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
