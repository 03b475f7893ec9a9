from typing import Any

from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_tables import CLUSTER_MODEL_SCHEMA, CLUSTER_MODELS, MODEL_VERSIONS
from application.projections.event_dispatcher import EventDispatcher
from domain.cluster_models.amendments.events import ModelAmended
from domain.cluster_models.events import (
    ClusterModelCollected,
    ClusterModelCollectionFailed,
    ClusterModelOpened,
    ClusterModelRecovered,
)
from domain.kernel.reasons import Cause

_NO_FAILURE = {"failure": None, "failing_since": None}


class ClusterModelsProjection(EventDispatcher):
    """Cluster models: the status of each, and its versions."""

    def __init__(self) -> None:
        super().__init__(
            CLUSTER_MODEL_SCHEMA,
            {
                ClusterModelOpened: self._opened,
                ClusterModelCollected: self._collected,
                ClusterModelCollectionFailed: self._failed,
                ClusterModelRecovered: self._recovered,
                ModelAmended: self._amended,
            },
        )

    def _opened(self, recorded: RecordedEvent, event: ClusterModelOpened, tables: Tables) -> None:
        tables.insert(
            CLUSTER_MODELS.name,
            {
                "uuid": recorded.aggregate_id,
                "cloud": event.cloud,
                "kind": event.kind,
                "position": None,
                **_NO_FAILURE,
            },
        )

    def _collected(
        self, recorded: RecordedEvent, event: ClusterModelCollected, tables: Tables
    ) -> None:
        tables.insert(
            MODEL_VERSIONS.name,
            {
                "position": recorded.position,
                "model_uuid": recorded.aggregate_id,
                "digest": event.digest,
                "base": event.digest,
                "at": event.timestamp,
                "sizes": event.sizes,
                "calls": event.calls,
                "milliseconds": round(event.seconds * 1000),
                "problems": [_reason(because) for because in event.quarantined],
                "problem_count": event.quarantined_count,
                "changes": event.changes,
            },
        )
        tables.update(
            CLUSTER_MODELS.name,
            recorded.aggregate_id,
            {"position": recorded.position, **_NO_FAILURE},
        )

    def _amended(self, recorded: RecordedEvent, event: ModelAmended, tables: Tables) -> None:
        model = tables.get(CLUSTER_MODELS.name, event.model)
        before = None if model is None else tables.get(MODEL_VERSIONS.name, model["position"])
        tables.insert(
            MODEL_VERSIONS.name,
            {
                "position": recorded.position,
                "model_uuid": event.model,
                "digest": event.digest,
                "base": event.base,
                "at": event.timestamp,
                "sizes": event.sizes,
                "calls": 0,
                "milliseconds": 0,
                "problems": [] if before is None else before["problems"],
                "problem_count": 0 if before is None else before["problem_count"],
                "changes": event.changes,
            },
        )
        tables.update(CLUSTER_MODELS.name, event.model, {"position": recorded.position})

    def _failed(
        self, recorded: RecordedEvent, event: ClusterModelCollectionFailed, tables: Tables
    ) -> None:
        values = {"failure": _reason(event.because), "failing_since": event.timestamp}
        tables.update(CLUSTER_MODELS.name, recorded.aggregate_id, values)

    def _recovered(self, recorded: RecordedEvent, _: ClusterModelRecovered, tables: Tables) -> None:
        tables.update(CLUSTER_MODELS.name, recorded.aggregate_id, _NO_FAILURE)


def _reason(because: Cause) -> dict[str, Any]:
    return {"reason": because.reason, "facts": because.facts, "text": because.text}
