"""Deletes records of cluster models that nothing refers to any more.

These records stay: records that are not of models (decisions, explanations); records that a staying
record refers to (``application.records.references``); records younger than the keep period; and
models that were current at some moment of that period. All others are deleted.

Other processes keep writing meanwhile. A record that comes into use during the pruning stays:

* *Stored again* (the cloud looks as it did in spring): ``put`` renews the record's age, and the
  statement of ``drop`` that deletes checks the age. Either the record is too young to be deleted,
  or it is deleted and ``put`` stores it anew.
* *Referred to again* (by a new decision): storing a record renews the ages of those that it refers
  to, in one transaction. Pruning deletes a record before those that it refers to; if it finds one
  in use, it keeps what that one refers to.
* *Read, but not yet referred to* (a run has the model and is still reading metrics): the model was
  current within the keep period, so it stays. A run that takes longer than the keep period (a day
  at least) would refer to a deleted record.
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

CATCH_UP_TIMEOUT = 10.0
"""Seconds within which the read models must reach the end of the log."""


class PruningRefused(Exception):
    """The read models are behind the log, so the models in use are not known."""


@dataclass(frozen=True)
class Amount:
    """A number of records and their size in bytes."""

    records: int
    size: int

    @classmethod
    def of(cls, records: Iterable[StoredRecord]) -> "Amount":
        """The sum of some records."""
        sizes = [one.size for one in records]
        return cls(len(sizes), sum(sizes))


@dataclass(frozen=True)
class Pruned:
    """The result of a pruning.

    Attributes:
        dropped: records of models that were deleted (or would be).
        needed: records of models that stay.
        others: all other records; they stay.
    """

    dropped: Amount
    needed: Amount
    others: Amount


class Pruner:
    """Finds and deletes unused records of models. Several may work at once.

    Args:
        log, read: the read models must have reached the end of the log.
        models: the collected models and their history.
        records: the records.
        clock: for the start of the keep period.
    """

    def __init__(
        self,
        log: EventLog,
        read: ReadModels,
        models: CollectedModels,
        records: RecordInventory,
        clock: Clock,
    ) -> None:
        self._log = log
        self._read = read
        self._models = models
        self._records = records
        self._clock = clock

    def preview(self, keep: timedelta) -> Pruned:
        """Returns what ``prune`` would do. Changes nothing.

        Raises: as ``prune``.
        """
        found = self._examine(keep)
        return found.result(found.unused.values())

    def prune(self, keep: timedelta) -> Pruned:
        """Deletes unused records of models.

        Args:
            keep: how long a model that nothing refers to is kept after its last use.

        Raises:
            PruningRefused: the read models are behind the log.
            StoreUnavailable, EventLogUnavailable: a database is unreachable; some records may have
                been deleted.
        """
        found = self._examine(keep)
        left = dict(found.unused)
        references = Counter(digest for one in left.values() for digest in one.refers)
        layer = [one for one in left.values() if not references[one.digest]]
        dropped: list[StoredRecord] = []
        while layer:
            digests = self._records.drop([one.digest for one in layer], _min_age(keep))
            deleted = [left.pop(one.digest) for one in layer if one.digest in digests]
            dropped += deleted
            for digest in _reachable((one.digest for one in layer), left):
                del left[digest]  # in use since, or referred to by a record that is
            freed = [digest for one in deleted for digest in one.refers]
            references.subtract(freed)
            layer = [left[one] for one in set(freed) if one in left and not references[one]]
        return found.result(dropped)

    def _examine(self, keep: timedelta) -> "_Examined":
        models: dict[str, StoredRecord] = {}
        others: list[StoredRecord] = []
        wanted = set(self._in_use(keep))
        for one in self._records.inventory():
            if not one.kind:
                others.append(one)
                wanted |= one.refers
            else:
                models[one.digest] = one
                if one.age <= _min_age(keep):
                    wanted.add(one.digest)
        needed = _reachable(wanted, models)
        unused = {digest: one for digest, one in models.items() if digest not in needed}
        return _Examined(unused, models, Amount.of(others))

    def _in_use(self, keep: timedelta) -> Iterator[str]:
        """Digests of the models that are current, were at the period's start, or last confirmed."""
        if not self._read.await_position(self._log.end(), CATCH_UP_TIMEOUT):
            raise PruningRefused(
                "the read models are behind the event log, so the models in use are not known: "
                "is a projector running?"
            )
        begin = self._clock.now() - keep
        for state in self._models.states():
            now = None if state.position is None else self._models.version(state.position)
            then = self._models.version_at(state.model_id, begin)
            confirmed = self._models.confirmation(state.model_id)
            yield from (one.digest for one in (now, then, confirmed) if one is not None)


@dataclass(frozen=True)
class _Examined:
    """Records of models.

    Attributes:
        unused: those that may be deleted, by digest.
        models: all, by digest.
        others: the records that are not of models.
    """

    unused: Mapping[str, StoredRecord]
    models: Mapping[str, StoredRecord]
    others: Amount

    def result(self, dropped: Iterable[StoredRecord]) -> Pruned:
        """The result if these are deleted."""
        deleted = {one.digest: one for one in dropped}
        rest = (one for digest, one in self.models.items() if digest not in deleted)
        return Pruned(Amount.of(deleted.values()), Amount.of(rest), self.others)


def _min_age(keep: timedelta) -> float:
    """Seconds; a record may be younger by RENEWAL than its age says."""
    return keep.total_seconds() + RENEWAL


def _reachable(start: Iterable[str], records: Mapping[str, StoredRecord]) -> set[str]:
    """The records that ``start`` refers to, directly or through other records."""
    found: set[str] = set()
    todo = [digest for digest in start if digest in records]
    while todo:
        digest = todo.pop()
        if digest not in found:
            found.add(digest)
            todo.extend(one for one in records[digest].refers if one in records)
    return found
