"""Keeps a model of the cloud: collects it, records what changed, says how fresh it is."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.model_record import COMPUTE, ModelRecord, decode_model, encode_model
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable, Collected, ComputeCollector
from application.ports.kept_models import KeptModels
from application.ports.records import Records
from application.transactions import Commands, Transaction
from domain.clouds import Changes, ClusterModel, Collection
from domain.clouds.changes import changes
from domain.cluster.compute import ComputeModel
from domain.kernel.ids import cluster_model_id
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import Because, Reason

log = logging.getLogger(__name__)

RETRY = 15.0
"""Seconds before another attempt after a failed collection, if the period is not shorter."""


@dataclass(frozen=True)
class Kept:
    """A model of the whole cloud.

    Attributes:
        model: what a complete collection showed.
        problems: what it could not use.
        digest: of the record that holds both.
        age: seconds since that collection began.
        collected_at: when it began (UTC, by this process's clock).
    """

    model: ComputeModel
    problems: tuple[Because, ...]
    digest: str
    age: float
    collected_at: datetime


class ModelKeeper:
    """The kept compute model of one cloud. Any number of keepers may work at once.

    Two that see the same cloud store the same record, and the log lets one of them record a
    change. A collection that began before the latest known one began is never recorded over it.

    Args:
        collector: reads the cloud, whole or not at all.
        commands: appends what changed.
        records: holds models.
        kept: how fresh the kept model is, and which one it is.
        clock: measures.
        cloud: the cloud's name in the settings.
        metadata: who says so.
    """

    def __init__(
        self,
        collector: ComputeCollector,
        commands: Commands,
        records: Records,
        kept: KeptModels,
        clock: Clock,
        *,
        cloud: str,
        metadata: Metadata,
    ) -> None:
        self._collector = collector
        self._commands = commands
        self._records = records
        self._kept = kept
        self._clock = clock
        self._cloud = cloud
        self._metadata = metadata
        self._id = cluster_model_id(cloud, COMPUTE)
        self._one_at_a_time = threading.Lock()
        self._loaded: tuple[str, ComputeModel, tuple[Because, ...]] | None = None

    def age(self) -> float | None:
        """Seconds since the latest complete collection began, anybody's; None without one."""
        found = self._kept.confirmation(self._id)
        return None if found is None else found.age

    def latest(self, max_age: float = float("inf")) -> Kept | None:
        """The kept model, None if there is none younger than that (or it cannot be read)."""
        found = self._kept.confirmation(self._id)
        if found is None or found.age >= max_age:
            return None
        loaded = self._load(found.digest)
        if loaded is None:
            return None
        return self._as_kept(found.digest, *loaded, age=found.age)

    def within(self, max_age: float) -> Kept:
        """A model that is younger than that: the kept one, or a new one.

        Raises:
            CloudUnreachable, CloudRefused: a new one is needed and cannot be had.
        """
        young = self.latest(max_age)
        if young is not None:
            return young
        with self._one_at_a_time:  # who waited here finds what the other one collected
            return self.latest(max_age) or self.collect()

    def collect(self) -> Kept:
        """Reads the cloud now, and records what that shows.

        Raises:
            CloudUnreachable, CloudRefused: it cannot be read; that is recorded, and the kept model
                stays what it was.
        """
        began = self._clock.monotonic()
        try:
            rows = self._collector.collect()
            model, quarantined = ComputeModel.build(
                rows.hosts, rows.servers, rows.groups, rows.aggregates
            )
        except Exception as failure:
            self._note(failure, began)
            raise
        problems = (*rows.problems, *(one.because for one in quarantined))
        digest = self._records.put(encode_model(model, problems))
        elapsed = self._clock.monotonic() - began
        if not self._overtaken(elapsed):
            self._record(rows, model, problems, digest, elapsed)
            self._kept.confirm(self._id, digest, self._clock.monotonic() - began)
        self._loaded = (digest, model, problems)
        return self._as_kept(digest, model, problems, age=self._clock.monotonic() - began)

    # -- recording -------------------------------------------------------------------------------

    def _overtaken(self, elapsed: float) -> bool:
        age = self.age()
        return age is not None and age < elapsed

    def _record(
        self,
        rows: Collected,
        model: ComputeModel,
        problems: tuple[Because, ...],
        digest: str,
        elapsed: float,
    ) -> None:
        if self._known(digest):
            return

        def decide(transaction: Transaction, ctx: Context) -> None:
            kept = self._find(transaction, ctx)
            since = None if kept.digest == digest else self._changes(kept.digest, model)
            kept.take_in(
                ctx,
                Collection(
                    digest=digest,
                    hosts=len(model.hosts),
                    servers=len(model.servers) + len(model.unplaced),
                    calls=rows.calls,
                    seconds=elapsed,
                    problems=problems,
                    changes=since,
                ),
            )

        self._commands.run(self._metadata, decide)

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
            found = ClusterModel.open(ctx, self._cloud, COMPUTE)
            transaction.add(found)
        return found

    def _changes(self, before: str | None, model: ComputeModel) -> Changes | None:
        if before is None:
            return changes(None, model)
        loaded = self._load(before)
        return None if loaded is None else changes(loaded[0], model)

    # -- reading back ----------------------------------------------------------------------------

    def _load(self, digest: str) -> tuple[ComputeModel, tuple[Because, ...]] | None:
        known = self._loaded
        if known is None or known[0] != digest:
            record = load_model(self._records, digest)
            if record is None:
                return None
            known = self._loaded = (digest, record.compute(), tuple(record.problems))
        return known[1], known[2]

    def _as_kept(
        self, digest: str, model: ComputeModel, problems: tuple[Because, ...], *, age: float
    ) -> Kept:
        at = self._clock.now() - timedelta(seconds=age)
        return Kept(model, problems, digest, age, at)


def load_model(records: Records, digest: str) -> ModelRecord | None:
    """A kept model from its record; None (and a word in the log) if that is not to be had."""
    try:
        return decode_model(records.get(digest))
    except (KeyError, ValueError) as lost:
        log.warning("the record %s of a cluster model cannot be read: %s", digest, lost)
        return None


class Collector:
    """Keeps the model fresh, at intervals. Collectors share the work without knowing each other.

    Args:
        keeper: collects.
        period: seconds from the beginning of one collection to that of the next, whoever does it.
    """

    def __init__(self, keeper: ModelKeeper, *, period: float) -> None:
        self._keeper = keeper
        self._period = period
        self._retry = min(RETRY, period)

    def run(self, stop: threading.Event) -> None:
        """Collects whenever it is due, until told to stop."""
        while not stop.is_set():
            try:
                pause = self.step()
            except Exception:
                log.exception("a collection failed, again in %.0f s", self._retry)
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
            log.warning("the cloud cannot be read, again in %.0f s: %s", self._retry, failure)
            return self._retry
        return max(0.0, self._period - kept.age)


def _because(failure: Exception) -> Because:
    if isinstance(failure, CloudRefused):
        return failure.because
    if isinstance(failure, CloudUnreachable):
        return Because(Reason.CLOUD_UNREACHABLE, {"error": str(failure)})
    return Because(Reason.INTERNAL_ERROR, {"error": f"{type(failure).__name__}: {failure}"})
