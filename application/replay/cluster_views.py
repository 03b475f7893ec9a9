"""Which hosts and servers the cloud has: now, at a past moment, and after a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.query import ClusterModels
from application.kernel.errors import NothingThen
from application.ports.clock import Clock
from application.ports.event_log import Moment, ReadOnlyLog
from application.ports.read_models import Page, ReadModels
from application.replay.cluster_past import ClusterPast
from application.replay.cluster_view import ClusterView, HostLine, ServerLine
from application.replay.executed_actions import ExecutedAction, specs_of
from application.replay.model_after import ModelAfter
from application.replay.moments import position_at
from domain.kernel.errors import NotFound
from domain.plans.action_types.declaration import ActionType

_WITHOUT_EFFECT = frozenset({"FAILED", "SKIPPED", "CANCELLED", "DELETED"})
_KEPT = 4
"""Models, and models after a plan, whose lists are kept."""
_ALL = Page(limit=1_000_000, show_deleted=True)


@dataclass(frozen=True)
class ModelInfo:
    """Which model is shown.

    Attributes:
        digest: of its record; executed actions are added to that of a past moment.
        collected_at: when it was collected.
        age: seconds since then, None for a past moment.
    """

    cloud: str
    digest: str
    collected_at: datetime
    age: float | None


class ClusterViews:
    """Thread-safe; keeps the lists of the models that were asked for last.

    Args:
        log, reads, clock: collaborators.
        models: the collected models.
        past: the compute model in the past.
        action_types: the installed ones; they say what an action does.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        reads: ReadModels,
        clock: Clock,
        models: ClusterModels,
        past: ClusterPast,
        action_types: Mapping[str, ActionType],
    ) -> None:
        self._log = log
        self._reads = reads
        self._clock = clock
        self._models = models
        self._past = past
        self._types = action_types
        self._then = lru_cache(_KEPT)(self._at_position)
        self._after = lru_cache(_KEPT)(self._after_plan)
        self._latest: tuple[str, ClusterView] | None = None

    def at(self, moment: Moment | None) -> tuple[ModelInfo, ClusterView]:
        """The latest model, of any age, or that of a past moment.

        Raises:
            NothingThen: there was none, or its record was pruned.
            Unavailable: there is no model, or its record cannot be read.
        """
        if moment is not None:
            return self._then(position_at(self._log, moment))
        found = self._models.latest(COMPUTE)
        if self._latest is None or self._latest[0] != found.digest:
            self._latest = found.digest, ClusterView(found.model)
        age = found.age or 0.0
        began = self._clock.now() - timedelta(seconds=age)
        return ModelInfo(self._models.cloud, found.digest, began, age), self._latest[1]

    def hosts(self, view: ClusterView, plan: UUID | None) -> tuple[HostLine, ...]:
        """The hosts, with what is allocated on them when a plan has ended.

        Raises:
            NotFound: there is no such plan.
        """
        if plan is None:
            return view.hosts
        then = self._planned(view, plan).allocations
        return tuple(replace(one, after=then.get(one.uuid)) for one in view.hosts)

    def servers(self, view: ClusterView, plan: UUID | None) -> tuple[ServerLine, ...]:
        """The servers, with the hosts to which a plan moves them.

        Raises:
            NotFound: there is no such plan.
        """
        if plan is None:
            return view.servers
        then = {one.uuid: one.host for one in self._planned(view, plan).servers}
        return tuple(
            one
            if then.get(one.uuid) in {None, one.host}
            else replace(one, after_host=then[one.uuid])
            for one in view.servers
        )

    def _at_position(self, position: int) -> tuple[ModelInfo, ClusterView]:
        versions = [one for one in self._models.versions(COMPUTE) if one.position <= position]
        if not versions:
            raise NothingThen(f"No cluster model had been collected at position {position}.")
        info = ModelInfo(self._models.cloud, versions[-1].digest, versions[-1].at, None)
        return info, ClusterView(self._past.at(position))

    def _planned(self, view: ClusterView, plan: UUID) -> ClusterView:
        found = self._reads.action_plan(plan, show_deleted=True)
        if found is None:
            raise NotFound("Action Plan", plan)
        return self._after(view, plan, found.version)

    def _after_plan(self, view: ClusterView, plan: UUID, version: int) -> ClusterView:
        del version  # a part of the key: the states of its actions change with it
        actions = self._reads.actions(_ALL, {"action_plan_uuid": str(plan)})
        effective = {one.uuid for one in actions if one.state not in _WITHOUT_EFFECT}
        after = ModelAfter(view.model, self._types)
        for ident, spec in specs_of(self._log, plan).items():
            if ident in effective:
                after.add(ExecutedAction(0, spec, {}))
        return ClusterView(after.model())
