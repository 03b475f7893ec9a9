"""The compute model of a cloud in the past: what was collected, and what Vigil moved since.

A collection shows the cloud as it was when it was read. After it, each migration by Vigil that
succeeded moves its server; the next collection replaces that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge
from itertools import pairwise

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.query import ClusterModels
from application.kernel.errors import NothingThen, Unavailable
from application.ports.collected_models import ModelVersion
from application.ports.event_log import ReadOnlyLog, RecordedEvent
from application.ports.read_models import ActionView, ReadModels
from application.queries.decisions import Resource
from application.replay.selection import of_resource
from application.replay.timeline import entries
from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import frozen
from domain.plans.action_types import MIGRATE
from domain.plans.events import ActionSucceeded

State = tuple[int, ComputeModel | Unavailable]
"""A log position, and the model after it, or why it is not known."""
_Step = tuple[int, ModelVersion | ActionView]


class ClusterPast:
    """The compute model of a cloud at any position.

    Args:
        log: has the ends of the migrations.
        reads: have the migrations.
        models: the collected models.
    """

    def __init__(self, log: ReadOnlyLog, reads: ReadModels, models: ClusterModels) -> None:
        self._log = log
        self._reads = reads
        self._models = models

    def at(self, position: int) -> ComputeModel:
        """The model at a position.

        Raises:
            NothingThen: there was none, or its record was pruned.
            Unavailable: its record cannot be read.
        """
        versions = [one for one in self._models.versions(COMPUTE) if one.position <= position]
        model: ComputeModel | Unavailable = NothingThen(
            f"No cluster model had been collected at position {position}."
        )
        for place, found in self._after(versions[-1:], None):
            if place > position:
                break
            model = found
        if isinstance(model, Unavailable):
            raise model
        return model

    def states(self, since: int, resources: Sequence[Resource] | None) -> Iterator[State]:
        """The model after each event that changed it, read lazily.

        Args:
            since: of earlier collections only the last one is read.
            resources: only migrations that concern one of these are applied; None: all.
        """
        versions = self._models.versions(COMPUTE)
        early = sum(later.position < since for _, later in pairwise(versions))
        return self._after(versions[early:], resources)

    def _after(
        self, versions: Sequence[ModelVersion], resources: Sequence[Resource] | None
    ) -> Iterator[State]:
        if not versions:
            return
        collected: Iterator[_Step] = ((one.position, one) for one in versions)
        moved = self._moves(versions[0].position, resources)
        model: ComputeModel | Unavailable | None = None
        for position, step in merge(collected, moved, key=lambda one: one[0]):
            before = model
            if isinstance(step, ModelVersion):
                model = self._recorded(step)
            elif isinstance(model, ComputeModel):
                model = _moved(model, step)
            if model is not None and model is not before:
                yield position, model

    def _recorded(self, version: ModelVersion) -> ComputeModel | Unavailable:
        try:
            return self._models.recorded(COMPUTE, version).model
        except Unavailable as lost:
            return lost

    def _moves(self, after: int, resources: Sequence[Resource] | None) -> Iterator[_Step]:
        for entry in self._ends(after, resources):
            if isinstance(entry.event, ActionSucceeded):
                view = self._reads.action(entry.event.action_id, show_deleted=True)
                if view is not None and view.action_type == MIGRATE:
                    yield entry.position, view

    def _ends(self, after: int, resources: Sequence[Resource] | None) -> Iterator[RecordedEvent]:
        """The events that ended actions, in the order of the log."""
        if resources is None:
            found = entries(self._log, after, topics=(ActionSucceeded.TOPIC,))
            yield from (one for one in found if isinstance(one, RecordedEvent))
            return
        ends: dict[int, RecordedEvent] = {}
        for resource in resources:
            chosen = of_resource(self._reads, resource, 0)
            for chunk in chosen.newest_first(self._log):
                ends |= {one.position: one for one in chunk if isinstance(one, RecordedEvent)}
        yield from (ends[position] for position in sorted(ends) if position > after)


def _moved(model: ComputeModel, action: ActionView) -> ComputeModel:
    """The model after a migration; the same one if it shows it already or knows no such server."""
    given = action.input_parameters
    server = model.server_places.get(str(given.get("resource_id")))
    source, to = (
        model.host_places.get(str(given.get(name))) for name in ("source_node", "destination_node")
    )
    if server is None or to is None or int(model.servers.host[server]) != source:
        return model
    host = model.servers.host.copy()
    host[server] = to
    return replace(model, servers=replace(model.servers, host=frozen(host)))
