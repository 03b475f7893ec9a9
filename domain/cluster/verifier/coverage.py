"""How much of some demands certain supplies cover at most: a maximum flow."""

from collections.abc import Mapping, Sequence


def covered(demands: Sequence[tuple[float, Sequence[int]]], supplies: Mapping[int, float]) -> float:
    """The largest part of the demands, in total, that the supplies can cover.

    Args:
        demands: amount, and the supplies that may serve it.
        supplies: supply → amount.

    Source: Edmonds and Karp, "Theoretical improvements in algorithmic efficiency for network flow
    problems", 1972.
    """
    left = dict(supplies)
    served: dict[int, dict[int, float]] = {supply: {} for supply in supplies}
    total = 0.0
    for number, (amount, _) in enumerate(demands):
        rest = amount
        while rest > 0 and (path := _path(number, demands, left, served)):
            given = [served[supply][taker] for supply, taker in path[1:]]
            flow = min(rest, left[path[0][0]], *given) if given else min(rest, left[path[0][0]])
            _push(number, path, flow, served)
            left[path[0][0]] -= flow
            rest -= flow
            total += flow
    return total


def _path(
    first: int,
    demands: Sequence[tuple[float, Sequence[int]]],
    left: Mapping[int, float],
    served: Mapping[int, Mapping[int, float]],
) -> list[tuple[int, int]]:
    """From a supply with a rest to a demand: pairs (supply, demand that gives some of it up)."""
    reached: dict[int, tuple[int, int] | None] = {}
    queue: list[tuple[int, tuple[int, int] | None]] = [(first, None)]
    for demand, via in queue:
        for supply in demands[demand][1]:
            if supply in reached:
                continue
            reached[supply] = via
            if left[supply] > 0:
                return _back(supply, via, reached)
            queue += [
                (other, (supply, other)) for other, part in served[supply].items() if part > 0
            ]
    return []


def _back(
    supply: int, via: tuple[int, int] | None, reached: Mapping[int, tuple[int, int] | None]
) -> list[tuple[int, int]]:
    path = [(supply, -1)]
    while via is not None:
        path.append(via)
        via = reached[via[0]]
    return path


def _push(
    first: int,
    path: Sequence[tuple[int, int]],
    flow: float,
    served: Mapping[int, dict[int, float]],
) -> None:
    """Each demand on the path takes from the supply before it what it gives up of the next one."""
    for place, (supply, _) in enumerate(path):
        taker = path[place + 1][1] if place + 1 < len(path) else first
        served[supply][taker] = served[supply].get(taker, 0.0) + flow
        if place + 1 < len(path):
            given_up, taker = path[place + 1]
            served[given_up][taker] -= flow
