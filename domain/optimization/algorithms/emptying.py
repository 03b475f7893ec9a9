"""Emptying hosts: all servers of a host move, or none does."""

from typing import Final

import numpy as np

from domain.cluster.placement.rules.hosts import HOST_PARTLY_UNKNOWN
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import dearest, largest_first
from domain.optimization.algorithms.refusals import refusals, standing

EMPTIES_HOST = Reason(
    "empties-host",
    "moving {server} helps to empty {source} (servers: {servers}); {destination} goes from "
    "{before} to {after} % of {resource}",
    servers="number",
    before="%",
    after="%",
)
STAYS_IN_USE = Reason("stays-in-use", "{host} cannot be emptied: {why}")

FREES_HOST = Reason("frees-host", "moving {server} helps to empty {source}")
HOST_NOT_EMPTIABLE = Reason(
    "host-not-emptiable", "{host} cannot be emptied: server {server} fits on no other host"
)
NO_LEGAL_HOST = Reason("no-legal-host", "no host can take server {server}")
"""Of plans of earlier versions, with ``frees-host`` and ``host-not-emptiable``."""

_MAX_REFUSED: Final = 2
"""Number of refused destinations that a move names."""
_MAX_EXPLAINED: Final = 25
"""Number of moves that name some: explaining a refusal costs as much as many moves."""
_EMPTY: Final = "empty"


def vacate(moves: Moves, host: int, found: list[tuple[int, int]]) -> None:
    """Moves the servers of a host, each legal after those before it.

    Args:
        moves: collects the moves.
        host: the host that is emptied.
        found: (server, destination) pairs, in order.
    """
    branch, servers = moves.branch, int(moves.model.servers_per_host[host])
    for server, to in found:
        limits = branch.limits[:, to]
        sound = np.isfinite(limits) & (limits > 0) & (branch.needs[server] > 0)
        share = branch.amounts[:, to] / np.where(sound, limits, np.inf)
        added = branch.needs[server] / np.where(sound, limits, np.inf)
        row = int(np.argmax(share + added))
        facts: JsonObject = {
            "servers": servers,
            "resource": branch.rows[row],
            "before": round(100.0 * float(share[row]), 1),
            "after": round(100.0 * float(share[row] + added[row]), 1),
        }
        if len(moves.actions) < _MAX_EXPLAINED:
            facts |= _refused(moves, server, to)
        moves.move(server, to, EMPTIES_HOST, **facts)


def why_not_emptied(
    moves: Moves, host: int, hosts: BoolArray, size: FloatArray, free: BoolArray
) -> Cause | None:
    """Why a host keeps its servers after the moves so far; None if they could all go elsewhere.

    Args:
        moves: with the branch and the rules.
        host: index of the host.
        hosts: bool[hosts], where its servers might go.
        size: float64[servers], the largest is placed first.
        free: bool[servers], can be moved and may be.
    """
    branch, name = moves.branch, moves.model.hosts.name[host]
    unseen = int(moves.model.hosts.unseen[host])
    if unseen:
        return Cause(HOST_PARTLY_UNKNOWN, {"host": name, "count": unseen})
    servers = np.flatnonzero(branch.host_of == host)
    if not free[servers].all():
        unwanted = {"in flight": moves.flying, "moved by the plan already": moves.movable & ~free}
        said = standing(moves, servers.tolist(), unwanted)
        return Cause(STAYS_IN_USE, {"host": name, "why": said})
    ordered, others = largest_first(servers, size), hosts.copy()
    others[host] = False
    for server in ordered:
        if not (moves.rules.legal_hosts(branch, server) & others).any():
            return Cause(STAYS_IN_USE, {"host": name, **_stuck(moves, server)})
    return _not_together(moves, name, ordered, others)


def _stuck(moves: Moves, server: int) -> JsonObject:
    found = refusals(moves, server, {_EMPTY: moves.branch.count == 0})
    name = moves.name(server)
    return {
        "server": name,
        "candidates": found.candidates,
        "refused": dict(found.rules),
        "unwanted": dict(found.others),
        "why": f"{name} finds no place on {found.words}",
    }


def _not_together(moves: Moves, name: str, servers: list[int], others: BoolArray) -> Cause | None:
    """The servers are placed one after the other, each where the fewest others could go."""
    branch, mark = moves.branch, moves.branch.mark()
    scarce = np.argsort(np.argsort(branch.count, kind="stable"), kind="stable")
    try:
        for placed, server in enumerate(servers):
            found = dearest(moves.rules, branch, server, others, scarce)
            if found is None:
                said = (
                    f"each of its {len(servers)} servers finds a place, but not all together: "
                    f"after {placed} of them, {moves.name(server)} finds none"
                )
                return Cause(STAYS_IN_USE, {"host": name, "placed": placed, "why": said})
            branch.move(server, found)
    finally:
        branch.rollback(mark)
    return None


def _refused(moves: Moves, server: int, chosen: int) -> JsonObject:
    """The hosts in use with the most free memory that were refused, and by which rule."""
    branch = moves.branch
    explained = moves.rules.explain(branch, server)
    left = (branch.count > 0) & ~explained.legal
    left[[chosen, int(branch.host_of[server])]] = False
    places = np.flatnonzero(left)
    if not len(places):
        return {}
    spare = (branch.limits - branch.amounts)[:, places].min(axis=0)
    best = places[np.argsort(-spare, kind="stable")[:_MAX_REFUSED]]
    reasons = [explained.why_not(int(host))[0] for host in best]
    return {"refused": [{"reason": why.reason, **why.facts} for why in reasons]}


class HostEmptying:
    """Empties hosts one by one. An emptied host gets no servers, a destination is not emptied.

    Args:
        moves: collects the moves.
        rank: int64[hosts], first to be emptied first; the last ones are filled first.
        size: float64[servers], largest first.
    """

    def __init__(self, moves: Moves, rank: IntArray, size: FloatArray) -> None:
        self._moves = moves
        self._rank = rank
        self._size = size
        self._emptied: BoolArray = np.zeros(len(rank), dtype=np.bool_)

    def run(self, hosts: BoolArray | None = None, most_failures: int | None = None) -> bool:
        """Empties every used host of which all servers fit on other used hosts.

        Args:
            hosts: bool[hosts], those that may be emptied; None: all that are up.
            most_failures: ends when more hosts than that, one after the other, cannot be emptied.

        Returns:
            Whether the search came to its end.
        """
        model, branch = self._moves.model, self._moves.branch
        used = (model.servers_per_host > 0) & model.up
        may = used if hosts is None else used & hosts
        failures, kept = 0, []
        for host in np.argsort(self._rank):
            if not may[host] or self._moves.is_destination[host] or not branch.count[host]:
                continue
            if self._empty(int(host)):
                failures = 0
                continue
            kept.append(int(host))
            failures += 1
            if most_failures is not None and failures > most_failures:
                break
        self._explain(kept)
        return most_failures is None or failures <= most_failures

    def _empty(self, host: int) -> bool:
        moves, branch = self._moves, self._moves.branch
        servers = moves.residents(host)
        if moves.model.hosts.unseen[host] or not moves.free[servers].all():
            return False
        if not moves.context.budget.spend(len(servers)):
            return False
        mark, found = branch.mark(), []
        self._emptied[host] = True
        for server in largest_first(servers, self._size):
            to = dearest(moves.rules, branch, server, self._destinations(), self._rank)
            if to is None:
                branch.rollback(mark)
                self._emptied[host] = False
                return False
            branch.move(server, to)
            found.append((server, to))
        branch.rollback(mark)
        vacate(moves, host, found)
        return True

    def _destinations(self) -> BoolArray:
        return (self._moves.branch.count > 0) & ~self._emptied

    def _explain(self, kept: list[int]) -> None:
        context, hosts = self._moves.context, self._destinations()
        for host in kept:
            cause = None
            if not context.alternatives.is_full:
                cause = why_not_emptied(self._moves, host, hosts, self._size, self._moves.free)
                if cause is None:
                    continue
            context.alternatives.add(context.host(host), cause)
