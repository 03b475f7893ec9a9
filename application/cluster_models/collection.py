"""Keeps models of the cloud: collects them, records what changed, says how fresh they are."""

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic

from application.cluster_models.amendment_carryover import AmendmentCarryover
from application.cluster_models.amendment_store import load_amended
from application.cluster_models.kinds import M, ModelSnapshot, ModelSource
from application.cluster_models.record import LoadedModel, encode_model
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.collected_models import CollectedModels
from application.ports.records import RecordStore
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models import ClusterModel, CompleteCollection, Counts
from domain.kernel.ids import cluster_model_id
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import Cause, Reason

log = logging.getLogger(__name__)

RETRY = 15.0
"""Seconds before another attempt after a failed collection, if the period is not shorter."""


@dataclass(frozen=True)
class Kept(Generic[M]):
    """A model of the whole cloud.

    Attributes:
        model: what a complete collection showed, and notifications told since.
        problems: what could not be used.
        digest: of the record that holds both, or that names those that do.
        age: seconds since that collection began.
        collected_at: when it began (UTC, by this process's clock).
    """

    model: M
    problems: tuple[Cause, ...]
    digest: str
    age: float
    collected_at: datetime


class ModelCollector(Generic[M]):
    """The kept model of one kind of one cloud. Any number of keepers may work at once.

    Two that see the same cloud store the same record, and the log lets one of them record a
    change. A collection that began before the latest known one began is never recorded over it.

    Args:
        source: reads the cloud, whole or not at all; knows what is peculiar to the kind.
        commands: appends what changed.
        records: holds models.
        kept: how fresh the kept model is, and which one it is.
        clock: measures.
        cloud: the cloud's name in the settings.
        metadata: who says so.
    """

    def __init__(
        self,
        source: ModelSource[M],
        commands: Commands,
        records: RecordStore,
        kept: CollectedModels,
        clock: Clock,
        *,
        cloud: str,
        metadata: Metadata,
    ) -> None:
        self._source = source
        self._kind = source.kind
        self._commands = commands
        self._records = records
        self._kept = kept
        self._clock = clock
        self._cloud = cloud
        self._metadata = metadata
        self._carrier = AmendmentCarryover(source.kind, records)
        self._id = cluster_model_id(cloud, self._kind.name)
        self._one_at_a_time = threading.Lock()
        self._loaded: LoadedModel[M] | None = None

    @property
    def kind(self) -> ModelKind:
        """What kind of model it keeps."""
        return self._kind.name

    def age(self) -> float | None:
        """Seconds since the latest complete collection began, anybody's; None without one."""
        found = self._kept.confirmation(self._id)
        return None if found is None else found.age

    def latest(self, max_age: float = float("inf")) -> Kept[M] | None:
        """The kept model, None if there is none younger than that (or it cannot be read)."""
        found = self._kept.confirmation(self._id)
        if found is None or found.age >= max_age:
            return None
        loaded = self._load(self._kept.current(self._id, found)) or self._load(found.digest)
        return None if loaded is None else self._as_kept(loaded, found.age)

    def within(self, max_age: float) -> Kept[M]:
        """A model that is younger than that: the kept one, or a new one.

        Raises:
            CloudUnreachable, CloudRefused: a new one is needed and cannot be had.
        """
        young = self.latest(max_age)
        if young is not None:
            return young
        with self._one_at_a_time:  # who waited here finds what the other one collected
            return self.latest(max_age) or self.collect()

    def collect(self) -> Kept[M]:
        """Reads the cloud now, and records what that shows.

        Raises:
            CloudUnreachable, CloudRefused: it cannot be read; that is recorded, and the kept model
                stays what it was.
        """
        began = self._clock.monotonic()
        try:
            snapshot = self._source.collect()
        except Exception as failure:
            self._note(failure, began)
            raise
        digest = self._records.put(encode_model(self._kind, snapshot.model, snapshot.problems))
        elapsed = self._clock.monotonic() - began
        current = digest
        if not self._overtaken(elapsed):
            current = self._record(snapshot, digest, elapsed)
            self._kept.confirm(self._id, digest, self._clock.monotonic() - began)
        collected = LoadedModel(digest, snapshot.model, snapshot.problems)
        if current == digest:
            self._loaded = collected
        loaded = self._load(current) or collected
        return self._as_kept(loaded, self._clock.monotonic() - began)

    # -- recording -------------------------------------------------------------------------------

    def _overtaken(self, elapsed: float) -> bool:
        age = self.age()
        return age is not None and age < elapsed

    def _record(self, snapshot: ModelSnapshot[M], digest: str, elapsed: float) -> str:
        """Returns the digest of the model as it is now."""
        if self._known(digest):
            return digest

        def decide(transaction: Transaction, ctx: Context) -> str:
            kept = self._find(transaction, ctx)
            before = self._carrier.before(transaction, kept)
            collection = CompleteCollection(
                digest=digest,
                sizes=self._kind.sizes(snapshot.model),
                calls=snapshot.calls,
                seconds=elapsed,
                problems=snapshot.problems,
                changes=None if before == digest else self._changes(before, snapshot.model),
            )
            return self._carrier.take_in(transaction, ctx, kept, collection, snapshot.model)

        return self._commands.run(self._metadata, decide).value

    def _known(self, digest: str) -> bool:
        """Whether the read models say that all is well and this is the model.

        They may be a moment behind the log: then it is asked, or the next collection puts it right.
        """
        state = self._kept.state(self._id)
        if state is None or state.failure is not None or state.position is None:
            return False
        version = self._kept.version(state.position)
        return version is not None and version.digest == digest

    def _note(self, failure: Exception, began: float) -> None:
        if self._overtaken(self._clock.monotonic() - began):
            log.warning("this process cannot read the cloud, another one can: %s", failure)
            return
        because = _because(failure)
        self._commands.run(self._metadata, lambda tx, ctx: self._find(tx, ctx).fail(ctx, because))

    def _find(self, transaction: Transaction, ctx: Context) -> ClusterModel:
        found = transaction.find(ClusterModel, self._id)
        if found is None:
            found = ClusterModel.open(ctx, self._cloud, self._kind.name.value)
            transaction.add(found)
        return found

    def _changes(self, before: str | None, model: M) -> Counts | None:
        if before is None:
            return self._kind.changes(None, model)
        loaded = self._load(before)
        return None if loaded is None else self._kind.changes(loaded.model, model)

    # -- reading back ----------------------------------------------------------------------------

    def _load(self, digest: str) -> LoadedModel[M] | None:
        known = self._loaded
        if known is None or known.digest != digest:
            known = load_amended(self._records, self._kind, digest)
            if known is not None:
                self._loaded = known
        return known

    def _as_kept(self, loaded: LoadedModel[M], age: float) -> Kept[M]:
        at = self._clock.now() - timedelta(seconds=age)
        return Kept(loaded.model, loaded.problems, loaded.digest, age, at)


@dataclass(frozen=True)
class ModelCollectors:
    """The kept models of a cloud; None for a kind that is not kept."""

    compute: ModelCollector[ComputeModel]
    storage: ModelCollector[StorageModel] | None = None
    baremetal: ModelCollector[BaremetalModel] | None = None

    def __iter__(self) -> Iterator[ModelCollector[Any]]:
        return (one for one in (self.compute, self.storage, self.baremetal) if one is not None)


def collect_all(
    keepers: ModelCollectors, periods: Mapping[ModelKind, float], stop: threading.Event
) -> None:
    """Keeps every model fresh until told to stop; none of them waits for another."""
    threads = [
        threading.Thread(
            target=CollectionJob(keeper, period=periods[keeper.kind]).run,
            args=(stop,),
            name=f"collector {keeper.kind}",
        )
        for keeper in keepers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class CollectionJob:
    """Keeps a model fresh, at intervals. Collectors share the work without knowing each other.

    Args:
        keeper: collects.
        period: seconds from the beginning of one collection to that of the next, whoever does it.
    """

    def __init__(self, keeper: ModelCollector[Any], *, period: float) -> None:
        self._keeper = keeper
        self._period = period
        self._retry = min(RETRY, period)
        self._absent = False

    def run(self, stop: threading.Event) -> None:
        """Collects whenever it is due, until told to stop."""
        while not stop.is_set():
            try:
                pause = self.step()
            except Exception:
                log.exception(
                    "a collection (%s) failed, again in %.0f s", self._keeper.kind, self._retry
                )
                pause = self._retry
            stop.wait(pause)

    def step(self) -> float:
        """Collects if it is due; returns the seconds until the next look."""
        age = self._keeper.age()
        if age is not None and age < self._period:
            return self._period - age
        try:
            kept = self._keeper.collect()
        except (CloudUnreachable, CloudRefused) as failure:
            return self._put_off(failure)
        self._absent = False
        return max(0.0, self._period - kept.age)

    def _put_off(self, failure: CloudUnreachable | CloudRefused) -> float:
        """A service that the cloud does not have is looked for each period, and told of once."""
        if _is_absence(_because(failure)):
            if not self._absent:
                log.info("no %s model is kept: %s", self._keeper.kind, failure)
            self._absent = True
            return self._period
        log.warning(
            "the cloud (%s) cannot be read, again in %.0f s: %s",
            self._keeper.kind,
            self._retry,
            failure,
        )
        return self._retry


def _is_absence(because: Cause) -> bool:
    return because.reason is Reason.SERVICE_ABSENT


def _because(failure: Exception) -> Cause:
    if isinstance(failure, CloudRefused):
        return failure.because
    if isinstance(failure, CloudUnreachable):
        return Cause(Reason.CLOUD_UNREACHABLE, {"error": str(failure)})
    return Cause(Reason.INTERNAL_ERROR, {"error": f"{type(failure).__name__}: {failure}"})
