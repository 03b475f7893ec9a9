"""Moves and retypes of volumes, and the actions that they become."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from domain.cluster.placement.storage_branch import StorageBranch
from domain.cluster.placement.volume_rules import PoolExplanation, VolumeRules
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.draining import BUDGET_SPENT
from domain.optimization.algorithms.refusals import counted
from domain.optimization.context import P, StrategyContext
from domain.plans.action_types.volume_migrate import migrate_volume, retype_volume
from domain.plans.proposal import ProposedAction

VOLUME_CANNOT_LEAVE = Reason("volume-cannot-leave", "volume {volume} cannot leave {pool}: {detail}")

RULES: Final[Mapping[str, str]] = {
    "BackendUp": "down",
    "BackendEnabled": "disabled",
    "PoolZone": "in another zone",
    "PoolOfType": "not of its volume type",
    "PoolCapacity": "full or of unknown capacity",
}
"""Rule → what is said of the pools that it refuses. Its own pool is no candidate."""
NOTHING: Final[Mapping[str, BoolArray]] = {}
_REFUSED: Final = 2
"""Emptier but refused pools that each move names."""


class VolumeMoves:
    """Moves of volumes, legal in any order: what has left a pool still counts as being there.

    Args:
        context: of a strategy that requires the storage model.

    Attributes:
        branch: the storage model with the moves so far.
        rules: for volumes.
        actions: the ``volume_migrate`` actions so far.
        incoming_gb: float64[pools], sizes of the volumes moved there, GB.
    """

    def __init__(self, context: StrategyContext[P]) -> None:
        found = context.branch().storage
        if found is None or context.storage is None:
            raise TypeError("the strategy does not require the storage model")
        self.context: StrategyContext[P] = context
        self.model = context.storage
        self.branch: StorageBranch = found
        self.rules = VolumeRules(self.model, context.compute)
        self.actions: list[ProposedAction] = []
        self.incoming_gb: FloatArray = np.zeros(len(self.model.pools), dtype=np.float64)

    def name(self, volume: int) -> str:
        """A volume's name for sentences, its id if it has none."""
        volumes = self.model.volumes
        return volumes.name[volume] or volumes.id[volume]

    def explain(self, volume: int, volume_type: str | None = None) -> PoolExplanation:
        """Where a volume may go, rule by rule; with another type, if one is given."""
        kind = self.branch.volume_type(volume) if volume_type is None else volume_type
        return self.rules.explain(volume, int(self.branch.pool_of[volume]), self.incoming_gb, kind)

    def used(self, pool: int, more_gb: float = 0.0) -> float | None:
        """The share of a pool that is used, with so many GB more, %; None if it is unknown.

        A volume uses its whole size.
        """
        total = float(self.model.pools.total_gb[pool])
        free = float(self.branch.free_gb[pool]) - more_gb
        if np.isinf(total) or np.isinf(free):
            return 0.0
        return round(100.0 * (1.0 - free / total), 1) if total > 0 and np.isfinite(free) else None

    def move(self, volume: int, pool: int, reason: Reason, **facts: object) -> None:
        """Moves a volume to another pool and adds the action.

        Args:
            volume: index of the volume.
            pool: index of a pool where it may legally go.
            reason: why; its facts are those of ``effect`` and:
            facts: further ones.
        """
        found = {**self.effect(volume, pool, self.explain(volume)), **facts}
        self._put(volume, pool)
        self.actions.append(migrate_volume(self.model, volume, pool, Cause(reason, found)))

    def retype(self, volume: int, kind: str, pool: int, reason: Reason, **facts: object) -> None:
        """Gives a volume another type and adds the action.

        Args:
            volume: index of the volume.
            kind: name of the type.
            pool: index of the pool where it is expected to go; its own, if it may stay there.
            reason: why; its facts are those of ``effect``, ``type`` and:
            facts: further ones.
        """
        found = {**self.effect(volume, pool, self.explain(volume, kind)), "type": kind, **facts}
        if pool != self.branch.pool_of[volume]:
            self._put(volume, pool)
        self.branch.retype(volume, kind)
        self.actions.append(retype_volume(self.model, volume, kind, Cause(reason, found)))

    def effect(self, volume: int, pool: int, explained: PoolExplanation) -> JsonObject:
        """What a move does, before it is made.

        The facts are ``volume``, ``size`` (GB), ``source``, ``destination``, ``before`` and
        ``after`` (% of the destination that is used, or ``unknown``), and ``refused``: pools with
        more free capacity, and why each was refused.
        """
        names, size = self.model.pools.name, int(self.model.volumes.size_gb[volume])
        more = size if pool != self.branch.pool_of[volume] else 0
        before, after = self.used(pool), self.used(pool, more)
        facts: JsonObject = {
            "volume": self.name(volume),
            "size": size,
            "source": names[int(self.branch.pool_of[volume])],
            "destination": names[pool],
            "before": "unknown" if before is None else before,
            "after": "unknown" if after is None else after,
        }
        free = self.branch.free_gb
        roomier = np.flatnonzero((free > free[pool]) & ~explained.legal)
        roomier = roomier[roomier != self.branch.pool_of[volume]]
        roomier = roomier[np.argsort(-free[roomier], kind="stable")][:_REFUSED]
        causes = [explained.why_not(int(one))[0] for one in roomier]
        refused = [{"reason": cause.reason, **cause.facts} for cause in causes]
        return {**facts, "refused": refused} if refused else facts

    def stays(
        self,
        volume: int,
        *,
        kind: str | None = None,
        only: int | None = None,
        said: str = "",
        unwanted: Mapping[str, BoolArray] = NOTHING,
    ) -> None:
        """Records why a volume stays in its pool after all moves.

        Args:
            volume: index of the volume.
            kind: the type that it was to get.
            only: index of the only pool that was considered.
            said: why the strategy leaves it, if that is the reason.
            unwanted: what the strategy says of pools that no rule refuses → bool[pools].
        """
        context = self.context
        subject = context.volume(volume)
        if context.alternatives.is_full:
            context.alternatives.add(subject, None)
            return
        facts = self._why(volume, kind, only, said, unwanted)
        pool = self.model.pools.name[int(self.branch.pool_of[volume])]
        facts = {"volume": self.name(volume), "pool": pool, **facts}
        context.considered(subject, VOLUME_CANNOT_LEAVE, **facts)

    def _why(
        self,
        volume: int,
        kind: str | None,
        only: int | None,
        said: str,
        unwanted: Mapping[str, BoolArray],
    ) -> JsonObject:
        fixed = self.rules.why_fixed(volume)
        if fixed is not None:
            return {"detail": str(fixed), "rule": fixed.reason}
        if said:
            return {"detail": said}
        explained = self.explain(volume, kind)
        if explained.legal.any() and not self.context.budget.left:
            return {"detail": BUDGET_SPENT}
        why = explained.why_not(only) if only is not None else ()
        if why:
            return {"detail": str(why[0]), "rule": why[0].reason}
        found = counted(explained.masks, "NotCurrentPool", unwanted, RULES.__getitem__, "pool")
        return {
            "detail": f"it finds no place in {found.words}",
            "candidates": found.candidates,
            "refused": dict(found.rules),
            "unwanted": dict(found.others),
        }

    def _put(self, volume: int, pool: int) -> None:
        self.branch.move(volume, pool)
        self.incoming_gb[pool] += float(self.model.volumes.size_gb[volume])
