"""What the debugger shows on a screen of its own: the details of a line, and why."""

from collections.abc import Iterator

from application.kernel.errors import NothingThen, Unavailable
from application.kernel.json_values import json_value
from application.ports.event_log import Entry, MalformedEntry
from application.ports.records import RecordStore
from application.queries.decisions import Resource, explained
from application.queries.plans import plan_explanation
from application.replay.debugger.session import Session
from application.replay.facts import Fact
from application.replay.timeline import timeline_entry
from domain.kernel.ids import action_id
from domain.plans.events import PlanProposed
from infrastructure.logs import one_line
from interfaces.terminal.debugger.drawing import state_lines
from interfaces.terminal.decisions import explanation_lines
from interfaces.terminal.history import origin, stamp, value_text

UNCUT = 10_000
"""Columns of a line that is not cut: the screen wraps it."""
_HEAD = frozenset({"originator_id", "originator_version", "timestamp", "metadata"})


def details(session: Session) -> Iterator[str]:
    """Every event of the selected line with all its fields, then the whole state."""
    for entry in session.events():
        yield from _event(entry)
        yield ""
    state = session.state()
    if state is not None:
        yield f"{state.kind} {state.aggregate_id}, version {state.version} (* changed by the event)"
        yield from (line.plain for line in state_lines(state, UNCUT))


def _event(entry: Entry) -> Iterator[str]:
    one = timeline_entry(entry)
    who = f"{one.who} ({one.who_kind})" if one.who else "-"
    yield one_line(f"{one.position}  {stamp(one.at)} UTC  {one.topic}  v{one.version}")
    yield one_line(f"  {who}: {one.what}")
    if origin(one):
        yield one_line(f"  {origin(one)}")
    if isinstance(entry, MalformedEntry):
        return
    for name, value in vars(entry.event).items():
        if name not in _HEAD:
            yield f"  {name}: {value_text('', json_value(value)).plain}"


def why(session: Session, records: RecordStore) -> Iterator[str]:
    """Why the selected action, or the plan of the selected event, was decided."""
    if session.selected is None:
        return
    fact = session.selected.fact
    yield one_line(fact.what)
    if fact.why:
        yield f"  {fact.state}: {one_line(fact.why)}"
    for entry in session.events():
        because = None if isinstance(entry, MalformedEntry) else timeline_entry(entry).why
        if because is not None and not fact.why:
            yield f"  {one_line(str(because))}"
    yield ""
    plan = session.plan()
    if plan is None:
        yield "No action plan belongs to this event: it has no recorded decision."
        return
    try:
        stored = plan_explanation(records, plan.originator_id, plan.explanation)
    except (NothingThen, Unavailable) as error:
        yield str(error)
        return
    places, resources = list(range(len(stored.actions))), list[Resource]()
    if fact.action is not None:
        places, resources = _of_action(plan, fact)
    _, rejected = explained(stored, resources)
    yield from map(one_line, explanation_lines(plan.originator_id, stored, places, rejected))
    if fact.action is not None and not rejected:
        yield "  No rejected alternative concerns what it acts on."


def _of_action(plan: PlanProposed, fact: Fact) -> tuple[list[int], list[Resource]]:
    """The place of an action in its plan, and what it acts on."""
    places = [
        place
        for place in range(len(plan.actions))
        if action_id(plan.originator_id, place) == fact.action
    ]
    resources = [
        Resource(str(plan.actions[place].parameters.get("resource_id"))) for place in places
    ]
    return places, resources
