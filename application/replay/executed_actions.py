"""The actions of plans that changed the cloud, with what was observed at their ends."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from application.ports.event_log import Entry, ReadOnlyLog, RecordedEvent
from application.replay.timeline import entries_of
from domain.plans.action import ActionSpec
from domain.plans.action_types.migrate import LANDED_ELSEWHERE
from domain.plans.events import ActionAdded, ActionFailed, ActionSucceeded, PlanProposed

ENDS = (ActionSucceeded.TOPIC, ActionFailed.TOPIC)
"""Topics of the events that may be the end of an action that changed the cloud."""
_PLANS = 16
"""Plans whose actions are kept."""


@dataclass(frozen=True)
class ExecutedAction:
    """An action that changed the cloud.

    Attributes:
        position: of the event that ended it.
        observed: the facts of that event.
    """

    position: int
    spec: ActionSpec
    observed: Mapping[str, object]


def executed(log: ReadOnlyLog, entries: Iterable[Entry]) -> Iterator[ExecutedAction]:
    """The actions that some entries ended, in the order of the entries.

    Args:
        log: has the plans.
        entries: of any events.
    """
    specs = lru_cache(_PLANS)(lambda plan: specs_of(log, plan))
    for entry in entries:
        if not isinstance(entry, RecordedEvent):
            continue
        match entry.event:
            case ActionSucceeded(action_id=action, facts=facts):
                pass
            case ActionFailed(action_id=action, because=why) if why.reason == LANDED_ELSEWHERE:
                facts = why.facts
            case _:
                continue
        spec = specs(entry.aggregate_id).get(action)
        if spec is not None:
            yield ExecutedAction(entry.position, spec, facts)


def specs_of(log: ReadOnlyLog, plan: UUID) -> Mapping[UUID, ActionSpec]:
    """The actions of a plan, in its order, by id."""
    found: dict[UUID, ActionSpec] = {}
    for entry in entries_of(log, plan):
        match getattr(entry, "event", None):
            case PlanProposed(actions=actions):
                found |= {one.id: one for one in actions}
            case ActionAdded(spec=spec):
                found[spec.id] = spec
    return found
