"""Drops records of cluster models that nothing needs any more.

A record stays if anything that stays refers to it (``application.records.references`` tells what a
record refers to), if it is no record of a model, if it is younger than a keep period, or if a kept
model was as it says at some moment of that period. All others go.

Roles go on writing meanwhile. What keeps a record that comes into use while it is being judged:

* *Stored again* (the cloud looks once more as it did in spring): ``put`` renews the record's age,
  and ``drop`` looks at the age in the statement that deletes. Whichever comes first, either the
  record is too young to be deleted, or it is gone and ``put`` stores it anew.
* *Referred to anew* (a decision that used it is recorded): storing a record renews the ages of
  those that it refers to, in one transaction. Records go before those that they refer to; where one
  turns out to have come into use, those behind it stay, too.
* *Read, and not yet referred to* (a run has taken the model and is still fetching metrics): the
  model was the present one within the keep period, so it stays. A run that takes longer than the
  whole period, which is a day at least, would refer to a record that is gone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from application.ports.clock import Clock
from application.ports.collected_models import CollectedModels
from application.ports.event_log import EventLog
from application.ports.read_models import ReadModels
from application.ports.records import RENEWAL, RecordInventory, StoredRecord

PATIENCE = 10.0
"""Seconds within which the read models must reach the end of the log."""


class PruningRefused(Exception):
    """The read models are behind the log: which models are in use cannot be told."""


@dataclass(frozen=True)
class Amount:
    """How many records, and what they take, in bytes."""

    records: int
    size: int

    @classmethod
    def of(cls, records: Iterable[StoredRecord]) -> "Amount":
        """How much some records are."""
        sizes = [one.size for one in records]
        return cls(len(sizes), sum(sizes))


@dataclass(frozen=True)
class Pruned:
    """What was found.

    Attributes:
        dropped: records of models that went (or would go).
        needed: records of models that stay.
        others: all other records; they stay.
    """

    dropped: Amount
    needed: Amount
    others: Amount


class Pruner:
    """Finds and drops what nothing needs. Any number may work at once, beside all roles.

    Args:
        log: where it ends, the read models must be.
        read: the read models.
        kept: which models there are, and what they were.
        records: the records.
        clock: tells when the keep period began.
    """

    def __init__(
        self,
        log: EventLog,
        read: ReadModels,
        kept: CollectedModels,
        records: RecordInventory,
        clock: Clock,
    ) -> None:
        self._log = log
        self._read = read
        self._kept = kept
        self._records = records
        self._clock = clock

    def look(self, keep: timedelta) -> Pruned:
        """What ``prune`` would do. Changes nothing.

        Raises: as ``prune``.
        """
        judged = self._judge(keep)
        return judged.outcome(judged.old.values())

    def prune(self, keep: timedelta) -> Pruned:
        """Drops what nothing needs.

        Args:
            keep: for how long a model that nothing refers to is kept after its last use.

        Raises:
            PruningRefused: the read models are behind the log.
            StoreUnavailable, EventLogUnavailable: a database cannot be reached; some records may
                have been dropped.
        """
        judged = self._judge(keep)
        left = dict(judged.old)
        waiting = Counter(digest for one in left.values() for digest in one.refers)
        layer = [one for one in left.values() if not waiting[one.digest]]
        dropped: list[StoredRecord] = []
        while layer:
            gone = self._records.drop([one.digest for one in layer], _min_age(keep))
            went = [left.pop(one.digest) for one in layer if one.digest in gone]
            dropped += went
            for digest in _reached((one.digest for one in layer), left):
                del left[digest]  # it came into use meanwhile, or what did refers to it
            waiting.subtract(digest for one in went for digest in one.refers)
            behind = {digest for one in went for digest in one.refers}
            layer = [left[digest] for digest in behind if digest in left and not waiting[digest]]
        return judged.outcome(dropped)

    def _judge(self, keep: timedelta) -> "_Judged":
        in_use = self._in_use(keep)
        models: dict[str, StoredRecord] = {}
        others: list[StoredRecord] = []
        wanted = set(in_use)
        for one in self._records.inventory():
            if not one.kind:
                others.append(one)
                wanted |= one.refers
            else:
                models[one.digest] = one
                if one.age <= _min_age(keep):
                    wanted.add(one.digest)
        needed = _reached(wanted, models)
        old = {digest: one for digest, one in models.items() if digest not in needed}
        return _Judged(old, models, Amount.of(others))

    def _in_use(self, keep: timedelta) -> Iterator[str]:
        """What models are, what they were when the period began, and what was last confirmed."""
        if not self._read.await_position(self._log.end(), PATIENCE):
            raise PruningRefused(
                "the read models are behind the event log, so which models are in use cannot be "
                "told: is a projector running?"
            )
        begin = self._clock.now() - keep
        for state in self._kept.states():
            now = None if state.position is None else self._kept.version(state.position)
            then = self._kept.version_at(state.model_id, begin)
            confirmed = self._kept.confirmation(state.model_id)
            yield from (one.digest for one in (now, then, confirmed) if one is not None)


@dataclass(frozen=True)
class _Judged:
    """Records of models.

    Attributes:
        old: those that may go, by digest.
        models: all.
        others: what is no model's.
    """

    old: Mapping[str, StoredRecord]
    models: Mapping[str, StoredRecord]
    others: Amount

    def outcome(self, dropped: Iterable[StoredRecord]) -> Pruned:
        """The report, when these went."""
        gone = {one.digest: one for one in dropped}
        stay = (one for digest, one in self.models.items() if digest not in gone)
        return Pruned(Amount.of(gone.values()), Amount.of(stay), self.others)


def _min_age(keep: timedelta) -> float:
    """Seconds; ages are told with the inaccuracy of RENEWAL, to the safe side."""
    return keep.total_seconds() + RENEWAL


def _reached(start: Iterable[str], records: Mapping[str, StoredRecord]) -> set[str]:
    """Those of some records that are referred to by ``start``, directly or through each other."""
    found: set[str] = set()
    todo = [digest for digest in start if digest in records]
    while todo:
        digest = todo.pop()
        if digest not in found:
            found.add(digest)
            todo.extend(one for one in records[digest].refers if one in records)
    return found
