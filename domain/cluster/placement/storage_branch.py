"""The storage side of a branch: the pool and the type of each volume, the space of each pool."""

from typing import Final

import numpy as np

from domain.cluster.placement.steps import LoggedStep, Retype, Step, StorageStep, VolumeMove
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import FloatArray, IndexArray, IntArray

MOVE_VOLUME: Final = "move-volume"
RETYPE: Final = "retype"


class StorageBranch:
    """A storage model with the steps of a branch applied.

    Args:
        model: the model it starts from.
        steps: the steps of the branch; those of this side are appended to them.

    Attributes:
        pool_of: int32[volumes], pool of each volume.
        types: volume → name of its type, of the volumes that have another one than in the model.
        count: int64[pools], volumes in each pool.
        added_gb: int64[pools], what each pool has more than in the model, GB (whole numbers, so
            that sums are exact).
    """

    def __init__(self, model: StorageModel, steps: list[Step]) -> None:
        self.model = model
        self._steps = steps
        self.pool_of: IndexArray = model.volumes.pool.copy()
        self.types: dict[int, str] = {}
        self.count: IntArray = model.volumes_per_pool.copy()
        self.added_gb: IntArray = np.zeros(len(model.pools), dtype=np.int64)

    @property
    def free_gb(self) -> FloatArray:
        """float64[pools]: free capacity, if a volume occupies its size; not-a-number if unknown."""
        return self.model.pools.free_gb - self.added_gb

    @property
    def virtual_free_gb(self) -> FloatArray:
        """float64[pools]: capacity that can still be provisioned; not-a-number if unknown."""
        return self.model.pools.virtual_free_gb - self.added_gb

    @property
    def provisioned_gb(self) -> FloatArray:
        """float64[pools]: what is provisioned; not-a-number if unknown."""
        return self.model.pools.provisioned_gb + self.added_gb

    def volume_type(self, volume: int) -> str:
        """Name of a volume's type."""
        changed = self.types.get(volume)
        return self.model.volumes.volume_type[volume] if changed is None else changed

    def move(self, volume: int, pool: int) -> VolumeMove:
        """Moves a volume to another pool."""
        step = VolumeMove(volume, int(self.pool_of[volume]), pool)
        self._put(volume, step.source, pool)
        self._steps.append(step)
        return step

    def retype(self, volume: int, volume_type: str) -> None:
        """Gives a volume another type, in its pool; does nothing if it has that type.

        If no backend of the pool has the type, Cinder moves the volume too: then move it first.
        """
        if self.volume_type(volume) != volume_type:
            before = self.types.get(volume)
            self.types[volume] = volume_type
            self._steps.append(Retype(volume, before, volume_type))

    def revert(self, step: StorageStep) -> None:
        """Reverts the latest step of this side, which is no longer among the steps."""
        if isinstance(step, VolumeMove):
            self._put(step.volume, step.destination, step.source)
        elif step.before is None:
            del self.types[step.volume]
        else:
            self.types[step.volume] = step.before

    def logged(self, step: StorageStep) -> LoggedStep:
        """A step by ids."""
        volume = self.model.volumes.id[step.volume]
        if isinstance(step, VolumeMove):
            return [MOVE_VOLUME, volume, self.model.pools.name[step.destination]]
        return [RETYPE, volume, step.after]

    def replay(self, verb: str, volume: str, to: str) -> None:
        """Applies a step that ``logged`` returned."""
        place = self.model.volume_places[volume]
        if verb == MOVE_VOLUME:
            self.move(place, self.model.pool_places[to])
        else:
            self.retype(place, to)

    def _put(self, volume: int, source: int, destination: int) -> None:
        size = int(self.model.volumes.size_gb[volume])
        self.added_gb[source] -= size
        self.added_gb[destination] += size
        self.count[source] -= 1
        self.count[destination] += 1
        self.pool_of[volume] = destination
