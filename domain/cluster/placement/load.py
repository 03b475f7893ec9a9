"""Measured use of hosts by servers, in addition to what is allocated to them."""

from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import FloatArray, frozen

USED_RESOURCES = ("cpu", "memory")
USED_CPU, USED_MEMORY = range(2)
_STEPS = float(2**20)
"""Use is rounded to 2**-20 of its unit: sums of such numbers are exact in any order. So undoing a
move restores the exact sums, and two ways to the same placement compare equal."""


@dataclass(frozen=True, eq=False)
class MeasuredLoad:
    """Measured use and its limits; rows are USED_RESOURCES (cores, MB).

    Attributes:
        need: float64[servers, 2], what each server uses.
        base: float64[2, hosts], use of a host that no server accounts for.
        limit: float64[2, hosts], the most that a host should use.
    """

    need: FloatArray
    base: FloatArray
    limit: FloatArray

    @staticmethod
    def of(need: FloatArray, base: FloatArray, limit: FloatArray) -> "MeasuredLoad":
        """Makes a load from raw figures (same shapes), rounded so that sums are exact."""
        return MeasuredLoad(exact(need), exact(base), frozen(np.array(limit)))

    @staticmethod
    def none(model: ComputeModel) -> "MeasuredLoad":
        """No use and no limits: only allocations count."""
        hosts = len(model.hosts)
        return MeasuredLoad(
            need=frozen(np.zeros((len(model.servers), len(USED_RESOURCES)))),
            base=frozen(np.zeros((len(USED_RESOURCES), hosts))),
            limit=frozen(np.full((len(USED_RESOURCES), hosts), np.inf)),
        )


def exact(amounts: FloatArray) -> FloatArray:
    """The amounts, rounded so that sums of them are exact in any order."""
    return frozen(np.round(amounts * _STEPS) / _STEPS)
