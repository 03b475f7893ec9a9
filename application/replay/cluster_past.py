"""The compute model of a cloud in the past: what was collected, and what Vigil changed since.

A collection shows the cloud as it was when it was read. After it, each action of Vigil that changed
the cloud is put on the model (``ModelAfter``); the next collection replaces that.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import pairwise

from application.cluster_models.kinds import COMPUTE
from application.cluster_models.query import ClusterModels
from application.kernel.errors import NothingThen, Unavailable
from application.ports.collected_models import ModelVersion
from application.ports.event_log import Entry, ReadOnlyLog
from application.ports.read_models import ReadModels
from application.queries.decisions import Resource
from application.replay.executed_actions import ENDS, ExecutedAction, executed
from application.replay.model_after import ModelAfter
from application.replay.selection import of_resource
from application.replay.timeline import entries
from domain.cluster.compute.model import ComputeModel
from domain.plans.action_types.declaration import ActionType

State = tuple[int, ComputeModel | Unavailable]
"""A log position, and the model after it, or why it is not known."""
_Step = tuple[int, ModelVersion | ExecutedAction]


class ClusterPast:
    """The compute model of a cloud at any position.

    Args:
        log: has the ends of the actions.
        reads: find the actions that concern a server.
        models: the collected models.
        action_types: the installed ones; they say what an action does.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        reads: ReadModels,
        models: ClusterModels,
        action_types: Mapping[str, ActionType],
    ) -> None:
        self._log = log
        self._reads = reads
        self._models = models
        self._types = action_types

    def at(self, position: int) -> ComputeModel:
        """The model at a position.

        Raises:
            NothingThen: there was none, or its record was pruned.
            Unavailable: its record cannot be read.
        """
        versions = [one for one in self._versions() if one.position <= position]
        if not versions:
            raise NothingThen(f"No cluster model had been collected at position {position}.")
        after = ModelAfter(self._models.recorded(COMPUTE, versions[-1]).model, self._types)
        for action in executed(self._log, entries(self._log, versions[-1].position, ENDS)):
            if action.position > position:
                break
            after.add(action)
        return after.model()

    def states(self, since: int, resources: Sequence[Resource] | None) -> Iterator[State]:
        """The model after each event that changed it, read lazily.

        Args:
            since: of earlier collections only the last one is read.
            resources: only what concerns one of these is needed; None: all.

        Raises:
            NothingThen: there never was a model.
        """
        versions = self._versions()
        early = sum(later.position < since for _, later in pairwise(versions))
        return self._after(versions[early:], resources)

    def _versions(self) -> list[ModelVersion]:
        found = self._models.versions(COMPUTE)
        if not found:
            raise NothingThen(
                "This history has no cluster models: none was collected, or it is the export of an "
                "audit, a plan or a run; `vigil replay export --all` exports the models, too."
            )
        return found

    def _after(
        self, versions: Sequence[ModelVersion], resources: Sequence[Resource] | None
    ) -> Iterator[State]:
        if resources is not None:
            resources = [*resources, *self._ids(resources, versions)]
        collected: Iterator[_Step] = ((one.position, one) for one in versions)
        ends = executed(self._log, self._ends(versions[0].position, resources))
        acted: Iterator[_Step] = ((one.position, one) for one in ends)
        names = None if resources is None else {one.name.casefold() for one in resources}
        after: ModelAfter | None = None
        for position, step in merge(collected, acted, key=lambda one: one[0]):
            if isinstance(step, ModelVersion):
                model = self._recorded(step)
            elif after is None:
                continue
            elif _is_about(step, after.add(step), after.base, names):
                model = after.model()
            else:
                continue
            after = ModelAfter(model, self._types) if isinstance(model, ComputeModel) else None
            yield position, model

    def _recorded(self, version: ModelVersion) -> ComputeModel | Unavailable:
        try:
            return self._models.recorded(COMPUTE, version).model
        except Unavailable as lost:
            return lost

    def _ids(
        self, resources: Sequence[Resource], versions: Sequence[ModelVersion]
    ) -> Iterator[Resource]:
        """The servers with their ids: not every action has the name of its server."""
        names = {one.name.casefold() for one in resources if one.kind == "server"}
        ends = (versions[0], *versions[1:][-1:])
        for version in ends if names else ():
            model = self._recorded(version)
            if isinstance(model, ComputeModel):
                for table in (model.servers, model.unplaced):
                    for ident, name in zip(table.id, table.name, strict=True):
                        if name.casefold() in names:
                            yield Resource(ident, "server")

    def _ends(self, after: int, resources: Sequence[Resource] | None) -> Iterator[Entry]:
        """The events that ended actions, in the order of the log.

        Which host a server came to may be known by its end only, so for hosts all ends are read.
        """
        if resources is None or any(one.kind == "host" for one in resources):
            yield from entries(self._log, after, ENDS)
            return
        ends: dict[int, Entry] = {}
        for resource in resources:
            for chunk in of_resource(self._reads, resource, 0).newest_first(self._log):
                ends |= {one.position: one for one in chunk if one.position > after}
        yield from (ends[position] for position in sorted(ends))


def _is_about(
    action: ExecutedAction, hosts: Iterable[int], model: ComputeModel, names: Collection[str] | None
) -> bool:
    """Whether an action, or one of the hosts that it changed, has one of some names or ids."""
    if names is None:
        return True
    found = [action.spec.parameters.get(key) for key in ("resource_id", "resource_name")]
    found += [one for place in hosts for one in (model.hosts.id[place], model.hosts.name[place])]
    return any(str(one).casefold() in names for one in found)
