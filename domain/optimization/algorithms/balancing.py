"""Balancing a load: moving servers from the most loaded host while that lowers the spread."""

from dataclasses import dataclass

import numpy as np

from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.reasons import Reason
from domain.optimization.algorithms.moves import Moves

LOWERS_SPREAD = Reason(
    "lowers-spread",
    "moving {server} from {source} to {destination} lowers the standard deviation of the load "
    "from {before} to {after}",
    before="share of the capacity",
    after="share of the capacity",
)


_NEGLIGIBLE = 1e-12
"""A gain that rounding errors can make."""


@dataclass(frozen=True, eq=False)
class HostLoad:
    """A load to balance.

    Attributes:
        amount: float64[hosts], the load of each host.
        capacity: float64[hosts], in the same unit; hosts with 0 are left out.
        need: float64[servers], what each server adds to the load of its host.
    """

    amount: FloatArray
    capacity: FloatArray
    need: FloatArray

    @property
    def share(self) -> FloatArray:
        """float64[hosts]: load / capacity; 0 for hosts without capacity."""
        return np.divide(
            self.amount, self.capacity, out=np.zeros_like(self.amount), where=self.capacity > 0
        )


def spread(share: FloatArray, hosts: BoolArray) -> float:
    """The standard deviation of the load of some hosts (bool[hosts]); 0 for none."""
    return float(share[hosts].std()) if hosts.any() else 0.0


def balance(
    moves: Moves, load: HostLoad, hosts: BoolArray, *, target: float, max_moves: int
) -> float:
    """Moves servers until the spread is at most a target, or no move lowers it.

    Each step takes the most loaded host from which a move helps, and of all legal moves of its
    servers the one that lowers the spread most. A server is moved at most once.

    Args:
        moves: collects the moves.
        load: of hosts and servers; not changed.
        hosts: bool[hosts], the hosts to balance: sources and destinations.
        target: standard deviation of load / capacity at which to stop.
        max_moves: the most moves.

    Returns:
        The spread after the moves.
    """
    amount = load.amount.copy()
    hosts = hosts & (load.capacity > 0)
    reached = spread(load.share, hosts)
    waiting = moves.rules.movable & ~moves.context.in_flight() & (load.need > 0)
    while reached > target and len(moves.actions) < max_moves:
        share = HostLoad(amount, load.capacity, load.need).share
        step = _best_step(moves, load, share, hosts, waiting)
        if step is None:
            break
        server, destination = step
        source = int(moves.branch.host_of[server])
        amount[source] -= load.need[server]
        amount[destination] += load.need[server]
        waiting[server] = False
        share = HostLoad(amount, load.capacity, load.need).share
        before, reached = reached, spread(share, hosts)
        figures = {"before": round(before, 4), "after": round(reached, 4)}
        moves.move(server, destination, LOWERS_SPREAD, **figures)
    return reached


def _best_step(
    moves: Moves, load: HostLoad, share: FloatArray, hosts: BoolArray, waiting: BoolArray
) -> tuple[int, int] | None:
    """(server, destination) of the move that helps most, from the most loaded host that has one."""
    mean = float(share[hosts].mean())
    loaded = np.flatnonzero(hosts & (share > mean))
    for host in loaded[np.argsort(-share[loaded], kind="stable")]:
        servers = moves.residents(int(host))
        servers = servers[waiting[servers]]
        if not moves.context.budget.spend(len(servers) + 1):
            return None
        found = _best_of_host(moves, load, share, hosts, int(host), servers.tolist())
        if found is not None:
            return found
    return None


def _best_of_host(
    moves: Moves,
    load: HostLoad,
    share: FloatArray,
    hosts: BoolArray,
    source: int,
    servers: list[int],
) -> tuple[int, int] | None:
    best: tuple[float, int, int] | None = None
    for server in servers:
        legal = np.flatnonzero(moves.rules.legal_hosts(moves.branch, server) & hosts)
        if not len(legal):
            continue
        gain = _gain(load, share, hosts, source, legal, float(load.need[server]))
        place = int(np.argmax(gain))
        if gain[place] > _NEGLIGIBLE and (best is None or gain[place] > best[0]):
            best = (float(gain[place]), server, int(legal[place]))
    return None if best is None else (best[1], best[2])


def _gain(
    load: HostLoad,
    share: FloatArray,
    hosts: BoolArray,
    source: int,
    destinations: "np.ndarray[tuple[int], np.dtype[np.intp]]",
    need: float,
) -> FloatArray:
    """float64[destinations]: by how much a move lowers the variance of the shares, times hosts.

    With n hosts and shares s, the sum of squared deviations is sum(s^2) - sum(s)^2 / n.
    """
    count, total = int(hosts.sum()), float(share[hosts].sum())
    less = need / load.capacity[source]
    more = need / load.capacity[destinations]
    squares = (
        (share[source] - less) ** 2
        - share[source] ** 2
        + (share[destinations] + more) ** 2
        - share[destinations] ** 2
    )
    sums = ((total - less + more) ** 2 - total**2) / count
    gain: FloatArray = -(squares - sums)
    return gain
