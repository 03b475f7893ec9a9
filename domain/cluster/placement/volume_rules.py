"""Which volumes can be migrated, and to which pools (docs/constraints.md, "Volumes")."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import BoolArray, FloatArray, bools, frozen
from domain.kernel.reasons import Cause, Reason

VOLUME_STATE_UNSUITABLE = Reason(
    "volume-state-unsuitable",
    "volume {volume} is {status}, which does not allow the action",
)
VOLUME_HAS_SNAPSHOTS = Reason(
    "volume-has-snapshots", "volume {volume} has {count} snapshots", count="number"
)
VOLUME_ATTACHED_SEVERAL_TIMES = Reason(
    "volume-attached-several-times",
    "volume {volume} is attached to {count} servers",
    count="number",
)
VOLUME_SERVER_UNSUITABLE = Reason(
    "volume-server-unsuitable",
    "volume {volume} is attached to server {server}, which is {status}",
)
SAME_POOL = Reason("same-pool", "the volume is already in {pool}")
BACKEND_DOWN = Reason("backend-down", "the volume service of {pool} is down")
BACKEND_DISABLED = Reason("backend-disabled", "the volume service of {pool} is disabled")
POOL_NOT_OF_TYPE = Reason(
    "pool-not-of-type",
    "volume type {type} requests the backend {backend}, which {pool} does not belong to",
)
POOL_IN_ANOTHER_ZONE = Reason(
    "pool-in-another-zone", "{pool} is in zone {zone}, the volume in {wanted}"
)
POOL_FULL = Reason(
    "pool-full", "{pool} lacks capacity: {needed} GB needed, {free} GB free", needed="GB", free="GB"
)
POOL_CAPACITY_UNKNOWN = Reason("pool-capacity-unknown", "the free capacity of {pool} is unknown")

AVAILABLE, IN_USE = "available", "in-use"
_SETTLED: Final = frozenset({"", "none", "success"})
"""Migration statuses without a migration in progress or left half-way."""
_RUNNING: Final = frozenset({"active", "paused"})
"""States of a server whose volumes can be copied while they are attached."""


@dataclass(frozen=True)
class PoolExplanation:
    """Where a volume may go, rule by rule.

    Attributes:
        masks: rule name → bool[pools], True where the rule allows the volume.
        reasons: rule name → the reason for refusing a pool.
    """

    masks: Mapping[str, BoolArray]
    reasons: Mapping[str, Callable[[int], Cause]]

    @property
    def legal(self) -> BoolArray:
        """bool[pools]: all rules allow the volume."""
        legal: BoolArray = np.logical_and.reduce(list(self.masks.values()))
        return legal

    def why_not(self, pool: int) -> tuple[Cause, ...]:
        """The reason of every rule that refuses a pool; empty if the volume may go there."""
        return tuple(
            self.reasons[rule](pool) for rule, mask in self.masks.items() if not mask[pool]
        )


class VolumeRules:
    """The rules for volumes.

    Args:
        model: the storage model.
        compute: tells the states of the servers that volumes are attached to.

    Attributes:
        movable: bool[volumes].
    """

    def __init__(self, model: StorageModel, compute: ComputeModel) -> None:
        self._model = model
        self._compute = compute
        self._size = model.volumes.size_gb.astype(np.float64)
        self._of_type: dict[str, BoolArray] = {}
        self._in_zone: dict[str, BoolArray] = {}
        self._backend = {kind.name: kind.backend_name for kind in model.types}
        volumes = model.volumes
        usable = volumes.status.where(lambda status: status in {AVAILABLE, IN_USE})
        settled = volumes.migration_status.where(lambda status: status.lower() in _SETTLED)
        quiet = usable & settled & (volumes.snapshots == 0)
        attached = bools(self._attachment_allows(place) for place in range(len(volumes)))
        served = model.up[model.pools.node[volumes.pool]]
        self.movable: BoolArray = frozen(quiet & attached & served)

    def why_fixed(self, volume: int) -> Cause | None:
        """Why a volume cannot be migrated; None if it can."""
        if self.movable[volume]:
            return None
        model, volumes = self._model, self._model.volumes
        facts: dict[str, object] = {"volume": volumes.id[volume]}
        status, migration = volumes.status[volume], volumes.migration_status[volume]
        if status not in {AVAILABLE, IN_USE} or migration.lower() not in _SETTLED:
            shown = status if status not in {AVAILABLE, IN_USE} else f"in migration: {migration}"
            return Cause(VOLUME_STATE_UNSUITABLE, {**facts, "status": shown})
        if volumes.snapshots[volume]:
            count = int(volumes.snapshots[volume])
            return Cause(VOLUME_HAS_SNAPSHOTS, {**facts, "count": count})
        pool = int(volumes.pool[volume])
        if not model.up[model.pools.node[pool]]:
            return Cause(BACKEND_DOWN, {"pool": model.pools.name[pool]})
        return self._why_attached(volume, facts)

    def _why_attached(self, volume: int, facts: dict[str, object]) -> Cause:
        servers = self._model.volumes.servers[volume]
        if len(servers) > 1:
            return Cause(VOLUME_ATTACHED_SEVERAL_TIMES, {**facts, "count": len(servers)})
        state = self._server_state(servers[0])
        return Cause(VOLUME_SERVER_UNSUITABLE, {**facts, "server": servers[0], "status": state})

    def explain(
        self, volume: int, pool: int, incoming_gb: FloatArray, volume_type: str
    ) -> PoolExplanation:
        """Where a volume may go, rule by rule.

        Args:
            volume: index of the volume.
            pool: index of its pool.
            incoming_gb: float64[pools], sizes of the volumes that are moved there before, GB. What
                leaves a pool does not count: it is there until its own move has ended.
            volume_type: its type after the move; empty: none.
        """
        model, size = self._model, float(self._size[volume])
        nodes = model.pools.node
        free = model.pools.virtual_free_gb - incoming_gb
        zone = model.volumes.zone[volume]
        names = model.pools.name

        def full(place: int) -> Cause:
            if np.isnan(free[place]):
                return Cause(POOL_CAPACITY_UNKNOWN, {"pool": names[place]})
            facts: dict[str, object] = {"needed": size, "free": round(float(free[place]), 1)}
            return Cause(POOL_FULL, {"pool": names[place], **facts})

        def elsewhere(place: int) -> Cause:
            facts = {"zone": model.nodes.zone[int(nodes[place])], "wanted": zone}
            return Cause(POOL_IN_ANOTHER_ZONE, {"pool": names[place], **facts})

        def other_type(place: int) -> Cause:
            facts = {"type": volume_type, "backend": self._backend[volume_type]}
            return Cause(POOL_NOT_OF_TYPE, {"pool": names[place], **facts})

        return PoolExplanation(
            {
                "NotCurrentPool": np.arange(len(names)) != pool,
                "BackendUp": model.up[nodes],
                "BackendEnabled": model.enabled[nodes],
                "PoolZone": self._zone_mask(zone),
                "PoolOfType": self.of_type(volume_type),
                "PoolCapacity": free >= size,
            },
            {
                "NotCurrentPool": lambda place: Cause(SAME_POOL, {"pool": names[place]}),
                "BackendUp": lambda place: Cause(BACKEND_DOWN, {"pool": names[place]}),
                "BackendEnabled": lambda place: Cause(BACKEND_DISABLED, {"pool": names[place]}),
                "PoolZone": elsewhere,
                "PoolOfType": other_type,
                "PoolCapacity": full,
            },
        )

    def of_type(self, volume_type: str) -> BoolArray:
        """bool[pools]: the pool belongs to a backend that a type may use; all if it is unknown."""
        found = self._of_type.get(volume_type)
        if found is None:
            found = self._of_type[volume_type] = frozen(self._offers(volume_type))
        return found

    def _offers(self, volume_type: str) -> BoolArray:
        """A pool that reports no name has that of its backend."""
        pools, nodes = self._model.pools, self._model.nodes
        wanted = self._backend.get(volume_type)
        if wanted is None:
            return np.ones(len(pools), dtype=np.bool_)
        belongs = nodes.volume_types.where(lambda types: volume_type in types)
        named = pools.backend_name.where(lambda name: name == wanted)
        unnamed = pools.backend_name.where(lambda name: not name)
        return named | (unnamed & belongs[pools.node])

    def _zone_mask(self, zone: str) -> BoolArray:
        found = self._in_zone.get(zone)
        if found is None:
            same = self._model.nodes.zone.where(lambda one: not zone or one in {zone, ""})
            found = self._in_zone[zone] = frozen(same[self._model.pools.node])
        return found

    def _attachment_allows(self, volume: int) -> bool:
        servers = self._model.volumes.servers[volume]
        if len(servers) != 1:
            return not servers
        state = self._server_state(servers[0])
        return state is None or state in _RUNNING

    def _server_state(self, server: str) -> str | None:
        """The state of a server; None if it is not in the model."""
        place = self._compute.server_places.get(server)
        return None if place is None else self._compute.servers.state[place]
