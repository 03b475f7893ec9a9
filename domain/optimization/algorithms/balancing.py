"""Balancing a load: moves and swaps of servers that lower the spread of the hosts.

Each step takes the host that adds most to the spread and has a step left, and of its legal steps
the one that lowers the spread most for its price. A swap is tried where no move helps. Servers
move once; those that have moved move again only if nothing else helps, and two moves of a server
become one where the moves between them stay legal.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.refusals import refused
from domain.optimization.algorithms.spread import HostLoad, Shares, Target

LOWERS_SPREAD = Reason(
    "lowers-spread",
    "moving {server} takes {source} from {source_before} to {source_after} % and {destination} "
    "from {destination_before} to {destination_after} % of {metric}; the spread goes from {before} "
    "to {after}",
    source_before="%",
    source_after="%",
    destination_before="%",
    destination_after="%",
    before="share of the capacity",
    after="share of the capacity",
)
SWAP_LOWERS_SPREAD = Reason(
    "swap-lowers-spread",
    "{server} on {source} and {other} on {destination} swap places: both moves take the spread "
    "from {before} to {after}",
    before="share of the capacity",
    after="share of the capacity",
)

DURATION = 0.25
"""Share of the price of a migration that grows with its duration; the rest is the same for all. On
generated clusters of 50 to 200 hosts, migrations take a quarter less time in all than with a price
of 1 each, and are a tenth more; with a larger share they are many more."""
NEGLIGIBLE = 1e-9
"""A gain that rounding errors can make."""
_COLDEST = 64
"""Destinations that are tried before all others: those with the least load."""
_SWAPPED = 24
"""Hosts with which a host may swap servers: those with the least load."""
_TRIED = 48
"""Swaps of a host of which the legality is checked, best first."""
_REFUSED = 2
"""Better but refused destinations that each move names."""


@dataclass(frozen=True)
class Transfer:
    """A move of a server, perhaps half of a swap.

    Attributes:
        server, destination: indices.
        other: the server that moves the other way; -1: none.
        refused: hosts that would lower the spread more, but may not have the server.
    """

    server: int
    destination: int
    other: int = -1
    refused: tuple[int, ...] = ()


def balance(
    moves: Moves, load: HostLoad, target: Target, movable: BoolArray, *, max_moves: int = 0
) -> Shares:
    """Moves and swaps servers until the target is reached or no step lowers the spread.

    Args:
        moves: collects the moves.
        load: of hosts and servers.
        target: when to stop.
        movable: bool[servers], those that may be moved; of them, those of unknown need stay.
        max_moves: the most moves; 0: no limit.

    Returns:
        The shares after the moves.
    """
    mark = moves.branch.mark()
    search = _Search(moves, load, target, movable)
    if max_moves:
        search.count_only()
    steps = search.run(max_moves or 2 * len(movable))
    moves.branch.rollback(mark)
    return _write(moves, load, _once_each(moves, steps))


def indicators(moves: Moves, before: Shares, after: Shares) -> dict[str, float]:
    """The efficacy indicators of balancing."""
    model = moves.model
    return {
        "instance_migrations_count": len(moves.actions),
        "instances_count": len(model.servers) + len(model.unplaced),
        "standard_deviation_before_audit": round(before.spread, 6),
        "standard_deviation_after_audit": round(after.spread, 6),
    }


class _Search:
    """The state of a search: the load so far, and the hosts that have no step left."""

    def __init__(self, moves: Moves, load: HostLoad, target: Target, movable: BoolArray) -> None:
        self._moves = moves
        self._load = load
        self._target = target
        self._amount = load.amount.copy()
        known = ~np.isnan(load.need).any(axis=0)
        self._movable = movable & known & (load.need > 0).any(axis=0)
        self._waiting = self._movable.copy()
        seconds = moves.context.cost.seconds(moves.model)
        relative = seconds / max(float(seconds.mean()) if len(seconds) else 0.0, NEGLIGIBLE)
        self._price: FloatArray = 1.0 - DURATION + DURATION * relative
        self._stuck: BoolArray = np.zeros_like(load.hosts)

    def count_only(self) -> None:
        """Gives every migration the same price: their number is limited, not their duration."""
        self._price = np.ones_like(self._price)

    def run(self, most: int) -> list[Transfer]:
        """The moves, legal in this order."""
        found: list[Transfer] = []
        all_wait = True
        while len(found) < most:
            before = len(found)
            while len(found) < most and (step := self._next_step(most - len(found))):
                found += step
            self._stuck[:] = False  # room may have become free since
            if len(found) > before:
                all_wait = False
            elif all_wait:
                break
            else:
                self._waiting, all_wait = self._movable.copy(), True
        return found

    def _next_step(self, moves_left: int) -> Sequence[Transfer]:
        """The moves of the next step; none if each source is stuck or the budget is spent."""
        while True:
            shares = self._load.shares(self._amount)
            pull = shares.pull()
            host = _largest(pull, self._target.sources(shares) & ~self._stuck)
            if host is None or not self._moves.context.budget.spend():
                return ()
            step = self._best_step(host, shares, pull, moves_left)
            for transfer in step:
                self._make(transfer)
            if step:
                return step
            self._stuck[host] = True

    def _make(self, transfer: Transfer) -> None:
        step = self._moves.branch.move(transfer.server, transfer.destination)
        self._amount[:, step.source] -= self._load.need[:, step.server]
        self._amount[:, step.destination] += self._load.need[:, step.server]
        self._waiting[step.server] = False

    def _best_step(
        self, host: int, shares: Shares, pull: FloatArray, moves_left: int
    ) -> Sequence[Transfer]:
        servers = self._residents(host)
        cold = np.flatnonzero(self._load.hosts & (np.arange(len(pull)) != host))
        cold = cold[np.argsort(pull[cold], kind="stable")]
        if not len(servers) or not self._moves.context.budget.spend(len(servers)):
            return ()
        for destinations in (cold[:_COLDEST], cold[_COLDEST:]):
            move = self._best_move(host, servers, destinations, shares)
            if move is not None:
                return (move,)
        return self._best_swap(host, servers, cold[:_SWAPPED], shares) if moves_left > 1 else ()

    def _residents(self, host: int) -> IntArray:
        return np.flatnonzero((self._moves.branch.host_of == host) & self._waiting)

    def _best_move(
        self, host: int, servers: IntArray, destinations: IntArray, shares: Shares
    ) -> Transfer | None:
        need = self._load.need[:, servers, None]
        score = self._score(host, destinations, need, shares, self._price[servers, None])
        found = self._best_legal(servers, destinations, score)
        if found is None:
            return None
        row, column, legal = found
        better = np.flatnonzero(~legal & (score[row] > score[row, column]))
        refused = destinations[better[np.argsort(-score[row, better], kind="stable")][:_REFUSED]]
        return Transfer(
            int(servers[row]),
            int(destinations[column]),
            refused=tuple(int(one) for one in refused),
        )

    def _best_legal(
        self, servers: IntArray, destinations: IntArray, score: FloatArray
    ) -> tuple[int, int, BoolArray] | None:
        """The legal pair of the highest score, and which destinations its server may go to.

        A server's rules are checked only when its best score is the highest that is left.
        """
        best = score.max(axis=1, initial=0.0)
        checked: dict[int, BoolArray] = {}
        while best.max(initial=0.0) > NEGLIGIBLE:
            row = int(np.argmax(best))
            if row in checked:
                return row, int(np.argmax(np.where(checked[row], score[row], 0.0))), checked[row]
            checked[row] = self._moves.destinations(int(servers[row]))[destinations]
            best[row] = np.where(checked[row], score[row], 0.0).max(initial=0.0)
        return None

    def _best_swap(
        self, host: int, servers: IntArray, destinations: IntArray, shares: Shares
    ) -> Sequence[Transfer]:
        residents = [self._residents(int(one)) for one in destinations]
        if not sum(map(len, residents)):
            return ()
        others = np.concatenate(residents)
        owners = np.repeat(destinations, [len(one) for one in residents])
        need = self._load.need[:, servers, None] - self._load.need[:, None, others]
        price = self._price[servers, None] + self._price[others]
        score = self._score(host, owners, need, shares, price).ravel()
        helping = np.flatnonzero(score > NEGLIGIBLE)
        for place in helping[np.argsort(-score[helping], kind="stable")][:_TRIED]:
            row, column = divmod(int(place), len(others))
            server, other = int(servers[row]), int(others[column])
            there = Transfer(server, int(owners[column]), other)
            back = Transfer(other, host, server)
            for both in ((there, back), (back, there)):
                if _is_legal(self._moves, both):
                    return both
        return ()

    def _score(
        self,
        host: int,
        destinations: IntArray,
        need: FloatArray,
        shares: Shares,
        price: FloatArray,
    ) -> FloatArray:
        """float64[servers, destinations]: what a step gains for its price; 0 if it may not be."""
        gain = (shares.spread - shares.spread_after(host, destinations, need)) / price
        below = (shares.received(destinations, need) < self._target.ceiling).all(axis=0)
        return np.where(below, gain, 0.0)


def _is_legal(moves: Moves, transfers: Sequence[Transfer]) -> bool:
    """Whether some moves are legal, each after those before it. Leaves the branch as it is."""
    mark = moves.branch.mark()
    legal = True
    for transfer in transfers:
        legal = bool(moves.destinations(transfer.server)[transfer.destination])
        if not legal:
            break
        moves.branch.move(transfer.server, transfer.destination)
    moves.branch.rollback(mark)
    return legal


def _once_each(moves: Moves, transfers: list[Transfer]) -> list[Transfer]:
    """The same placement with one move per server, where that is legal in this order."""
    times = Counter(transfer.server for transfer in transfers)
    twice = sorted(server for server, count in times.items() if count > 1)
    for servers in (twice, *([server] for server in twice)):
        shorter = list(_direct(moves, transfers, set(servers)))
        if not moves.context.budget.spend(len(shorter)):
            break
        if _is_legal(moves, shorter):
            transfers = shorter
    return transfers


def _direct(moves: Moves, transfers: list[Transfer], servers: set[int]) -> Iterator[Transfer]:
    """The moves with only the last of each of some servers; none if it ends where it began."""
    last = {transfer.server: place for place, transfer in enumerate(transfers)}
    for place, transfer in enumerate(transfers):
        home = int(moves.branch.host_of[transfer.server]) == transfer.destination
        if transfer.server in servers and (place != last[transfer.server] or home):
            continue
        alone = servers & {transfer.server, transfer.other}
        yield replace(transfer, other=-1) if alone else transfer


def _write(moves: Moves, load: HostLoad, transfers: Sequence[Transfer]) -> Shares:
    """Adds the moves with what each does to the load; returns the shares after them."""
    states = map(load.shares, _amounts(moves, load, transfers))
    before, place = next(states), 0
    while place < len(transfers):
        steps = transfers[place : place + _size(transfers, place)]
        *_, after = islice(states, len(steps))
        figures: JsonObject = {"before": _rounded(before.spread), "after": _rounded(after.spread)}
        for step in steps:
            if len(steps) > 1:
                facts = {**figures, "other": moves.name(step.other)}
                moves.move(step.server, step.destination, SWAP_LOWERS_SPREAD, **facts)
            else:
                facts = {
                    **figures,
                    **_effect(moves, step, before, after),
                    **refused(moves, step.server, step.refused),
                }
                moves.move(step.server, step.destination, LOWERS_SPREAD, **facts)
        before, place = after, place + len(steps)
    return before


def _amounts(moves: Moves, load: HostLoad, transfers: Sequence[Transfer]) -> Iterator[FloatArray]:
    """The load before the first move and after each."""
    amount = load.amount.copy()
    at = moves.branch.host_of.copy()
    yield amount
    for transfer in transfers:
        amount[:, at[transfer.server]] -= load.need[:, transfer.server]
        amount[:, transfer.destination] += load.need[:, transfer.server]
        at[transfer.server] = transfer.destination
        yield amount


def _size(transfers: Sequence[Transfer], place: int) -> int:
    """How many moves belong together: 2 if a swap begins at a place, else 1."""
    pair = transfers[place : place + 2]
    return 2 if len(pair) > 1 and pair[0].other == pair[1].server >= 0 else 1


def _effect(moves: Moves, transfer: Transfer, before: Shares, after: Shares) -> JsonObject:
    """Figures of a move, of the metric that it changes most."""
    source, destination = int(moves.branch.host_of[transfer.server]), transfer.destination
    change = np.abs(after.share - before.share)[:, source] * before.load.weight
    row = int(np.argmax(change))
    return {
        "metric": before.load.metrics[row],
        "source_before": _percent(before.share[row, source]),
        "source_after": _percent(after.share[row, source]),
        "destination_before": _percent(before.share[row, destination]),
        "destination_after": _percent(after.share[row, destination]),
    }


def _largest(values: FloatArray, mask: BoolArray) -> int | None:
    places = np.flatnonzero(mask)
    return int(places[np.argmax(values[places])]) if len(places) else None


def _percent(share: float) -> float:
    return round(100.0 * float(share), 1)


def _rounded(spread: float) -> float:
    return round(spread, 5)
