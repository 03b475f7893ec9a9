"""Relieving hosts: moving servers off until a load is no longer over its limit."""

from collections.abc import Mapping

import numpy as np

from domain.cluster.table.columns import FloatArray
from domain.kernel.reasons import Reason
from domain.optimization.algorithms.moves import FindHost, Moves

RELIEVES_OVERLOAD = Reason(
    "relieves-overload",
    "moving {server} relieves {source}: {used} of {capacity} cores in use",
    used="cores",
    capacity="cores",
)


def relieve(
    moves: Moves, excess: FloatArray, limit: FloatArray, need: FloatArray, find_host: FindHost
) -> Mapping[int, float]:
    """Relieves hosts whose load is over the limit, the relatively worst first.

    Of a host's servers the smallest that removes the excess alone is moved; if there is none, the
    largest, and so on.

    Args:
        moves: collects the moves.
        excess: float64[hosts], load over the limit; hosts with 0 or less are left alone.
        limit: float64[hosts], in the unit of the load.
        need: float64[servers], what each server adds to the load of its host.
        find_host: finds a destination.

    Returns:
        Host → excess that remains because no further server could be moved.
    """
    relative = excess / np.maximum(limit, 1.0)
    hot = np.flatnonzero((excess > 0) & moves.model.up)
    found = {
        int(host): _relieve_host(moves, int(host), (excess, limit, need), find_host)
        for host in hot[np.argsort(-relative[hot], kind="stable")]
    }
    return {host: rest for host, rest in found.items() if rest > 0}


def _relieve_host(
    moves: Moves, host: int, figures: tuple[FloatArray, FloatArray, FloatArray], find_host: FindHost
) -> float:
    excess, limit, need = float(figures[0][host]), float(figures[1][host]), figures[2]
    waiting = [s for s in moves.residents(host) if moves.movable[s] and need[s] > 0]
    used = limit + excess
    while excess > 0 and waiting and moves.context.budget.spend():
        server = _best_relief(waiting, need, excess)
        waiting.remove(server)
        destination = find_host(host, server)
        if destination is None:
            continue
        facts = {"used": round(used, 3), "capacity": limit}
        moves.move(server, destination, RELIEVES_OVERLOAD, **facts)
        excess -= float(need[server])
        used -= float(need[server])
    return excess


def _best_relief(servers: list[int], need: FloatArray, excess: float) -> int:
    """The smallest server that removes the excess alone; if none does, the largest."""
    enough = [server for server in servers if need[server] >= excess]
    if enough:
        return min(enough, key=lambda server: (need[server], server))
    return min(servers, key=lambda server: (-need[server], server))
