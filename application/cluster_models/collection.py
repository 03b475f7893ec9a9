"""Collects models of the cloud, records what changed, and returns the latest model and its age."""

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic

from application.cluster_models.amendment_carryover import AmendmentCarryover
from application.cluster_models.amendment_store import load_amended
from application.cluster_models.kinds import CollectedKind, M
from application.cluster_models.record import CollectedModel, CurrentModel, encode_model
from application.kernel.periodic import PeriodicJob
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.cloud import CloudCollector, CloudRefused, CloudUnreachable, cause_of
from application.ports.collected_models import CollectedModels
from application.ports.records import RecordStore
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models import ClusterModel, CompleteCollection, Counts
from domain.kernel.ids import cluster_model_id
from domain.kernel.metadata import Context, Metadata

log = logging.getLogger(__name__)

RETRY = 15.0
"""Seconds between a failed collection and the next attempt, unless the period is shorter."""


class ModelCollector(Generic[M]):
    """Collects the model of one kind of one cloud. Any number of collectors may run at once.

    Two collectors that see the same cloud store the same record, and only one of them records the
    change. A collection is not recorded if another one that began later has been confirmed.

    Args:
        kind: of the model.
        source: reads the cloud.
        commands: appends events.
        records: stores models.
        collected: the latest confirmation and the versions of models.
        clock: measures durations.
        cloud: name of the cloud in the settings.
        metadata: of the appended events.
    """

    def __init__(
        self,
        kind: CollectedKind[M],
        source: CloudCollector[Any],
        commands: Commands,
        records: RecordStore,
        collected: CollectedModels,
        clock: Clock,
        *,
        cloud: str,
        metadata: Metadata,
    ) -> None:
        self._kind = kind
        self._source = source
        self._commands = commands
        self._records = records
        self._collected = collected
        self._clock = clock
        self._cloud = cloud
        self._metadata = metadata
        self._carryover = AmendmentCarryover(kind, records)
        self._id = cluster_model_id(cloud, kind.name)
        self._lock = threading.Lock()
        self._loaded: CollectedModel[M] | None = None

    @property
    def kind(self) -> ModelKind:
        """The kind of model."""
        return self._kind.name

    def age(self) -> float | None:
        """Seconds since the latest complete collection of any process began; None without one."""
        found = self._collected.confirmation(self._id)
        return None if found is None else found.age

    def latest(self, max_age: float = float("inf")) -> CurrentModel[M] | None:
        """The latest model; None if it is missing, unreadable, or not younger than ``max_age``."""
        found = self._collected.confirmation(self._id)
        if found is None or found.age >= max_age:
            return None
        loaded = self._load(self._collected.current(self._id, found)) or self._load(found.digest)
        return None if loaded is None else self._current(loaded, found.age)

    def within(self, max_age: float) -> CurrentModel[M]:
        """The latest model if it is younger than ``max_age`` (seconds), otherwise a new one.

        Raises:
            CloudUnreachable, CloudRefused: a new collection is needed and failed.
        """
        young = self.latest(max_age)
        if young is not None:
            return young
        with self._lock:  # a thread that waited here finds the model that the other one collected
            return self.latest(max_age) or self.collect()

    def collect(self) -> CurrentModel[M]:
        """Reads the cloud now and records the result.

        Raises:
            CloudUnreachable, CloudRefused: the cloud cannot be read. This is recorded; the latest
                model does not change.
        """
        began = self._clock.monotonic()
        try:
            model, problems, calls = self._kind.collect(self._source)
        except Exception as failure:
            self._record_failure(failure, began)
            raise
        digest = self._records.put(encode_model(self._kind, model, problems))
        collected = CollectedModel(model=model, digest=digest, problems=problems)
        elapsed = self._clock.monotonic() - began
        self._log_collection(collected, calls, elapsed)
        current = digest
        if not self._is_overtaken(elapsed):
            current = self._record(collected, calls, elapsed)
            self._collected.confirm(self._id, digest, self._clock.monotonic() - began)
        if current == digest:
            self._loaded = collected
        loaded = self._load(current) or collected
        return self._current(loaded, self._clock.monotonic() - began)

    # -- recording -------------------------------------------------------------------------------

    def _log_collection(self, collected: CollectedModel[M], calls: int, elapsed: float) -> None:
        sizes = self._kind.sizes(collected.model)
        excluded = len(collected.problems)
        log.info(
            "the %s model was collected in %.1f s with %d requests: %s%s",
            self.kind,
            elapsed,
            calls,
            ", ".join(f"{count} {name}" for name, count in sizes.items()),
            f", {excluded} problems" if excluded else "",
        )

    def _is_overtaken(self, elapsed: float) -> bool:
        """Whether a collection that began later is already confirmed."""
        age = self.age()
        return age is not None and age < elapsed

    def _record(self, collected: CollectedModel[M], calls: int, elapsed: float) -> str:
        """Returns the digest of the current model: collected, or amended."""
        if self._is_recorded(collected.digest):
            return collected.digest

        def decide(transaction: Transaction, ctx: Context) -> str:
            cluster = self._find(transaction, ctx)
            before = self._carryover.digest_before(transaction, cluster)
            collection = CompleteCollection(
                digest=collected.digest,
                sizes=self._kind.sizes(collected.model),
                calls=calls,
                seconds=elapsed,
                problems=collected.problems,
                changes=(
                    None if before == collected.digest else self._changes(before, collected.model)
                ),
            )
            return self._carryover.record(transaction, ctx, cluster, collection, collected.model)

        return self._commands.run(self._metadata, decide).value

    def _is_recorded(self, digest: str) -> bool:
        """Whether the read models show this version, and no failure.

        If they lag behind the log, the log decides, or the next collection corrects them.
        """
        state = self._collected.state(self._id)
        if state is None or state.failure is not None or state.position is None:
            return False
        version = self._collected.version(state.position)
        return version is not None and version.digest == digest

    def _record_failure(self, failure: Exception, began: float) -> None:
        if self._is_overtaken(self._clock.monotonic() - began):
            log.warning("this process cannot read the cloud, another process can: %s", failure)
            return
        because = cause_of(failure)
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

    def _load(self, digest: str) -> CollectedModel[M] | None:
        loaded = self._loaded
        if loaded is None or loaded.digest != digest:
            loaded = load_amended(self._records, self._kind, digest)
            if loaded is not None:
                self._loaded = loaded
        return loaded

    def _current(self, loaded: CollectedModel[M], age: float) -> CurrentModel[M]:
        return CurrentModel(
            model=loaded.model,
            digest=loaded.digest,
            problems=loaded.problems,
            age=age,
            collected_at=self._clock.now() - timedelta(seconds=age),
        )


@dataclass(frozen=True)
class ModelCollectors:
    """The collectors of a cloud's models; None for a kind that is not collected."""

    compute: ModelCollector[ComputeModel]
    storage: ModelCollector[StorageModel] | None = None
    baremetal: ModelCollector[BaremetalModel] | None = None

    def __iter__(self) -> Iterator[ModelCollector[Any]]:
        return (one for one in (self.compute, self.storage, self.baremetal) if one is not None)


def collect_all(
    collectors: ModelCollectors,
    periods: Mapping[ModelKind, float],
    clock: Clock,
    stop: threading.Event,
) -> None:
    """Runs a collection job for each kind, on a thread of its own, until ``stop`` is set."""
    threads = [
        threading.Thread(
            target=CollectionJob(collector, clock, period=periods[collector.kind]).run,
            args=(stop,),
            name=f"collector {collector.kind}",
        )
        for collector in collectors
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class CollectionJob:
    """Collects a model periodically. Several processes share the work without a leader.

    Args:
        collector: of the model.
        clock: measures how long the database is unreachable.
        period: seconds from the start of one collection to the next, of all processes together.
    """

    def __init__(self, collector: ModelCollector[Any], clock: Clock, *, period: float) -> None:
        self._collector = collector
        self._period = period
        self._retry = min(RETRY, period)
        self._is_absent = False
        self._job = PeriodicJob(
            log,
            f"collecting the {collector.kind} model failed",
            self.step,
            interval=self._retry,
            clock=clock,
        )

    def run(self, stop: threading.Event) -> None:
        """Collects when due, until ``stop`` is set."""
        self._job.run(stop)

    def step(self) -> float:
        """Collects if due; returns the seconds until the next check."""
        age = self._collector.age()
        if age is not None and age < self._period:
            return self._period - age
        try:
            current = self._collector.collect()
        except (CloudUnreachable, CloudRefused) as failure:
            return self._log_failure(failure)
        self._is_absent = False
        return max(0.0, self._period - current.age)

    def _log_failure(self, failure: CloudUnreachable | CloudRefused) -> float:
        """Logs a failure; an absent service only once. Returns the pause in seconds."""
        if isinstance(failure, CloudRefused) and failure.is_service_absent:
            if not self._is_absent:
                log.info("no %s model is collected: %s", self._collector.kind, failure)
            self._is_absent = True
            return self._period
        log.warning(
            "the %s model cannot be collected, retrying in %.0f s: %s",
            self._collector.kind,
            self._retry,
            failure,
        )
        return self._retry
