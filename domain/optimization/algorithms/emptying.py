"""Emptying hosts: all servers of a host move, or none does."""

import numpy as np

from domain.cluster.placement.rules.hosts import HOST_PARTLY_UNKNOWN
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import dearest, largest_first

FREES_HOST = Reason("frees-host", "moving {server} helps to empty {source}")
HOST_NOT_EMPTIABLE = Reason(
    "host-not-emptiable", "{host} cannot be emptied: server {server} fits on no other host"
)
NO_LEGAL_HOST = Reason("no-legal-host", "no host can take server {server}")

MAX_REFUSED = 2
"""Number of preferred but refused destinations that each move names."""


class HostEmptying:
    """Empties hosts, cheapest first. An emptied host gets no servers, a destination is not emptied.

    Args:
        moves: collects the moves.
        rank: int64[hosts], cheapest to empty first; dear hosts are filled first.
        size: float64[servers], largest first.
    """

    def __init__(self, moves: Moves, rank: IntArray, size: FloatArray) -> None:
        self._moves = moves
        self._context = moves.context
        self._rank = rank
        self._size = size
        self._emptied: BoolArray = np.zeros(len(rank), dtype=np.bool_)

    def run(self) -> None:
        """Empties every used host of which all servers fit on other used hosts."""
        model, branch = self._moves.model, self._moves.branch
        used = (model.servers_per_host > 0) & model.up
        for host in np.argsort(self._rank):
            if used[host] and not self._moves.is_destination[host] and branch.count[host]:
                self._empty(int(host))

    def _empty(self, host: int) -> None:
        servers = self._leaving(host)
        if servers is None or not self._context.budget.spend(len(servers)):
            return
        branch, rules = self._moves.branch, self._moves.rules
        mark = branch.mark()
        destinations: list[tuple[int, int]] = []
        self._emptied[host] = True
        for server in servers:
            found = dearest(rules, branch, server, self._destinations(), self._rank)
            if found is None:
                self._reject_stuck(host, server)
                branch.rollback(mark)
                self._emptied[host] = False
                return
            branch.move(server, found)
            destinations.append((server, found))
        branch.rollback(mark)
        for server, found in destinations:
            self._moves.move(server, found, FREES_HOST, **self._refusals(server, found))

    def _destinations(self) -> BoolArray:
        return (self._moves.branch.count > 0) & ~self._emptied

    def _leaving(self, host: int) -> list[int] | None:
        """Servers to move off a host, largest first; None (and a rejection) if one cannot be."""
        unseen = int(self._moves.model.hosts.unseen[host])
        if unseen:
            self._reject(host, HOST_PARTLY_UNKNOWN, {"count": unseen})
            return None
        servers = self._moves.residents(host)
        fixed = servers[~self._moves.rules.movable[servers]]
        if len(fixed):
            why = self._moves.rules.movability.why_fixed(int(fixed[0]))
            self._reject(host, HOST_NOT_EMPTIABLE, self._stuck(int(fixed[0]), why))
            return None
        return largest_first(servers, self._size)

    def _reject_stuck(self, host: int, server: int) -> None:
        if self._context.alternatives.is_full:
            self._reject(host, HOST_NOT_EMPTIABLE, {})
            return
        nearest = np.flatnonzero(self._destinations())
        why = None
        facts: JsonObject = {}
        if len(nearest):
            best = int(nearest[np.argmax(self._rank[nearest])])
            why = self._moves.rules.why_not(self._moves.branch, server, best)[0]
            facts = {"nearest": self._moves.model.hosts.name[best]}
        self._reject(host, HOST_NOT_EMPTIABLE, {**facts, **self._stuck(server, why)})

    def _stuck(self, server: int, why: Cause | None) -> JsonObject:
        facts: JsonObject = {"server": self._moves.name(server)}
        if why is None:
            return {**facts, "rule": NO_LEGAL_HOST.code}
        return {**facts, "rule": why.reason, "detail": str(why)}

    def _reject(self, host: int, reason: Reason, facts: JsonObject) -> None:
        subject = self._context.host(host)
        self._context.considered(subject, reason, host=subject.name, **facts)

    def _refusals(self, server: int, chosen: int) -> JsonObject:
        """The next dearer hosts in use, and why each was refused for the server."""
        rank = self._rank
        candidates = np.flatnonzero((rank > rank[chosen]) & self._destinations())
        if not len(candidates):
            return {}
        if len(candidates) > MAX_REFUSED:
            nearest = np.argpartition(rank[candidates], MAX_REFUSED)
            candidates = candidates[nearest[:MAX_REFUSED]]
        explained = self._moves.rules.explain(self._moves.branch, server)
        refused = []
        for host in candidates[np.argsort(rank[candidates])]:
            why = explained.why_not(int(host))
            if why:
                refused.append({"reason": why[0].reason, **why[0].facts})
        return {"refused": refused} if refused else {}
