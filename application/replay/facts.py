"""Facts that matter to an operator: the events of an action are one, routine is left out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry, RecordedEvent
from application.replay.routine import is_routine
from application.replay.timeline import timeline_entry
from domain.audits.events import AuditRunRequested
from domain.plans.action import ActionState
from domain.plans.events import (
    ActionAcknowledged,
    ActionCancelled,
    ActionFailed,
    ActionIntended,
    ActionSkipped,
    ActionStepAcknowledged,
    ActionStepIntended,
    ActionSucceeded,
    ActionWithheld,
    PlanLaunched,
    PlanProposed,
)

_STARTS = frozenset({PlanProposed.TOPIC, PlanLaunched.TOPIC})
_ENDS = {
    ActionSucceeded: ActionState.SUCCEEDED,
    ActionFailed: ActionState.FAILED,
    ActionSkipped: ActionState.SKIPPED,
    ActionCancelled: ActionState.CANCELLED,
}
_PARTS = (
    ActionIntended,
    ActionAcknowledged,
    ActionStepIntended,
    ActionStepAcknowledged,
    ActionWithheld,
)


@dataclass(frozen=True)
class Fact:
    """An event, or all events of an action.

    Attributes:
        position: of the last event.
        at: time of the last event, None if it cannot be read.
        what: a sentence, or the action in words.
        who: name of the actor.
        state: of the action; None if it is another event.
        seconds: from the first request of the action to its end, None if either is missing.
        why: the reason of an action that did not succeed; empty otherwise.
        positions: of all its events.
        readable: False for an entry that is no event of this code.
    """

    position: int
    at: datetime | None
    topic: str
    aggregate_id: UUID
    what: str
    who: str
    positions: tuple[int, ...]
    state: ActionState | None = None
    action: UUID | None = None
    seconds: float | None = None
    why: str = ""
    correlation_id: UUID | None = None
    causation: int | None = None
    readable: bool = True


def causes(facts: Sequence[Fact]) -> dict[int, int]:
    """Fact → the listed fact that caused it, both by their positions.

    It is the event that an event names as its cause; for an action, the latest start of its plan;
    for the first event of a plan, the request of its run; else the first event of the same object.
    """
    owner = {position: fact.position for fact in facts for position in fact.positions}
    first: dict[UUID, int] = {}
    starts: dict[UUID, int] = {}
    found: dict[int, int] = {}
    for fact in facts:
        key = fact.aggregate_id
        cause = None if fact.causation is None else owner.get(fact.causation)
        if cause is None and fact.action is not None:
            cause = starts.get(key)
        if cause is None and key not in first and fact.correlation_id is not None:
            cause = starts.get(fact.correlation_id)
        if cause is None:
            cause = first.get(key)
        if fact.topic in _STARTS:
            starts[key] = fact.position
        if fact.topic == AuditRunRequested.TOPIC and fact.correlation_id is not None:
            starts[fact.correlation_id] = fact.position
        first.setdefault(key, fact.position)
        if cause is not None and cause != fact.position:
            found[fact.position] = cause
    return found


def cause_tree(facts: Sequence[Fact]) -> Iterator[tuple[Fact, str]]:
    """Each fact after the one that caused it, with the lines of the tree that lead to it.

    One whose cause is not listed stands at the top.
    """
    cause = causes(facts)
    children: dict[int | None, list[Fact]] = {}
    for fact in facts:
        children.setdefault(cause.get(fact.position), []).append(fact)
    waiting = [(fact, "", "") for fact in reversed(children.get(None, []))]
    while waiting:
        fact, lead, below = waiting.pop()
        yield fact, lead
        found = children.get(fact.position, [])
        for place, child in reversed(list(enumerate(found))):
            last = place == len(found) - 1
            lead, deeper = ("└ ", "  ") if last else ("├ ", "│ ")
            waiting.append((child, below + lead, below + deeper))


class Folding:
    """Makes facts of entries, which are given in the order of the log."""

    def __init__(self) -> None:
        self._running: dict[tuple[UUID, UUID], tuple[Fact, datetime]] = {}

    def of(self, found: Iterable[Entry]) -> Iterator[Fact]:
        """The facts that are complete with these entries."""
        for entry in found:
            if isinstance(entry, MalformedEntry):
                yield single(entry)
            elif isinstance(entry.event, _PARTS):
                self._continue(entry, entry.event.action_id)
            elif type(entry.event) in _ENDS:
                yield self._end(entry, entry.event)
            elif not is_routine(entry.topic):
                yield single(entry)

    def running(self) -> list[Fact]:
        """The actions that have not ended."""
        return [fact for fact, _ in self._running.values()]

    def _continue(self, entry: RecordedEvent, action: UUID) -> None:
        key = entry.aggregate_id, action
        known = self._running.get(key)
        if known is None:
            first = _action(entry, action, ActionState.ONGOING)
            self._running[key] = first, entry.event.timestamp
        else:
            fact, began = known
            more = (*fact.positions, entry.position)
            now = replace(fact, position=entry.position, positions=more)
            self._running[key] = now, began

    def _end(self, entry: RecordedEvent, event: object) -> Fact:
        action: UUID = event.action_id  # type: ignore[attr-defined]  # of each class in _ENDS
        known = self._running.pop((entry.aggregate_id, action), None)
        fact = _action(entry, action, _ENDS[type(event)])  # type: ignore[index]
        if known is None:
            return fact
        before, began = known
        seconds = (entry.event.timestamp - began).total_seconds()
        return replace(
            fact,
            seconds=seconds,
            positions=(*before.positions, entry.position),
            causation=before.causation,
        )


def single(entry: Entry) -> Fact:
    """An event as a fact, also if it is routine."""
    one = timeline_entry(entry)
    return Fact(
        one.position,
        one.at,
        one.topic,
        one.aggregate_id,
        one.what,
        one.who,
        (one.position,),
        correlation_id=one.correlation_id,
        causation=one.causation,
        readable=one.readable,
    )


def _action(entry: RecordedEvent, action: UUID, state: ActionState) -> Fact:
    because = getattr(entry.event, "because", None)
    return replace(
        single(entry),
        what=entry.event.what,  # type: ignore[attr-defined]  # of each event of an action
        action=action,
        state=state,
        why="" if because is None else str(because),
    )
