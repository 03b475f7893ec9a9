"""What viewers and the API query. Imports neither openstacksdk nor the REST application."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from application.cluster_models.query import UNNAMED, ClusterModels
from application.ports.read_models import ActionPlanView, ReadModels
from application.ports.records import RecordStore
from application.queries.estimates import PlanEstimates, RecentEstimates
from domain.cluster.kinds import ModelKind
from domain.plans.estimate import Estimate
from infrastructure.read_models import SqlCollectedModels
from infrastructure.settings import Settings
from interfaces.bootstrap.database import CLOCK, OpenDatabase

if TYPE_CHECKING:
    from infrastructure.plugins import Registry

STALE_AFTER = 3
"""A model is stale if it was not confirmed for this many collection periods."""


class Queries(OpenDatabase):
    """The database and the queries on collected models; needs no running Vigil."""

    def __init__(self, settings: Settings, *, writes: bool = False) -> None:
        super().__init__(settings, writes=writes)
        self._settings = settings
        self.models = cluster_models(settings, self.engine, self.records, self.read)

    def rest(self, plan: ActionPlanView) -> Estimate | None:
        """How long the rest of a plan takes, None if it has ended."""
        return self._recent_estimates.rest(plan)

    @cached_property
    def _recent_estimates(self) -> RecentEstimates:
        from infrastructure.plugins import Registry  # noqa: PLC0415 - only for a launched plan

        return RecentEstimates(self.estimates(Registry(log_problems=False)), CLOCK)

    def estimates(self, registry: "Registry") -> PlanEstimates:
        """How long plans take; planners have limits of their own."""
        from interfaces.bootstrap.pace import execution_limits  # noqa: PLC0415 - as above

        engine = self._settings.decision_engine
        return PlanEstimates(
            self.log,
            self.read,
            self.progress,
            CLOCK,
            execution_limits(self._settings, registry),
            rate=engine.migration_bandwidth * 1e6,
            overhead=engine.migration_overhead,
        )


def cluster_models(
    settings: Settings, engine: Engine, records: RecordStore, read: ReadModels
) -> ClusterModels:
    """Queries on the collected models."""
    return ClusterModels(
        SqlCollectedModels(engine),
        records,
        read,
        cloud=settings.cloud.name,
        stale_after={kind: STALE_AFTER * each for kind, each in _all_periods(settings).items()},
        configured=collection_periods(settings),
    )


def cloud_name(settings: Settings) -> str:
    """The name under which the models of the cloud are stored."""
    return settings.cloud.name or UNNAMED


def collection_periods(settings: Settings) -> Mapping[ModelKind, float]:
    """Seconds between two collections, for each kind of model that is collected."""
    chosen = settings.collector.plugins
    return {kind: period for kind, period in _all_periods(settings).items() if kind.value in chosen}


def _all_periods(settings: Settings) -> Mapping[ModelKind, float]:
    chosen = settings.collector
    return {
        ModelKind.COMPUTE: chosen.compute_period,
        ModelKind.STORAGE: chosen.storage_period,
        ModelKind.BAREMETAL: chosen.baremetal_period,
    }
