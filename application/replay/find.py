"""Finds an aggregate by its id, the beginning of its id, or its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry, ReadOnlyLog, RecordedEvent
from application.ports.read_models import OpenReads
from application.replay.runs import RecordedRun, run_of_audit, run_of_plan, runs_of
from application.replay.timeline import entries
from domain.audit_templates.events import AuditTemplateChanged, AuditTemplateCreated
from domain.audits.events import AuditChanged, AuditRequested, AuditRunRequested
from domain.kernel.aggregate import Event
from domain.kernel.ids import reservation_id
from domain.plans.events import ActionAdded, PlanProposed
from domain.reservations import NAMED_KINDS
from domain.reservations.events import NameReleased

_DIGITS = 32
_LISTED = 6
"""Ids of an ambiguous beginning that are looked up; one less is shown."""
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


def find(log: ReadOnlyLog, word: str, reads: OpenReads = lambda: None) -> Subject:
    """The aggregate with an id, the beginning of an id, or a name.

    The id of an action finds its plan, that of a run its audit. A name finds its present owner, or
    else the last one that had it.

    Args:
        log: the event log.
        word: of the user.
        reads: find actions and runs by an index; without them the whole log is searched.

    Raises:
        SubjectNotFound: there is none.
        AmbiguousSubject: several ids begin so.
    """
    try:
        exact = UUID(word)
    except ValueError:
        exact = None
    if exact is not None and log.version(exact):
        return Subject(exact)
    owner = None if exact is not None else _owner(log, word)
    if owner is not None:
        return Subject(owner)
    start = _start(word)
    found = [] if start is None else _indexed(log, reads, start)
    if not found:
        return _search(log, word)
    return _only(word, found)


def first_position(log: ReadOnlyLog, subject: Subject) -> int:
    """The position of the first event of an aggregate, or of the run or action in it."""
    inner = subject.run or subject.action
    found = log.history(subject.aggregate_id, 0, None if inner else 1)
    names = "run_id", "action_id"
    own = (one for one in found if inner in {_field(one, name) for name in names})
    return (next(own, found[0]) if inner else found[0]).position


def _field(entry: Entry, name: str) -> object:
    return getattr(entry.event, name, None) if isinstance(entry, RecordedEvent) else None


def _start(word: str) -> str | None:
    """The digits of the beginning of an id; None if the word is none."""
    digits = word.replace("-", "").casefold()
    is_start = SHORTEST <= len(digits) <= _DIGITS and set(digits) <= set("0123456789abcdef")
    return digits if is_start else None


def _indexed(log: ReadOnlyLog, reads: OpenReads, start: str) -> list[Subject]:
    """What has an id that begins so: aggregates, or else actions and runs."""
    first, last = UUID(start.ljust(_DIGITS, "0")), UUID(start.ljust(_DIGITS, "f"))
    aggregates = log.aggregates(first, last, limit=_LISTED)
    index = None if aggregates else reads()
    if index is None:
        return list(map(Subject, aggregates))
    return [Subject(one.aggregate_id, **{one.kind: one.id}) for one in index.parts(first, last)]


def _only(word: str, found: Sequence[Subject]) -> Subject:
    if len(found) > 1:
        ids = [str(one.action or one.run or one.aggregate_id) for one in found]
        some = ", ".join(ids[: _LISTED - 1]) + (", …" if len(ids) >= _LISTED else "")
        raise AmbiguousSubject(f"{word} is ambiguous: {some}")
    return found[0]


def find_runs(log: ReadOnlyLog, word: str, reads: OpenReads = lambda: None) -> list[RecordedRun]:
    """The run that a word names, or that published the plan it names, or all of an audit.

    Raises:
        SubjectNotFound: it names nothing, or something that has no runs.
        AmbiguousSubject: several ids begin so.
    """
    subject = find(log, word, reads)
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
    start = _start(word)
    found: dict[UUID, Subject] = {}
    named: Subject | None = None
    for entry in entries(log):
        if isinstance(entry, MalformedEntry):
            continue
        if start is not None:
            found.update(_parts(entry.event, start))
        if _name(entry.event) == word.casefold():
            named = Subject(entry.aggregate_id)
    if named is not None:
        return named
    if not found:
        raise SubjectNotFound(f"no aggregate in the log has the id or name {word}")
    return _only(word, list(found.values()))


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
