"""Collects models of the cloud, records what changed, and returns the latest model and its age."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic

from application.cluster_models.amendment_carryover import AmendmentCarryover
from application.cluster_models.amendment_store import load_amended
from application.cluster_models.kinds import CollectedKind, M
from application.cluster_models.record import CollectedModel, CurrentModel, encode_model
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.cloud import CloudCollector, cause_of
from application.ports.collected_models import CollectedModels, Confirmation
from application.ports.records import RecordStore
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models import ClusterModel, CompleteCollection, Counts
from domain.kernel.ids import cluster_model_id
from domain.kernel.metadata import Context, Metadata

log = logging.getLogger(__name__)

ON_ITS_WAY = 30.0
"""Seconds for which a notification of a change may be on its way."""


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

    def confirmation(self) -> Confirmation | None:
        """The latest complete collection of any process, and what was told since."""
        return self._collected.confirmation(self._id)

    def latest(
        self, max_age: float = float("inf"), effect_age: float = float("inf")
    ) -> CurrentModel[M] | None:
        """The latest model; None if it is missing, unreadable or too old.

        Args:
            max_age: it is younger than that (seconds), by a collection or by what was told since.
            effect_age: seconds since Vigil's own latest effect on it, which a collection must have
                seen: a message about it may still be on its way.
        """
        found = self.confirmation()
        if found is None or found.age >= max_age or found.collected_age >= effect_age:
            return None
        loaded = self._load(self._collected.current(self._id, found))
        if loaded is not None:
            return self._current(loaded, found.age, found.collected_age)
        loaded = self._load(found.digest)  # without what was told
        if loaded is None or found.collected_age >= max_age:
            return None
        return self._current(loaded, found.collected_age, found.collected_age)

    def within(self, max_age: float, effect_age: float = float("inf")) -> CurrentModel[M]:
        """The latest model if it is young enough (see ``latest``), otherwise a new one.

        Raises:
            CloudUnreachable, CloudRefused: a new collection is needed and failed.
        """
        young = self.latest(max_age, effect_age)
        if young is not None:
            return young
        with self._lock:  # a thread that waited here finds the model that the other one collected
            return self.latest(max_age, effect_age) or self.collect()

    def collect(self) -> CurrentModel[M]:
        """Reads the cloud now and records the result.

        Raises:
            CloudUnreachable, CloudRefused: the cloud cannot be read. This is recorded; the latest
                model does not change.
        """
        began = self._clock.monotonic()
        try:
            model, problems, rows = self._kind.collect(self._source)
        except Exception as failure:
            self._record_failure(failure, began)
            raise
        digest = self._records.put(encode_model(self._kind, model, problems))
        collected = CollectedModel(model=model, digest=digest, problems=problems)
        elapsed = self._clock.monotonic() - began
        self._log_collection(collected, rows.calls, elapsed)
        if self._is_overtaken(elapsed):
            self._loaded = loaded = collected
        else:
            known, current = self._record(collected, rows.calls, elapsed)
            if current == digest:
                self._loaded = collected
            loaded = self._load(current) or collected
            self._collected.confirm(
                self._id,
                digest,
                self._clock.monotonic() - began,
                whole_age=rows.whole_age,
                doubtful=self._is_untold(known, loaded.model, elapsed),
            )
        age = self._clock.monotonic() - began
        return self._current(loaded, age, age)

    def has_unreported_change(self) -> bool:
        """Asks the cloud for what no notification reports, as far as that takes a request.

        Raises:
            CloudUnreachable, CloudRefused: it cannot be asked.
        """
        latest = self.latest()
        return latest is None or self._kind.has_unreported_change(self._source, latest.model)

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
        found = self.confirmation()
        return found is not None and found.collected_age < elapsed

    def _record(
        self, collected: CollectedModel[M], calls: int, elapsed: float
    ) -> tuple[M | None, str]:
        """Returns the model that was known before, and the digest of the current one."""
        if self._is_recorded(collected.digest):
            return collected.model, collected.digest

        def decide(transaction: Transaction, ctx: Context) -> tuple[M | None, str]:
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
            known = None if before is None else self._load(before)
            current = self._carryover.record(transaction, ctx, cluster, collection, collected.model)
            return None if known is None else known.model, current

        return self._commands.run(self._metadata, decide).value

    def _is_untold(self, known: M | None, model: M, elapsed: float) -> bool:
        """Whether there was a change that a listener, if there is one, should have recorded."""
        if known is None or known is model:
            return False
        since = (self._clock.now() - timedelta(seconds=elapsed + ON_ITS_WAY)).timestamp()
        untold = self._kind.untold(known, model, since)
        if untold:
            log.info("the %s model had changes that were not told: %s", self.kind, untold)
        return bool(untold)

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

    def _current(
        self, loaded: CollectedModel[M], age: float, collected_age: float
    ) -> CurrentModel[M]:
        return CurrentModel(
            model=loaded.model,
            digest=loaded.digest,
            problems=loaded.problems,
            age=age,
            collected_at=self._clock.now() - timedelta(seconds=collected_age),
        )


@dataclass(frozen=True)
class ModelCollectors:
    """The collectors of a cloud's models; None for a kind that is not collected."""

    compute: ModelCollector[ComputeModel]
    storage: ModelCollector[StorageModel] | None = None
    baremetal: ModelCollector[BaremetalModel] | None = None

    def __iter__(self) -> Iterator[ModelCollector[Any]]:
        return (one for one in (self.compute, self.storage, self.baremetal) if one is not None)
