"""Choosing the hosts that stay in use: few, with room for all servers, and holding many of them.

Of the hosts whose room suffices, those are chosen that hold the most servers already, because each
server of another host has to migrate. That is a knapsack problem with a row per resource, solved by
Lagrangian relaxation: the k hosts with the largest

    servers on the host + sum over resources of price x share of the room

are chosen, and the price of a resource that is short is raised by bisection until it is not. See
H. Everett, "Generalized Lagrange Multiplier Method for Solving Problems of Optimum Allocation of
Resources", Operations Research 11 (1963).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from domain.cluster.table.columns import BoolArray, FloatArray, IntArray

_EXACT: Final = 1e-9
"""Relative error that sums may have."""
_PASSES: Final = 12
"""How often the price of each resource is raised."""
_GROWTH: Final = 1.25
"""Least factor by which a price is raised again."""
_HALVINGS: Final = 30
_RISES: Final = 24


@dataclass(frozen=True, eq=False)
class Candidates:
    """Hosts that can take servers from each other.

    Attributes:
        servers: int64[n], servers on each host.
        room: float64[rows, n], of each resource, what the servers of the host use and what is free.
        need: float64[rows], what the hosts that stay must have room for.
        forced: bool[n], stays in any case.
    """

    servers: IntArray
    room: FloatArray
    need: FloatArray
    forced: BoolArray

    def evenly(self) -> "Candidates":
        """The same if each host got servers of all kinds alike.

        Of a host counts only what its scarcest resource allows: memory for which it has no vCPUs
        left is of no use, which the sums over many hosts do not show.
        """
        share = (self.room / np.maximum(self.need, _EXACT)[:, None]).min(axis=0, initial=1.0)
        return replace(self, room=share[None, :], need=np.ones(1))

    def suffices(self, stay: BoolArray) -> bool:
        """Whether some of the hosts (bool[n]) have the room that is needed, taken together."""
        return bool((self._shares @ stay >= self._wanted).all())

    def bound(self) -> int:
        """A lower bound of the hosts that stay: the most that any resource alone asks for."""
        given = self.room[:, self.forced].sum(axis=1)
        largest = -np.sort(-self.room[:, ~self.forced], axis=1)
        first = np.zeros((len(self.need), 1))
        room = given[:, None] + np.hstack([first, np.cumsum(largest, axis=1)])
        enough = room >= (self.need * (1 - _EXACT))[:, None]
        further = np.where(enough.any(axis=1), enough.argmax(axis=1), room.shape[1] - 1)
        return int(np.count_nonzero(self.forced) + further.max(initial=0))

    def fewest(self, most_moves: int | None = None) -> BoolArray:
        """bool[n]: the fewest hosts that have the room; all if even they do not.

        Args:
            most_moves: the most servers that may be on the other hosts; None: no limit.
        """
        everything = np.ones(len(self.servers), dtype=np.bool_)
        count = _least(self.bound(), len(everything), lambda one: self.of(one) is not None)
        if most_moves is not None:
            count = _least(count, len(everything), lambda one: self._moved(one) <= most_moves)
        found = self.of(count)
        return everything if found is None else found

    def of(self, count: int) -> BoolArray | None:
        """bool[n]: so many hosts that have the room; None if none are found."""
        price = np.zeros(len(self.need))
        for _ in range(_PASSES * max(1, len(price))):
            stay = self._dearest(price, count)
            if not len(price):
                return stay
            lacking = self._wanted - self._shares @ stay
            row = int(np.argmax(lacking))
            if lacking[row] <= 0:
                return stay
            if not self._raise(price, row, count):
                return None
        return None

    def _moved(self, count: int) -> int:
        stay = self.of(count)
        return 0 if stay is None else int(self.servers[~stay].sum())

    def _dearest(self, price: FloatArray, count: int) -> BoolArray:
        value = self.servers + price @ self._shares
        value[self.forced] = np.inf
        stay = np.zeros(len(value), dtype=np.bool_)
        stay[np.argsort(value, kind="stable")[len(value) - count :]] = True
        return stay

    def _raise(self, price: FloatArray, row: int, count: int) -> bool:
        """Raises a price to the least at which its row is not short; False if there is none."""

        def short(at: float) -> bool:
            price[row] = at
            return bool(self._shares[row] @ self._dearest(price, count) < self._wanted[row])

        low = float(price[row])
        high = max(_GROWTH * low, 1.0)
        if low and not short(high):
            return True  # rows that become short in turn would else exchange ever smaller rises
        for _ in range(_RISES):
            if not short(high):
                break
            low, high = high, 4.0 * high
        else:
            return False
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            low, high = (middle, high) if short(middle) else (low, middle)
        price[row] = high
        return True

    @cached_property
    def _shares(self) -> FloatArray:
        """float64[rows, n]: of what is needed."""
        shares: FloatArray = self.room / np.maximum(self.need, _EXACT)[:, None]
        return shares

    @cached_property
    def _wanted(self) -> FloatArray:
        return np.where(self.need > 0, 1.0 - _EXACT, 0.0)


def _least(low: int, high: int, suits: Callable[[int], bool]) -> int:
    """The least number that suits, if all larger ones do; ``high`` if none does."""
    if low >= high or suits(low):
        return min(low, high)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if suits(middle) else (middle, high)
    return high


def components(hosts: BoolArray, linked: Iterable[BoolArray]) -> list[IntArray]:
    """The parts of some hosts that no mask connects, as indices in order.

    Args:
        hosts: bool[hosts].
        linked: bool[hosts] each; the hosts of a mask are in one part.
    """
    places = np.flatnonzero(hosts)
    label = np.arange(len(hosts))
    for mask in linked:
        merged = np.unique(label[mask & hosts])
        if len(merged) > 1:
            label[np.isin(label, merged)] = merged[0]
            if (label[places] == merged[0]).all():
                break
    return [places[label[places] == one] for one in np.unique(label[places])]
