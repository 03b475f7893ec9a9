"""Queries on collected models: the latest, past versions, and rows within a scope."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from application.cluster_models.amendment_store import load_amended
from application.cluster_models.kinds import COMPUTE, CollectedKind, M
from application.cluster_models.record import CollectedModel
from application.kernel.errors import NothingThen, Unavailable
from application.ports.collected_models import CollectedModels, ModelState, ModelVersion
from application.ports.event_log import Moment
from application.ports.read_models import ReadModels
from application.ports.records import RecordStore
from domain.cluster.formats.listing import to_list
from domain.cluster.kinds import ModelKind
from domain.cluster.scope.compute import parse_scope
from domain.cluster_models.reasons import SERVICE_ABSENT
from domain.kernel.errors import InvalidValue
from domain.kernel.ids import cluster_model_id
from domain.kernel.reasons import Cause

UNNAMED = "default"
"""Name under which models are stored if the settings name no cloud."""


@dataclass(frozen=True)
class ModelStatus:
    """The state of a collected model: a line of `vigil status`.

    Attributes:
        age: seconds since the latest complete collection began, None before the first.
        stale: the model is too old, or is missing although it should be collected.
        absent: the cloud has no such service.
        sizes: of its latest version (``hosts`` → 3), empty before the first.
        problem_count: number of records that could not be used, and of other problems.
        problems: the first of them.
        failure: why the cloud cannot be read now, None if it can.
        failing_since: when the failure began.
        version: the latest one, None before the first.
    """

    cloud: str
    kind: str
    age: float | None
    stale: bool
    absent: bool
    sizes: Mapping[str, int]
    problem_count: int
    problems: tuple[Cause, ...]
    failure: Cause | None
    failing_since: datetime | None
    version: ModelVersion | None


class ClusterModels:
    """Queries on the collected models of a cloud. Thread-safe.

    Args:
        collected: confirmations, states and versions of models.
        records: stores models.
        read: has the scopes of audits.
        cloud: name of the cloud in the settings. None: the only one that has collected models.
        stale_after: age from which a model of each kind is stale, s.
        configured: kinds that these settings collect. Another kind is shown only while it is well,
            that is, while a process with other settings collects it.
    """

    def __init__(
        self,
        collected: CollectedModels,
        records: RecordStore,
        read: ReadModels,
        *,
        cloud: str | None,
        stale_after: Mapping[ModelKind, float],
        configured: Collection[ModelKind] = tuple(ModelKind),
    ) -> None:
        self._collected = collected
        self._records = records
        self._read = read
        self._named = cloud
        self._stale_after: Mapping[str, float] = {
            kind.value: age for kind, age in stale_after.items()
        }
        self._configured = frozenset(kind.value for kind in configured)
        self._lock = threading.Lock()
        self._loaded: dict[str, CollectedModel[Any]] = {}

    @property
    def cloud(self) -> str:
        """The name of the cloud.

        Raises:
            Unavailable: there are models of several clouds, and none is named.
        """
        return self._named or self._only_cloud()

    def status(self) -> list[ModelStatus]:
        """The states of all models, by cloud and kind."""
        statuses = [self._status(state) for state in self._collected.states()]
        return [one for one in statuses if one.kind in self._configured or _is_well(one)]

    def failing(self) -> list[ModelState]:
        """The states of the configured models that cannot be collected now."""
        return [
            state
            for state in self._collected.states()
            if self._named in {None, state.cloud}
            and state.kind in self._configured
            and state.failure is not None
            and state.failure.reason != SERVICE_ABSENT
        ]

    def latest(self, kind: CollectedKind[M]) -> CollectedModel[M]:
        """The latest model, of any age, with its amendments.

        Raises:
            NothingThen: there is no model yet.
            Unavailable: its record cannot be read.
        """
        identity = self._id(kind)
        confirmed = self._collected.confirmation(identity)
        if confirmed is None:
            raise NothingThen(self._with_reason(f"No {_named(kind)} has been collected yet.", kind))
        digest = self._collected.current(identity, confirmed)
        current = self._current(self._collected.state(identity))
        position = current.position if current is not None and current.digest == digest else None
        return replace(self._load(kind, digest), age=confirmed.age, position=position)

    def at(self, kind: CollectedKind[M], moment: Moment) -> CollectedModel[M]:
        """The version of the model at a log position or at a time.

        Raises:
            NothingThen: there was none yet, or its record was pruned.
            Unavailable: its record cannot be read.
        """
        version = self._collected.version_at(self._id(kind), moment)
        if version is None:
            when = moment if isinstance(moment, int) else moment.isoformat()
            raise NothingThen(f"No {_named(kind)} had been collected at {when}.")
        return self.recorded(kind, version)

    def versions(self, kind: CollectedKind[Any]) -> list[ModelVersion]:
        """All versions of the model, in the order of the log."""
        return self._collected.versions(self._id(kind))

    def recorded(self, kind: CollectedKind[M], version: ModelVersion) -> CollectedModel[M]:
        """A version of the model.

        Raises:
            NothingThen: its record was pruned.
            Unavailable: its record cannot be read.
        """
        try:
            loaded = self._load(kind, version.digest)
        except Unavailable:
            if self._is_stored(version.digest):
                raise
            raise NothingThen(
                f"The {_named(kind)} of position {version.position} was pruned: no decision refers "
                "to it, and it is older than [vigil] model_record_days."
            ) from None
        return replace(loaded, position=version.position)

    def fresh(self, kind: CollectedKind[M]) -> CollectedModel[M]:
        """The latest model, unless it is stale.

        Raises:
            Unavailable: there is no model, or it is stale; the message has its age and the cause.
        """
        latest = self.latest(kind)
        if latest.age is not None and self._is_stale(kind.name, latest.age):
            message = f"The {_named(kind)} is stale: it was last confirmed {latest.age:.0f} s ago."
            raise Unavailable(self._with_reason(message, kind))
        return latest

    def usable(self, kind: CollectedKind[Any]) -> bool:
        """Whether there is a model, and it is not stale."""
        confirmed = self._collected.confirmation(self._id(kind))
        return confirmed is not None and not self._is_stale(kind.name, confirmed.age)

    def rows(
        self, audit: UUID | None = None, at: Moment | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """The rows of ``GET /v1/data_model``, within an audit's scope if one is given.

        Raises:
            InvalidValue: there is no such audit, or its scope is invalid.
            Unavailable: there is no usable model.
        """
        scope = parse_scope(self._scope(audit))
        found = self.fresh(COMPUTE) if at is None else self.at(COMPUTE, at)
        return to_list(found.model if audit is None else scope.apply(found.model)[0])

    def _scope(self, audit: UUID | None) -> list[Any]:
        if audit is None:
            return []
        found = self._read.audit(str(audit))
        if found is None:
            raise InvalidValue("audit_uuid", f"there is no audit {audit}")
        return found.scope

    def _id(self, kind: CollectedKind[Any]) -> UUID:
        return cluster_model_id(self.cloud, kind.name)

    def _only_cloud(self) -> str:
        clouds = sorted({state.cloud for state in self._collected.states()})
        if len(clouds) > 1:
            raise Unavailable(
                f"There are models of several clouds ({', '.join(clouds)}): "
                "name one ([vigil] cloud, --cloud)."
            )
        return clouds[0] if clouds else UNNAMED

    def _load(self, kind: CollectedKind[M], digest: str) -> CollectedModel[M]:
        with self._lock:  # concurrent requests decode a large model only once
            loaded: CollectedModel[M] | None = self._loaded.get(kind.name)
            if loaded is None or loaded.digest != digest:
                loaded = load_amended(self._records, kind, digest)
                if loaded is None:
                    raise Unavailable(f"The record {digest} of the {_named(kind)} cannot be read.")
                self._loaded[kind.name] = loaded
            return loaded

    def _is_stored(self, digest: str) -> bool:
        try:
            self._records.get(digest)
        except KeyError:
            return False
        except ValueError:
            pass  # the record is damaged, not pruned
        return True

    def _status(self, state: ModelState) -> ModelStatus:
        confirmed = self._collected.confirmation(state.model_id)
        version = self._current(state)
        absent = state.failure is not None and state.failure.reason == SERVICE_ABSENT
        age = None if confirmed is None else confirmed.age
        return ModelStatus(
            cloud=state.cloud,
            kind=state.kind,
            age=age,
            stale=not absent if age is None else self._is_stale(state.kind, age),
            absent=absent,
            sizes={} if version is None else version.sizes,
            problem_count=0 if version is None else version.problem_count,
            problems=() if version is None else version.problems,
            failure=state.failure,
            failing_since=state.failing_since,
            version=version,
        )

    def _current(self, state: ModelState | None) -> ModelVersion | None:
        if state is None or state.position is None:
            return None
        return self._collected.version(state.position)

    def _is_stale(self, kind: str, age: float) -> bool:
        return age > self._stale_after.get(kind, 0.0)

    def _with_reason(self, message: str, kind: CollectedKind[Any]) -> str:
        state = self._collected.state(self._id(kind))
        return f"{message} {state.failure}" if state is not None and state.failure else message


def _is_well(status: ModelStatus) -> bool:
    return not (status.stale or status.failure)


def _named(kind: CollectedKind[Any]) -> str:
    return "cluster model" if kind is COMPUTE else f"{kind.name} model"
