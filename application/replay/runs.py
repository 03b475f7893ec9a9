"""The runs of audits as the log recorded them; a return plan is a run of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry, ReadOnlyLog, RecordedEvent
from application.replay.timeline import entries
from domain.audits.events import (
    AuditInputsRecorded,
    AuditRunFailed,
    AuditRunRequested,
    AuditRunSucceeded,
)
from domain.kernel.ids import plan_id
from domain.kernel.reasons import Cause
from domain.plans.events import PlanProposed

TOPICS = tuple(
    event.TOPIC
    for event in (
        AuditRunRequested,
        AuditInputsRecorded,
        AuditRunSucceeded,
        AuditRunFailed,
        PlanProposed,
    )
)


@dataclass(frozen=True)
class RecordedRun:
    """A run.

    Attributes:
        position: of the event that requested it.
        record: digest of its decision record; None if it recorded no inputs.
        plan: that it published.
        failure: why it published none.
    """

    run: UUID
    audit: UUID
    position: int = 0
    record: str | None = None
    plan: UUID | None = None
    failure: Cause | None = None

    @property
    def ended(self) -> bool:
        """Whether it published a plan or failed."""
        return self.plan is not None or self.failure is not None


def every_run(log: ReadOnlyLog) -> Iterator[RecordedRun]:
    """All runs of the log that have ended, in the order of their ends; then the others."""
    return _runs(entries(log, topics=TOPICS))


def runs_of(log: ReadOnlyLog, audit: UUID) -> list[RecordedRun]:
    """The runs of an audit, as ``every_run``."""
    return list(_runs(log.history(audit)))


def run_of_plan(log: ReadOnlyLog, plan: UUID) -> RecordedRun | None:
    """The run that published a plan; None if there is no such plan."""
    event = proposed(log, plan)
    if event is None:
        return None
    return _published(event)


def run_of_audit(log: ReadOnlyLog, audit: UUID, run: UUID) -> RecordedRun | None:
    """A run of an audit."""
    found = run_of_plan(log, plan_id(audit, run))
    if found is not None:
        return found
    return next((one for one in runs_of(log, audit) if one.run == run), None)


def proposed(log: ReadOnlyLog, plan: UUID) -> PlanProposed | None:
    """The event with which a plan was published."""
    for entry in log.history(plan, 0, 1):
        if isinstance(entry, RecordedEvent) and isinstance(entry.event, PlanProposed):
            return entry.event
    return None


def is_of_run(entry: Entry, run: UUID) -> bool:
    """Whether an entry is an event of a run."""
    return not isinstance(entry, MalformedEntry) and entry.event.metadata.correlation_id == run


def _published(event: PlanProposed, position: int = 0) -> RecordedRun:
    record, plan = event.record or None, event.originator_id
    return RecordedRun(event.run_id, event.audit_id, position, record, plan)


def _runs(found: Iterable[Entry]) -> Iterator[RecordedRun]:
    running: dict[UUID, RecordedRun] = {}
    for entry in found:
        if not isinstance(entry, RecordedEvent):
            continue
        event = entry.event
        match event:
            case AuditRunRequested():
                run = RecordedRun(event.run_id, event.originator_id, entry.position)
            case AuditInputsRecorded():
                run = replace(_of(running, event), record=event.digest)
            case AuditRunSucceeded():
                run = replace(_of(running, event), plan=event.plan_id)
            case AuditRunFailed():
                run = replace(_of(running, event), failure=event.because)
            case PlanProposed() if event.undoes is not None:
                run = _published(event, entry.position)
            case _:
                continue
        if run.ended:
            running.pop(run.run, None)
            yield run
        else:
            running[run.run] = run
    yield from running.values()


def _of(
    running: dict[UUID, RecordedRun],
    event: AuditInputsRecorded | AuditRunSucceeded | AuditRunFailed,
) -> RecordedRun:
    return running.get(event.run_id) or RecordedRun(event.run_id, event.originator_id)
