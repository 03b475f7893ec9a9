"""A run from its request to its last action, with durations."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.ports.event_log import Entry, RecordedEvent
from application.replay.facts import Fact, Folding, single
from domain.plans.events import (
    ActionAcknowledged,
    ActionIntended,
    ActionStepAcknowledged,
    ActionStepIntended,
)


@dataclass(frozen=True)
class Call:
    """A request to the cloud.

    Attributes:
        what: the attempt, or the step.
        seconds: until the cloud accepted it; None if no acceptance was recorded.
    """

    what: str
    seconds: float | None = None


@dataclass(frozen=True)
class Span:
    """Something that a run did.

    Attributes:
        offset: seconds since the request of the run.
        fact: what it was.
        calls: the requests of an action to the cloud.
    """

    offset: float
    fact: Fact
    calls: tuple[Call, ...] = ()


def trace(found: Iterable[Entry]) -> list[Span]:
    """What a run did, in the order of the log; an action stands where it began.

    Args:
        found: the events of the run and of its plan.
    """
    entries = [one for one in found if isinstance(one, RecordedEvent)]
    if not entries:
        return []
    began = entries[0].event.timestamp
    times = {one.position: one.event.timestamp for one in entries}
    folding = Folding()
    actions = [one for one in folding.of(entries) if one.action is not None]
    actions += folding.running()
    folded = {position for one in actions for position in one.positions}
    facts = [*actions, *(single(one) for one in entries if one.position not in folded)]
    calls = _calls(entries)
    spans = [
        Span(
            (times[fact.positions[0]] - began).total_seconds(),
            fact,
            tuple(calls.get(fact.action, ())) if fact.action is not None else (),
        )
        for fact in facts
    ]
    return sorted(spans, key=lambda span: span.fact.positions[0])


def _calls(entries: Iterable[RecordedEvent]) -> dict[UUID, list[Call]]:
    """Action → its requests."""
    found: dict[UUID, list[Call]] = {}
    sent: dict[UUID, datetime] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, ActionIntended | ActionStepIntended):
            step = event.step if isinstance(event, ActionStepIntended) else "request"
            attempt = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            found.setdefault(event.action_id, []).append(Call(f"{step}{attempt}"))
            sent[event.action_id] = event.timestamp
        elif isinstance(event, ActionAcknowledged | ActionStepAcknowledged):
            calls = found.get(event.action_id)
            if calls:
                seconds = (event.timestamp - sent[event.action_id]).total_seconds()
                calls[-1] = replace(calls[-1], seconds=seconds)
    return found
