"""The order in which planners list the actions of a solution."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from domain.optimization.planners.dependencies import destination, source, switched
from domain.optimization.planners.weights import UNKNOWN_WEIGHT
from domain.plans.proposal import ProposedAction


def by_weight(
    actions: Sequence[ProposedAction], weights: Mapping[str, int]
) -> list[ProposedAction]:
    """Heaviest first, else as in the solution; but parents of moves before, children behind them.

    A host is disabled (or switched off) behind the last move off it, unless the solution lists that
    before the first one: then the strategy wants no server to arrive while the host is being
    emptied. A host is enabled (or switched on) before the first move to it.

    Args:
        actions: in the order of the solution.
        weights: action type → weight; a type that is not listed has 0.
    """
    places = _Places(actions)
    rank = [(-weights.get(one.type, UNKNOWN_WEIGHT), at) for at, one in enumerate(actions)]
    behind: dict[int, list[int]] = defaultdict(list)
    ahead: dict[int, list[int]] = defaultdict(list)
    tied: set[int] = set()
    for at, action in enumerate(actions):
        on, off = switched(action, on=True), switched(action, on=False)
        if on is None and off is None:
            continue
        last, first = places.last_before(at, on, off), places.first_after(on, off)
        if last is not None:
            behind[last].append(at)
        elif first is not None and rank[first] < rank[at]:
            ahead[first].append(at)
        else:
            continue
        tied.add(at)
    sequence = sorted((at for at in range(len(actions)) if at not in tied), key=rank.__getitem__)
    return [actions[one] for at in sequence for one in (*ahead[at], at, *behind[at])]


class _Places:
    """Where the solution lists the moves to and off each host."""

    def __init__(self, actions: Sequence[ProposedAction]) -> None:
        self._off: dict[str | None, list[int]] = defaultdict(list)
        self._into: dict[str | None, list[int]] = defaultdict(list)
        self._closed: dict[str | None, int] = {}
        for at, action in enumerate(actions):
            self._off[source(action)].append(at)
            self._into[destination(action)].append(at)
            self._closed.setdefault(switched(action, on=False), at)

    def last_before(self, at: int, on: str | None, off: str | None) -> int | None:
        """The last move off the host that an action closes, or opens again, after some of them."""
        if on is not None and self._closed.get(on, at) >= at:
            return None  # it opens a host that the plan has not closed
        moves = self._off[on or off] if on or off else []
        return moves[-1] if moves and moves[0] < at else None

    def first_after(self, on: str | None, off: str | None) -> int | None:
        """The first move that an action which opens or closes a host must not come after."""
        moves = self._into[on] if on else self._off[off] if off else []
        return moves[0] if moves else None
