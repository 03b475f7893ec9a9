"""Finds an aggregate by its id, the beginning of its id, or its name."""

from dataclasses import dataclass
from uuid import UUID

from application.ports.event_log import MalformedEntry, ReadOnlyLog, RecordedEvent
from application.replay.runs import RecordedRun, run_of_audit, run_of_plan, runs_of
from application.replay.timeline import entries
from domain.audit_templates.events import AuditTemplateChanged, AuditTemplateCreated
from domain.audits.events import AuditChanged, AuditRequested, AuditRunRequested
from domain.kernel.aggregate import Event
from domain.kernel.ids import reservation_id
from domain.plans.events import ActionAdded, PlanProposed
from domain.reservations import NAMED_KINDS
from domain.reservations.events import NameReleased

SHORTEST = 4
"""Minimum number of characters of the beginning of an id."""


class SubjectNotFound(LookupError):
    """No aggregate has this id or name."""


class AmbiguousSubject(LookupError):
    """Several aggregates have an id that begins so."""


@dataclass(frozen=True)
class Subject:
    """The aggregate that was found.

    Attributes:
        action: the action inside the plan, if its id was given.
        run: the run of the audit, if its id was given.
    """

    aggregate_id: UUID
    action: UUID | None = None
    run: UUID | None = None


def find(log: ReadOnlyLog, word: str) -> Subject:
    """The aggregate with an id, the beginning of an id, or a name.

    The id of an action finds its plan, that of a run its audit. A name finds its present owner, or
    else the last one that had it.

    Raises:
        SubjectNotFound: there is none.
        AmbiguousSubject: several ids begin so.
    """
    try:
        exact = UUID(word)
    except ValueError:
        exact = None
    if exact is not None and log.history(exact):
        return Subject(exact)
    owner = None if exact is not None else _owner(log, word)
    if owner is not None:
        return Subject(owner)
    return _search(log, word)


def find_runs(log: ReadOnlyLog, word: str) -> list[RecordedRun]:
    """The run that a word names, or that published the plan it names, or all of an audit.

    Raises:
        SubjectNotFound: it names nothing, or something that has no runs.
        AmbiguousSubject: several ids begin so.
    """
    subject = find(log, word)
    if subject.run is not None:
        found = run_of_audit(log, subject.aggregate_id, subject.run)
    else:
        found = run_of_plan(log, subject.aggregate_id)
    if found is not None:
        return [found]
    runs = runs_of(log, subject.aggregate_id)
    if not runs:
        raise SubjectNotFound(f"{word} is no action plan and no audit with runs")
    return runs


def _owner(log: ReadOnlyLog, name: str) -> UUID | None:
    """The present owner of a name."""
    for kind in NAMED_KINDS:
        events = [
            one.event
            for one in log.history(reservation_id(kind, name))
            if isinstance(one, RecordedEvent)
        ]
        if events and not isinstance(events[-1], NameReleased):
            owner = getattr(events[-1], "owner", None)
            if isinstance(owner, UUID):
                return owner
    return None


def _search(log: ReadOnlyLog, word: str) -> Subject:
    """Searches the whole log."""
    start = word.replace("-", "").casefold()
    by_id = len(start) >= SHORTEST and all(letter in "0123456789abcdef" for letter in start)
    found: dict[UUID, Subject] = {}
    named: Subject | None = None
    for entry in entries(log):
        if by_id and entry.aggregate_id.hex.startswith(start):
            found.setdefault(entry.aggregate_id, Subject(entry.aggregate_id))
        if isinstance(entry, MalformedEntry):
            continue
        if by_id:
            found.update(_parts(entry.event, start))
        if _name(entry.event) == word.casefold():
            named = Subject(entry.aggregate_id)
    if named is not None:
        return named
    if len(found) > 1:
        some = ", ".join(str(one) for one in list(found)[:5])
        raise AmbiguousSubject(f"{word} is ambiguous: {some}{', …' if len(found) > 5 else ''}")  # noqa: PLR2004
    if not found:
        raise SubjectNotFound(f"no aggregate in the log has the id or name {word}")
    return next(iter(found.values()))


def _parts(event: Event, start: str) -> dict[UUID, Subject]:
    """The runs and actions that an event creates and whose id begins so."""
    if isinstance(event, AuditRunRequested) and event.run_id.hex.startswith(start):
        return {event.run_id: Subject(event.originator_id, run=event.run_id)}
    if isinstance(event, PlanProposed):
        return {
            one.id: Subject(event.originator_id, action=one.id)
            for one in event.actions
            if one.id.hex.startswith(start)
        }
    if isinstance(event, ActionAdded) and event.action_id.hex.startswith(start):
        return {event.action_id: Subject(event.originator_id, action=event.action_id)}
    return {}


def _name(event: Event) -> str | None:
    if isinstance(event, AuditRequested | AuditTemplateCreated):
        return event.name.casefold()
    if isinstance(event, AuditChanged | AuditTemplateChanged):
        name = event.changes.get("name")
        return name.casefold() if isinstance(name, str) else None
    return None
