"""Kept models as people and programs ask for them: now, as they were, within a scope."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.errors import NothingThen, Unavailable
from application.model_record import COMPUTE
from application.ports.kept_models import Confirmation, KeptModels, ModelState, ModelVersion
from application.ports.read_models import ReadModels
from application.ports.records import Records
from application.processes.collection import load_model
from domain.cluster.compute import ComputeModel
from domain.cluster.listing import to_list
from domain.cluster.scope import parse_scope
from domain.kernel.errors import InvalidValue
from domain.kernel.ids import cluster_model_id
from domain.kernel.reasons import Because

Moment = int | datetime
"""A log position, or a time (aware UTC)."""


@dataclass(frozen=True)
class ModelStatus:
    """How a kept model stands: a line of `vigil status`.

    Attributes:
        age: seconds since the latest complete collection began, None before the first.
        stale: it is older than it ought to be, or there is none.
        hosts, servers: in its latest version.
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
    hosts: int
    servers: int
    problem_count: int
    problems: tuple[Because, ...]
    failure: Because | None
    failing_since: datetime | None
    version: ModelVersion | None


@dataclass(frozen=True)
class Shown:
    """A model that was asked for.

    Attributes:
        age: seconds since it was last confirmed; None for one of the past.
        position: of the event that recorded it, None if that cannot be told yet.
    """

    model: ComputeModel
    digest: str
    age: float | None
    position: int | None


class ClusterModels:
    """Queries on kept models. Any thread may call anything at any time.

    Args:
        kept: how fresh models are and which versions they had.
        records: holds them.
        read: knows the scopes of audits.
        cloud: the cloud whose model is meant.
        stale_after: age at which a model counts as stale, s.
    """

    def __init__(
        self,
        kept: KeptModels,
        records: Records,
        read: ReadModels,
        *,
        cloud: str,
        stale_after: float,
    ) -> None:
        self._kept = kept
        self._records = records
        self._read = read
        self._id = cluster_model_id(cloud, COMPUTE)
        self._stale_after = stale_after
        self._lock = threading.Lock()
        self._loaded: tuple[str, ComputeModel] | None = None

    def status(self) -> list[ModelStatus]:
        """How all kept models stand, by cloud and kind."""
        return [self._status(state) for state in self._kept.states()]

    def latest(self) -> Shown:
        """The model as it was last confirmed, however old.

        Raises:
            Unavailable: there is none.
        """
        confirmed = self._kept.confirmation(self._id)
        if confirmed is None:
            raise Unavailable("No cluster model has been collected yet.")
        state = self._kept.state(self._id)
        current = self._current(state)
        same = current is not None and current.digest == confirmed.digest
        position = current.position if current is not None and same else None
        return Shown(self._model(confirmed.digest), confirmed.digest, confirmed.age, position)

    def at(self, moment: Moment) -> Shown:
        """The model as it was known at a log position or at a time.

        Raises:
            NothingThen: there was none yet.
            Unavailable: its record cannot be read.
        """
        version = self._kept.version_at(self._id, moment)
        if version is None:
            when = moment if isinstance(moment, int) else moment.isoformat()
            raise NothingThen(f"No cluster model had been collected at {when}.")
        return Shown(self._model(version.digest), version.digest, None, version.position)

    def fresh(self) -> Shown:
        """The latest model, unless it is stale.

        Raises:
            Unavailable: there is none, or it is; the message says how old it is and why.
        """
        shown = self.latest()
        if shown.age is not None and self._is_old(shown.age):
            raise Unavailable(self._complaint(shown.age))
        return shown

    def rows(
        self, audit: UUID | None = None, at: Moment | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """The flat list form (rest-api 8.2), within an audit's scope if one is given.

        Raises:
            InvalidValue: there is no such audit.
            Unavailable: there is no usable model.
        """
        scope = parse_scope(self._scope(audit))
        shown = self.fresh() if at is None else self.at(at)
        return to_list(shown.model if audit is None else scope.apply(shown.model)[0])

    def _scope(self, audit: UUID | None) -> list[Any]:
        if audit is None:
            return []
        found = self._read.audit(str(audit))
        if found is None:
            raise InvalidValue("audit_uuid", f"there is no audit {audit}")
        return found.scope

    def _model(self, digest: str) -> ComputeModel:
        with self._lock:  # a big model is decoded once, whoever asks meanwhile
            if self._loaded is None or self._loaded[0] != digest:
                record = load_model(self._records, digest)
                if record is None:
                    raise Unavailable(f"The record {digest} of the cluster model cannot be read.")
                self._loaded = (digest, record.compute())
            return self._loaded[1]

    def _status(self, state: ModelState) -> ModelStatus:
        confirmed: Confirmation | None = self._kept.confirmation(state.model_id)
        version = self._current(state)
        return ModelStatus(
            cloud=state.cloud,
            kind=state.kind,
            age=None if confirmed is None else confirmed.age,
            stale=confirmed is None or self._is_old(confirmed.age),
            hosts=0 if version is None else version.hosts,
            servers=0 if version is None else version.servers,
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

    def _is_old(self, age: float) -> bool:
        return age > self._stale_after

    def _complaint(self, age: float) -> str:
        state = self._kept.state(self._id)
        said = f"The cluster model is stale: it was last confirmed {age:.0f} s ago."
        return f"{said} {state.failure}" if state is not None and state.failure else said
