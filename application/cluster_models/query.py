"""Kept models as people and programs ask for them: now, as they were, within a scope."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic
from uuid import UUID

from application.cluster_models.amendment_store import load_amended
from application.cluster_models.kinds import COMPUTE, CollectedKind, M
from application.cluster_models.record import LoadedModel
from application.kernel.errors import NothingThen, Unavailable
from application.ports.collected_models import CollectedModels, ModelState, ModelVersion
from application.ports.read_models import ReadModels
from application.ports.records import RecordStore
from domain.cluster.formats.listing import to_list
from domain.cluster.kinds import ModelKind
from domain.cluster.scope.compute import parse_scope
from domain.kernel.errors import InvalidValue
from domain.kernel.ids import cluster_model_id
from domain.kernel.reasons import Cause, Reason

Moment = int | datetime
"""A log position, or a time (aware UTC)."""


@dataclass(frozen=True)
class ModelStatus:
    """How a kept model stands: a line of `vigil status`.

    Attributes:
        age: seconds since the latest complete collection began, None before the first.
        stale: it is older than it ought to be, or there ought to be one and is none.
        absent: the cloud has no service that such a model could be read from.
        sizes: of its latest version (``hosts`` → 3), empty before the first.
        problem_count: records that could not be used, and other remarks.
        problems: the first of them.
        failure: why the cloud cannot be read now, None if it can.
        failing_since: when that began.
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


@dataclass(frozen=True)
class QueriedModel(Generic[M]):
    """A model that was asked for.

    Attributes:
        age: seconds since it was last confirmed; None for one of the past.
        position: of the event that recorded it, None if that cannot be told yet.
    """

    model: M
    digest: str
    age: float | None
    position: int | None


class ClusterModels:
    """Queries on kept models. Any thread may call anything at any time.

    Args:
        kept: how fresh models are and which versions they had.
        records: holds them.
        read: knows the scopes of audits.
        cloud: the cloud whose models are meant.
        stale_after: age at which a model of each kind counts as stale, s.
        kept_here: kinds that are supposed to be kept. Another kind is shown while somebody keeps it
            all the same (with other settings than the viewer's), and not when nobody does any more.
    """

    def __init__(
        self,
        kept: CollectedModels,
        records: RecordStore,
        read: ReadModels,
        *,
        cloud: str,
        stale_after: Mapping[ModelKind, float],
        kept_here: Collection[ModelKind] = tuple(ModelKind),
    ) -> None:
        self._kept = kept
        self._records = records
        self._read = read
        self._cloud = cloud
        self._stale_after: Mapping[str, float] = {
            kind.value: age for kind, age in stale_after.items()
        }
        self._kept_here = frozenset(kind.value for kind in kept_here)
        self._lock = threading.Lock()
        self._loaded: dict[str, LoadedModel[Any]] = {}

    def status(self) -> list[ModelStatus]:
        """How all kept models stand, by cloud and kind."""
        every = [self._status(state) for state in self._kept.states()]
        return [one for one in every if one.kind in self._kept_here or _is_well(one)]

    def latest(self, kind: CollectedKind[M]) -> QueriedModel[M]:
        """The model as it was last confirmed, and amended since, however old.

        Raises:
            Unavailable: there is none.
        """
        identity = self._id(kind)
        confirmed = self._kept.confirmation(identity)
        if confirmed is None:
            raise Unavailable(self._with_reason(f"No {_named(kind)} has been collected yet.", kind))
        current = self._current(self._kept.state(identity))
        same = current is not None and current.base == confirmed.digest
        digest = current.digest if current is not None and same else confirmed.digest
        position = current.position if current is not None and same else None
        return QueriedModel(self._model(kind, digest), digest, confirmed.age, position)

    def at(self, kind: CollectedKind[M], moment: Moment) -> QueriedModel[M]:
        """The model as it was known at a log position or at a time.

        Raises:
            NothingThen: there was none yet, or it has been pruned.
            Unavailable: its record cannot be read.
        """
        version = self._kept.version_at(self._id(kind), moment)
        if version is None:
            when = moment if isinstance(moment, int) else moment.isoformat()
            raise NothingThen(f"No {_named(kind)} had been collected at {when}.")
        try:
            model = self._model(kind, version.digest)
        except Unavailable:
            if self._is_stored(version.digest):
                raise
            raise NothingThen(
                f"The {_named(kind)} of position {version.position} is no longer kept: no decision "
                "refers to it, and it is older than [vigil] model_record_days."
            ) from None
        return QueriedModel(model, version.digest, None, version.position)

    def fresh(self, kind: CollectedKind[M]) -> QueriedModel[M]:
        """The latest model, unless it is stale.

        Raises:
            Unavailable: there is none, or it is; the message says how old it is and why.
        """
        shown = self.latest(kind)
        if shown.age is not None and self._is_old(kind.name, shown.age):
            said = f"The {_named(kind)} is stale: it was last confirmed {shown.age:.0f} s ago."
            raise Unavailable(self._with_reason(said, kind))
        return shown

    def usable(self, kind: CollectedKind[Any]) -> bool:
        """Whether there is a model that is not stale."""
        confirmed = self._kept.confirmation(self._id(kind))
        return confirmed is not None and not self._is_old(kind.name, confirmed.age)

    def rows(
        self, audit: UUID | None = None, at: Moment | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """The flat list form (rest-api 8.2), within an audit's scope if one is given.

        Raises:
            InvalidValue: there is no such audit, or its scope is wrong.
            Unavailable: there is no usable model.
        """
        scope = parse_scope(self._scope(audit))
        shown = self.fresh(COMPUTE) if at is None else self.at(COMPUTE, at)
        return to_list(shown.model if audit is None else scope.apply(shown.model)[0])

    def _scope(self, audit: UUID | None) -> list[Any]:
        if audit is None:
            return []
        found = self._read.audit(str(audit))
        if found is None:
            raise InvalidValue("audit_uuid", f"there is no audit {audit}")
        return found.scope

    def _id(self, kind: CollectedKind[Any]) -> UUID:
        return cluster_model_id(self._cloud, kind.name)

    def _model(self, kind: CollectedKind[M], digest: str) -> M:
        with self._lock:  # a big model is decoded once, whoever asks meanwhile
            known: LoadedModel[M] | None = self._loaded.get(kind.name)
            if known is None or known.digest != digest:
                known = load_amended(self._records, kind, digest)
                if known is None:
                    raise Unavailable(f"The record {digest} of the {_named(kind)} cannot be read.")
                self._loaded[kind.name] = known
            return known.model

    def _is_stored(self, digest: str) -> bool:
        try:
            self._records.get(digest)
        except KeyError:
            return False
        except ValueError:
            pass  # damaged, not pruned
        return True

    def _status(self, state: ModelState) -> ModelStatus:
        confirmed = self._kept.confirmation(state.model_id)
        version = self._current(state)
        absent = state.failure is not None and state.failure.reason is Reason.SERVICE_ABSENT
        age = None if confirmed is None else confirmed.age
        return ModelStatus(
            cloud=state.cloud,
            kind=state.kind,
            age=age,
            stale=not absent if age is None else self._is_old(state.kind, age),
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
        return self._kept.version(state.position)

    def _is_old(self, kind: str, age: float) -> bool:
        return age > self._stale_after.get(kind, 0.0)

    def _with_reason(self, said: str, kind: CollectedKind[Any]) -> str:
        state = self._kept.state(self._id(kind))
        return f"{said} {state.failure}" if state is not None and state.failure else said


def _is_well(status: ModelStatus) -> bool:
    return not (status.stale or status.failure)


def _named(kind: CollectedKind[Any]) -> str:
    return "cluster model" if kind is COMPUTE else f"{kind.name} model"
