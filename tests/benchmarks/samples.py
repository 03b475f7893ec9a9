import math
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values that a share of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
