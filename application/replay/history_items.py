"""What a copy of a history consists of: events as they are stored, records, seals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from uuid import UUID

from application.kernel.paging import paged
from application.ports.event_log import ReadOnlyLog
from application.ports.records import RecordStore
from application.ports.seal import SEALS_READ, Seal, Seals, StoredEntries, StoredEntry
from application.records.references import references_of
from application.replay.find import Subject
from application.replay.runs import proposed
from domain.audits.events import AuditRunRequested
from domain.kernel.ids import plan_id


@dataclass(frozen=True)
class StoredContent:
    """A stored record. ``digest``: its SHA-256 in hex."""

    digest: str
    content: bytes


Item = StoredEntry | StoredContent | Seal


class DamagedEntry(ValueError):
    """A row of the event log is no entry: somebody changed it. The message names its position."""


def whole_history(
    entries: StoredEntries, records: RecordStore, seals: Seals | None, upto: int
) -> Iterator[Item]:
    """All events up to a position, the records that they refer to, and the seals of all of them.

    Raises:
        DamagedEntry: a row cannot be copied.
        EventLogUnavailable: the database cannot be reached.
    """
    found = takewhile(lambda one: one.position <= upto, paged(entries.entries, _position))
    yield from _with_records(found, records)
    if seals is not None:
        yield from paged(seals.page, lambda seal: seal.number, size=SEALS_READ)


def partial_history(
    entries: StoredEntries, records: RecordStore, aggregates: Iterable[UUID]
) -> Iterator[Item]:
    """The events of some aggregates, and the records that they refer to. Errors as above."""
    found = [entry for one in aggregates for entry in entries.entries_of(one)]
    yield from _with_records(sorted(found, key=_position), records)


def aggregates_about(log: ReadOnlyLog, subject: Subject) -> list[UUID]:
    """The audit and the plans that a run, a plan or an audit stands for."""
    plan = proposed(log, subject.aggregate_id)
    if plan is not None:
        return [plan.audit_id, subject.aggregate_id]
    runs = [subject.run] if subject.run is not None else _runs(log, subject.aggregate_id)
    plans = [plan_id(subject.aggregate_id, run) for run in runs]
    return [subject.aggregate_id, *(one for one in plans if log.version(one))]


def _runs(log: ReadOnlyLog, audit: UUID) -> list[UUID]:
    events = (getattr(entry, "event", None) for entry in log.history(audit))
    return [event.run_id for event in events if isinstance(event, AuditRunRequested)]


def _position(entry: StoredEntry) -> int:
    return entry.position


def _with_records(entries: Iterable[StoredEntry], records: RecordStore) -> Iterator[Item]:
    written: set[str] = set()
    for entry in entries:
        if not isinstance(entry.state, bytes):
            raise DamagedEntry(f"position {entry.position} is damaged: `vigil seal verify`")
        yield entry
        yield from _records(entry.state, records, written)


def _records(content: bytes, records: RecordStore, written: set[str]) -> Iterator[StoredContent]:
    """The records that some content refers to, and those that they refer to, each once."""
    waiting = [content]
    while waiting:
        for digest in sorted(references_of(waiting.pop()).refers - written):
            written.add(digest)
            try:
                found = records.get(digest)
            except (KeyError, ValueError):  # another hash, or a record that was pruned or damaged
                continue
            yield StoredContent(digest, found)
            waiting.append(found)
