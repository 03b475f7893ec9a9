"""Balances the capacity of storage pools: volumes leave pools that are over a threshold.

A volume keeps its type if the other pool offers it; otherwise it gets a type that differs in its
backend only. Volumes that no server uses go first, then those that no server boots from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from domain.cluster.kinds import ModelKind
from domain.cluster.placement.volume_rules import AVAILABLE
from domain.cluster.scope.reasons import STORAGE_EMPTY
from domain.cluster.storage.records import VolumeTypeRow
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.options import option
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.volumes import VolumeMoves
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import COMPUTE_ONLY, Requirements, Strategy

RELIEVES_POOL = Reason(
    "relieves-pool",
    "moving {volume} ({size} GB) takes {source} from {source_before} to {source_after} % and "
    "{destination} from {before} to {after} % used",
    size="GB",
    source_before="%",
    source_after="%",
    before="%",
    after="%",
)
RETYPE_RELIEVES_POOL = Reason(
    "retype-relieves-pool",
    "changing the type of {volume} ({size} GB) from {type_before} to {type} takes {source} from "
    "{source_before} to {source_after} % and {destination} from {before} to {after} % used",
    size="GB",
    source_before="%",
    source_after="%",
    before="%",
    after="%",
)
POOLS_RELIEVED = Reason(
    "pools-relieved",
    "{volumes} volumes leave {pools}; {relieved} of {over} pools that are over the threshold of "
    "{threshold} % come below it",
    volumes="number",
    relieved="number",
    over="number",
    threshold="%",
)
POOL_STAYS_OVER = Reason(
    "pool-stays-over-threshold",
    "{pool} stays at {used} %, over the threshold of {threshold} %: of its {volumes} volumes "
    "in the audit's scope {moved} leave, {fixed} cannot be migrated and {homeless} find no place",
    used="%",
    threshold="%",
    volumes="number",
    moved="number",
    fixed="number",
    homeless="number",
)
NO_POOL_OVER_THRESHOLD = Reason(
    "no-pool-over-threshold",
    "none of the {pools} pools of known capacity is over the threshold of {threshold} %; the "
    "fullest, {pool}, is at {used} %",
    pools="number",
    threshold="%",
    used="%",
)
NO_POOL_BELOW_THRESHOLD = Reason(
    "no-pool-below-threshold",
    "all {pools} pools of known capacity are over the threshold of {threshold} %; the emptiest, "
    "{pool}, is at {used} %",
    pools="number",
    threshold="%",
    used="%",
)
POOLS_LEFT_OUT = Reason(
    "pools-left-out",
    "{unknown} pools are left out because their capacity is unknown or has no limit, {excluded} by "
    "[watcher_strategies.storage_capacity_balance] ex_pools",
    unknown="number",
    excluded="number",
)

REACHES_THRESHOLD = "that would reach the threshold"
OVER_THRESHOLD = "over the threshold"
LEFT_OUT = "left out"


@dataclass(frozen=True)
class CapacityParameters:
    """``volume_threshold``: of the used share of a pool, %; a pool that reaches it is relieved."""

    volume_threshold: float = 80.0


@dataclass(frozen=True)
class CapacityOptions:
    """``ex_pools``: pools that are neither relieved nor filled."""

    ex_pools: tuple[str, ...] = option(
        ("local_vstorage",), "Names of pools (after the #) that are left alone."
    )


class StorageCapacityBalance(Strategy[CapacityParameters]):
    """Moves or retypes volumes until no pool is over the threshold."""

    name = "storage_capacity_balance"
    display_name = "Storage Capacity Balance Strategy"
    goal = "workload_balancing"
    parameters = CapacityParameters
    options = CapacityOptions
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "volume_threshold": {
                "description": "Used share at which volumes leave a pool, in per cent of its "
                "capacity.",
                "type": "number",
                "default": 80.0,
            }
        }
    }

    def requirements(self, parameters: CapacityParameters) -> Requirements:
        """The storage model; the compute model for the servers that volumes are attached to."""
        del parameters
        return Requirements(models=COMPUTE_ONLY | {ModelKind.STORAGE})

    def solve(self, context: StrategyContext[CapacityParameters]) -> Solution:
        """The migrations and retypes, and why a pool stays over the threshold."""
        moves = VolumeMoves(context)
        indicators = {"instance_migrations_count": 0, "instances_count": 0}
        if not len(moves.model.pools):
            return Solution((), indicators, (Cause(STORAGE_EMPTY),))
        notes = _Balancing(context, moves).run()
        return Solution(tuple(moves.actions), indicators, notes)


class _Balancing:
    """One run."""

    def __init__(self, context: StrategyContext[CapacityParameters], moves: VolumeMoves) -> None:
        self._context = context
        self._moves = moves
        self._model = moves.model
        pools = self._model.pools
        self._threshold = context.parameters.volume_threshold
        self._most: FloatArray = pools.total_gb * (self._threshold / 100.0)
        known = np.isfinite(pools.total_gb) & np.isfinite(pools.free_gb) & (pools.total_gb > 0)
        left_alone = set(context.options_as(CapacityOptions).ex_pools)
        self._excluded: BoolArray = np.array(
            [name.rpartition("#")[2] in left_alone for name in pools.name], dtype=np.bool_
        )
        self._unknown: BoolArray = ~known & ~self._excluded
        self._pools: BoolArray = known & ~self._excluded
        self._over: BoolArray = self._pools & (self._used() >= self._most)

    def _used(self) -> FloatArray:
        """float64[pools]: GB used now; not-a-number if unknown."""
        return self._model.pools.total_gb - self._moves.branch.free_gb

    def run(self) -> tuple[Cause, ...]:
        """Relieves the pools; returns the remarks."""
        places = np.flatnonzero(self._pools)
        notes: tuple[Cause, ...] = ()
        if not len(places):
            pass
        elif not self._over.any():
            notes = (self._extreme(NO_POOL_OVER_THRESHOLD, places, fullest=True),)
        elif not (self._pools & ~self._over).any():
            notes = (self._extreme(NO_POOL_BELOW_THRESHOLD, places, fullest=False),)
        else:
            notes = self._relieve_all()
        unknown, excluded = (int(np.count_nonzero(m)) for m in (self._unknown, self._excluded))
        if unknown or excluded:
            facts: JsonObject = {"unknown": unknown, "excluded": excluded}
            notes = (*notes, Cause(POOLS_LEFT_OUT, facts))
        return notes

    def _relieve_all(self) -> tuple[Cause, ...]:
        """Relieves all pools that are over; records and returns what was reached."""
        left = {int(pool): self._relieve(int(pool)) for pool in np.flatnonzero(self._over)}
        still = [pool for pool in left if self._used()[pool] >= self._most[pool]]
        kept = tuple(self._explain(pool, left[pool]) for pool in still)
        if not self._moves.actions:
            return kept
        moved = self._moves.branch.pool_of != self._model.volumes.pool
        sources = sorted({int(pool) for pool in self._model.volumes.pool[moved]})
        facts: JsonObject = {
            "volumes": len(self._moves.actions),
            "pools": ", ".join(self._model.pools.name[pool] for pool in sources),
            "over": len(left),
            "threshold": self._threshold,
            "relieved": len(left) - len(still),
        }
        return (Cause(POOLS_RELIEVED, facts), *kept)

    def _relieve(self, pool: int) -> Sequence[int]:
        """Moves volumes out of a pool until it is below the threshold; returns those that stay."""
        stay = []
        for volume in self._candidates(pool):
            if self._used()[pool] < self._most[pool]:
                break
            if not self._context.budget.spend() or not self._place(volume):
                stay.append(volume)
        return stay

    def _candidates(self, pool: int) -> list[int]:
        """Volumes that can be migrated, in the order in which they leave."""
        volumes = self._model.volumes
        here = np.flatnonzero((volumes.pool == pool) & self._moves.rules.movable)

        def order(volume: int) -> tuple[int, int, int]:
            attached = volumes.status[volume] != AVAILABLE
            rank = 1 + bool(volumes.bootable[volume]) if attached else 0
            return rank, int(volumes.size_gb[volume]), volume

        return sorted((int(one) for one in here), key=order)

    def _fits(self, volume: int) -> BoolArray:
        """bool[pools]: below the threshold, and still so with the volume."""
        size = float(self._model.volumes.size_gb[volume])
        fits: BoolArray = self._pools & ~self._over & (self._used() + size < self._most)
        return fits

    def _emptiest_first(self, pools: BoolArray) -> list[int]:
        places = np.flatnonzero(pools)
        share = self._moves.branch.free_gb[places] / self._model.pools.total_gb[places]
        return [int(place) for place in places[np.argsort(-share, kind="stable")]]

    def _place(self, volume: int) -> bool:
        """Moves a volume to the emptiest pool that may have it; else retypes it."""
        fits, source = self._fits(volume), int(self._model.volumes.pool[volume])
        for pool in self._emptiest_first(self._moves.explain(volume).legal & fits)[:1]:
            self._moves.move(volume, pool, RELIEVES_POOL, **self._relief(volume, source))
            return True
        before = self._moves.branch.volume_type(volume)
        for pool in self._emptiest_first(fits) if before else ():
            kind = self._type_for(volume, pool)
            if kind is not None:
                facts = {"type_before": before, **self._relief(volume, source)}
                self._moves.retype(volume, kind, pool, RETYPE_RELIEVES_POOL, **facts)
                return True
        return False

    def _type_for(self, volume: int, pool: int) -> str | None:
        """The first type that leads to a pool and differs in its backend only; None if none.

        Cinder chooses among all pools of a type: none of them may be over the threshold.
        """
        kinds = {kind.name: kind for kind in self._model.types}
        now = kinds.get(self._moves.branch.volume_type(volume))
        if now is None:
            return None
        fits = self._fits(volume)
        for name, kind in kinds.items():
            offered = self._moves.rules.of_type(name)
            alike = name != now.name and kind.public and _others(kind) == _others(now)
            leads = bool(kind.backend_name) and offered[pool] and not (offered & ~fits).any()
            if alike and leads and self._moves.explain(volume, name).legal[pool]:
                return name
        return None

    def _relief(self, volume: int, source: int) -> JsonObject:
        size = float(self._model.volumes.size_gb[volume])
        total, used = float(self._model.pools.total_gb[source]), float(self._used()[source])
        return {
            "source_before": round(100.0 * used / total, 1),
            "source_after": round(100.0 * (used - size) / total, 1),
        }

    def _explain(self, pool: int, homeless: Sequence[int]) -> Cause:
        """Records why a pool stays over the threshold, and which volumes find no place."""
        model = self._model
        here = np.flatnonzero(model.volumes.pool == pool)
        fixed = here[~self._moves.rules.movable[here]]
        cause = Cause(
            POOL_STAYS_OVER,
            {
                **self._share(pool),
                "threshold": self._threshold,
                "volumes": len(here),
                "moved": int(np.count_nonzero(self._moves.branch.pool_of[here] != pool)),
                "fixed": len(fixed),
                "homeless": len(homeless),
            },
        )
        self._context.alternatives.add(self._context.pool(pool), cause)
        for volume in (*reversed(homeless), *(int(one) for one in fixed)):
            unwanted = {
                LEFT_OUT: ~self._pools,
                OVER_THRESHOLD: self._over,
                REACHES_THRESHOLD: ~self._fits(volume),
            }
            self._moves.stays(volume, unwanted=unwanted)
        return cause

    def _extreme(self, reason: Reason, places: IntArray, *, fullest: bool) -> Cause:
        share = self._used()[places] / self._model.pools.total_gb[places]
        pool = int(places[np.argmax(share) if fullest else np.argmin(share)])
        facts = {"pools": len(places), "threshold": self._threshold, **self._share(pool)}
        return Cause(reason, facts)

    def _share(self, pool: int) -> JsonObject:
        share = float(self._used()[pool] / self._model.pools.total_gb[pool])
        return {"pool": self._model.pools.name[pool], "used": round(100.0 * share, 1)}


def _others(kind: VolumeTypeRow) -> dict[str, str]:
    """The extra specs of a type without the one of its backend."""
    return {k: v for k, v in kind.extra_specs.items() if k != "volume_backend_name"}
