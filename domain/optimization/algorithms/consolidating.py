"""Consolidating servers on few hosts: choose the hosts that stay, then empty all others into them.

1. Hosts that can take servers from each other, by the rules that depend on no placement, form a
   part (``choosing.components``); each part is consolidated on its own.
2. The hosts that stay are chosen (``choosing``). A host stays in any case if not all of its servers
   can be moved. Empty hosts in service may be chosen, if fewer hosts remain in use than without.
3. The servers of all other hosts are placed, the largest first, each on the staying host that suits
   it best (``packing.Fit``). If a server finds none, its host stays, too, with all its servers.
4. Then each host that stays is emptied into the others if that is possible, and 2 to 4 are
   repeated until nothing changes. So an audit of the result finds nothing to do.
5. The hosts are emptied one after the other, those with the fewest servers first. Staying hosts
   give no servers and the others get none, so any prefix of the plan can be executed.

A strategy that prescribes the order in which hosts are emptied (``Order``) does without 1 to 3.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from domain.cluster.compute.model import sum_by_host
from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import BoolArray, IndexArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.choosing import Candidates, components
from domain.optimization.algorithms.draining import IN_FLIGHT, NOTHING
from domain.optimization.algorithms.emptying import vacate, why_not_emptied
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import Fit, dearest, largest_first, sizes

TOO_MANY_SERVERS = Reason(
    "too-many-servers",
    "{host} is not emptied: {servers} servers would migrate, the limit per host is {limit}",
    servers="number",
    limit="number",
)
HOST_IN_RESERVE = Reason(
    "host-in-reserve",
    "{host} stays in service: without it the others lack room for the failure of {reserve} hosts",
    reserve="number",
)
MIGRATIONS_SPENT = Reason(
    "migrations-spent",
    "{host} is not emptied: the plan has {count} of at most {limit} migrations",
    count="number",
    limit="number",
)
GAIN_TOO_SMALL = Reason(
    "gain-too-small",
    "emptying {hosts} hosts is not worth a plan: the least is {minimum}",
    hosts="number",
    minimum="number",
)
SEARCH_ENDED = Reason("search-ended", "the search ended before it had placed the servers of {host}")


_NEAR: Final = 1.03
"""Hosts in use / their lower bound up to which no other choice of hosts is tried."""


@dataclass(frozen=True)
class Price:
    """What may be spent on consolidation; 0 is no limit.

    Attributes:
        max_migrations: the most migrations of a plan.
        migrations_per_host: the most migrations that emptying one host may take.
        minimum_gain: the fewest hosts that a plan must free.
        reserve: hosts that may fail: the hosts that stay have free room for as many of the largest.
    """

    max_migrations: int = 0
    migrations_per_host: int = 0
    minimum_gain: int = 0
    reserve: int = 0


@dataclass(frozen=True)
class Order:
    """Hosts are emptied one by one into those after them, instead of into chosen ones.

    Attributes:
        rank: of a branch, int64[hosts]: the first are emptied first, the last are filled first.
        most_failures: the search ends when more hosts than that, one after the other, cannot be
            emptied; None: no limit.
    """

    rank: Callable[[Branch], IntArray]
    most_failures: int | None = None


class _Schedule(NamedTuple):
    """Hosts to empty in order, with (server, destination) pairs, and how many hosts it frees."""

    hosts: list[tuple[int, list[tuple[int, int]]]]
    gain: int

    @property
    def worth(self) -> tuple[int, int]:
        return self.gain, -sum(len(found) for _, found in self.hosts)


class Consolidation:
    """Empties hosts into few others.

    Args:
        moves: collects the moves; those made before count, and their servers stay where they are.
        price: what may be spent.
        order: in which the hosts are emptied, if the strategy prescribes one.
        kept: what is said of servers that are not to move → bool[servers].

    Attributes:
        notes: remarks about the plan as a whole.
    """

    def __init__(
        self,
        moves: Moves,
        price: Price | None = None,
        *,
        order: Order | None = None,
        kept: Mapping[str, BoolArray] = NOTHING,
    ) -> None:
        self._moves = moves
        self._order = order
        self._kept = kept
        self._branch = moves.branch
        self._price = price or Price()
        self._size = sizes(moves.branch)
        self._able: BoolArray = moves.branch.enabled
        self._awaited: BoolArray = moves.context.awaited()
        self._fixed: BoolArray = ~moves.movable
        self._free_at_start: BoolArray = moves.movable
        self._limit: int | None = None
        self.notes: list[Cause] = []

    def staying(self) -> BoolArray:
        """bool[hosts]: the hosts that would be chosen now, before anything is moved."""
        self._begin()
        stay: BoolArray = np.zeros(len(self._able), dtype=np.bool_)
        for part in self._parts(spare=True):
            stay[part[self._candidates(part).fewest(self._limit)]] = True
        return stay & self._able

    def run(self) -> BoolArray:
        """Makes the moves, and records why each host that stays does.

        Returns:
            bool[hosts]: hosts that have to stay in service although they are empty.
        """
        self._begin()
        found = self._best()
        least = max(1, self._price.minimum_gain)
        if found.hosts and found.gain < least:
            facts: JsonObject = {"hosts": max(0, found.gain), "minimum": least}
            self.notes.append(Cause(GAIN_TOO_SMALL, facts))
            found = _Schedule([], 0)
        for host, pairs in found.hosts:
            vacate(self._moves, host, pairs)
        kept = self._kept_empty()
        self._explain(kept)
        return kept

    # -- where everything goes ------------------------------------------------------------

    def _begin(self) -> None:
        moves, price = self._moves, self._price
        self._free_at_start = moves.free
        self._fixed = np.logical_or.reduce([~moves.free, *self._kept.values()])
        self._able = self._branch.enabled & self._branch.up & (moves.model.hosts.unseen == 0)
        budget, limit = moves.context.budget.left, price.max_migrations
        left = max(0, limit - len(moves.actions)) if limit else budget
        self._limit = min(left, budget) if min(left, budget) < len(self._fixed) else None

    def _best(self) -> _Schedule:
        """Of several arrangements, the one that frees most, or as much with fewer moves.

        Hosts are chosen by the sums of their room; evenly, if that leaves far too many in use; and
        without the empty ones.
        """
        start = self._branch.host_of.copy()
        ends = [self._arranged(spare=True)]
        if self._used(ends[0]) > _NEAR * self._least(spare=True):
            ends.append(self._arranged(spare=True, evenly=True))
        if self._could_do_without(ends[0]):
            ends.append(self._arranged(spare=False))
        ends.sort(key=lambda end: (self._used(end), np.count_nonzero(start != end)))
        best = self._scheduled(start, ends[0])
        if best.gain == self._used(start) - self._used(ends[0]):
            return best
        others = [self._scheduled(start, end) for end in ends[1:]]
        return max([best, *others], key=lambda one: one.worth)

    def _used(self, host_of: IndexArray) -> int:
        return len(np.unique(host_of))

    def _arranged(self, *, spare: bool, evenly: bool = False) -> IndexArray:
        """int32[servers]: the hosts that are found with or without the use of empty ones."""
        mark = self._branch.mark()
        if self._order is not None:
            while self._sweep(np.flatnonzero(self._branch.up & (self._branch.count > 0))):
                pass
        for part in self._parts(spare=spare) if self._order is None else ():
            self._empty_some(part, evenly=evenly)
            while self._sweep(part) | self._empty_some(part[self._branch.count[part] > 0]):
                pass
        final = self._branch.host_of.copy()
        self._branch.rollback(mark)
        return final

    def _could_do_without(self, end: IndexArray) -> bool:
        """Whether another arrangement, without the use of empty hosts, could be better."""
        if (self._branch.count[end] > 0).all():
            return False
        return self._limit is not None or self._used(end) > self._least(spare=False)

    def _least(self, *, spare: bool) -> int:
        """A lower bound of the hosts that remain in use."""
        down = np.count_nonzero((self._branch.count > 0) & ~self._branch.up)
        return int(sum(self._candidates(part).bound() for part in self._parts(spare=spare)) + down)

    def _parts(self, *, spare: bool) -> list[IntArray]:
        branch = self._branch
        hosts = branch.up & ((branch.count > 0) | (self._able if spare else False))
        return components(hosts, self._linked(hosts))

    def _linked(self, hosts: BoolArray) -> Iterator[BoolArray]:
        """bool[hosts] for each class of servers: where they are and may be."""
        here = np.flatnonzero(hosts[self._branch.host_of])
        classes = self._moves.rules.classes[here]
        order = np.argsort(classes, kind="stable")
        ends = np.flatnonzero(np.diff(classes[order])) + 1
        for servers in np.split(here[order], ends):
            if len(servers):
                mask = self._moves.rules.suitable_hosts(int(servers[0])) & self._able
                mask[self._branch.host_of[servers]] = True
                yield mask

    def _candidates(self, part: IntArray) -> Candidates:
        branch = self._branch
        mine = sum_by_host(branch.needs, branch.host_of, len(branch.count))[:, part]
        other = branch.amounts[:, part] - mine
        room = np.where(self._able[part], np.maximum(branch.limits[:, part] - other, mine), mine)
        rows = mine.sum(axis=1) > 0
        need = mine[rows].sum(axis=1)
        room = np.minimum(room[rows], need[:, None])
        need = need + self._price.reserve * room.max(axis=1, initial=0.0)
        return Candidates(branch.count[part], room, need, self._forced()[part])

    def _forced(self) -> BoolArray:
        """bool[hosts]: stays, because it cannot or must not be emptied."""
        branch, price = self._branch, self._price
        forced = (self._moves.model.hosts.unseen > 0) | self._awaited
        forced |= self._moves.is_destination
        forced[branch.host_of[self._fixed]] = True
        if price.migrations_per_host:
            forced |= self._moves.model.servers_per_host > price.migrations_per_host
        return forced

    def _empty_some(self, part: IntArray, *, evenly: bool = False) -> bool:
        """Empties the hosts of a part that are not chosen; returns whether it emptied any."""
        candidates = self._candidates(part)
        candidates = candidates.evenly() if evenly else candidates
        stay: BoolArray = np.zeros(len(self._able), dtype=np.bool_)
        stay[part[candidates.fewest(self._limit)]] = True
        leave: BoolArray = np.zeros_like(stay)
        leave[part] = (self._branch.count[part] > 0) & ~stay[part]
        servers = np.flatnonzero(leave[self._branch.host_of])
        if not len(servers):
            return False
        home, fit = self._branch.host_of.copy(), Fit(self._moves, stay & self._able, servers)
        placed: dict[int, list[int]] = {int(host): [] for host in np.flatnonzero(leave)}
        for server in fit.in_order(servers):
            host = int(home[server])
            if host not in placed:
                continue
            found = fit.find(server) if self._moves.context.budget.spend() else None
            if found is not None:
                fit.move(server, found)
                placed[host].append(server)
                continue
            for returning in placed.pop(host):
                fit.move(returning, host)
            stay[host] = True
            fit.open(stay & self._able)
        return bool(placed)

    def _sweep(self, part: IntArray) -> bool:
        """Empties each host that can be emptied by itself; returns whether it emptied any."""
        branch, order, emptied, failures = self._branch, self._order, False, 0
        candidates, forced = self._candidates(part), self._forced()
        stay = branch.count[part] > 0
        rank = branch.count if order is None else order.rank(branch)
        for place in np.argsort(rank[part], kind="stable"):
            host = int(part[place])
            if not branch.count[host]:
                continue
            stay[place] = forced[host] or not (
                candidates.suffices(stay & (part != host))
                and self._leaves(host, part[stay & (part != host)], rank)
            )
            emptied |= not stay[place]
            failures = failures + 1 if stay[place] else 0
            if order and order.most_failures is not None and failures > order.most_failures:
                break
        return emptied

    def _leaves(self, host: int, others: IntArray, rank: IntArray) -> bool:
        branch, rules, budget = self._branch, self._moves.rules, self._moves.context.budget
        servers = largest_first(np.flatnonzero(branch.host_of == host), self._size)
        if (self._order is None and self._limit is not None) or not budget.spend(len(servers)):
            return False
        hosts: BoolArray = np.zeros(len(self._able), dtype=np.bool_)
        hosts[others] = self._able[others]
        if self._order is not None:
            hosts &= rank > rank[host]
        if not (rules.legal_hosts(branch, servers[0]) & hosts).any():
            return False
        mark = branch.mark()
        fit = Fit(self._moves, hosts, np.array(servers)) if self._order is None else None
        for server in servers:
            found = fit.find(server) if fit else dearest(rules, branch, server, hosts, rank)
            if found is None:
                branch.rollback(mark)
                return False
            (fit or branch).move(server, found)
        return True

    # -- the order of the moves -----------------------------------------------------------

    def _scheduled(self, start: IndexArray, final: IndexArray) -> _Schedule:
        """Host by host, in the given order or those with the fewest servers first.

        A host whose moves are not legal then is left out.
        """
        branch, moved = self._branch, np.flatnonzero(start != final)
        waiting: dict[int, list[tuple[int, int]]] = {}
        for server in largest_first(moved, self._size):
            waiting.setdefault(int(start[server]), []).append((server, int(final[server])))
        mark, used = branch.mark(), int(np.count_nonzero(branch.count))
        hosts: list[tuple[int, list[tuple[int, int]]]] = []
        rank = branch.count.copy() if self._order is None else self._order.rank(branch)
        left = self._limit
        progress = True
        while progress:
            progress = False
            for host in sorted(waiting, key=lambda one: (rank[one], one)):
                if left is not None and len(waiting[host]) > left:
                    break
                if self._carried_out(waiting[host]):
                    hosts.append((host, waiting.pop(host)))
                    left = None if left is None else left - len(hosts[-1][1])
                    progress = True
        gain = used - int(np.count_nonzero(branch.count))
        branch.rollback(mark)
        return _Schedule(hosts, gain)

    def _carried_out(self, pairs: list[tuple[int, int]]) -> bool:
        """Makes some moves on the branch if all are legal."""
        branch, mark = self._branch, self._branch.mark()
        for server, host in pairs:
            if not self._moves.rules.is_legal(branch, server, host):
                branch.rollback(mark)
                return False
            branch.move(server, host)
        return True

    # -- why hosts stay -------------------------------------------------------------------

    def _explain(self, kept: BoolArray) -> None:
        context, branch = self._moves.context, self._branch
        hosts = branch.up & (branch.count > 0)
        places = np.flatnonzero(hosts)
        for host in places[np.argsort(branch.count[places], kind="stable")]:
            full = context.alternatives.is_full
            cause = None if full else self._why(int(host), hosts & self._able, hosts | kept)
            context.alternatives.add(context.host(int(host)), cause)

    def _why(self, host: int, hosts: BoolArray, serving: BoolArray) -> Cause:
        moves, price, name = self._moves, self._price, self._moves.model.hosts.name[host]
        before = int(moves.model.servers_per_host[host])
        if price.migrations_per_host and before > price.migrations_per_host:
            limit = price.migrations_per_host
            return Cause(TOO_MANY_SERVERS, {"host": name, "servers": before, "limit": limit})
        before_this = moves.movable & ~self._free_at_start
        kept = {IN_FLIGHT: moves.flying, **self._kept, "moved by the plan already": before_this}
        if self._order is not None:
            rank = self._order.rank(moves.branch)
            hosts = hosts & (rank > rank[host])
        found = why_not_emptied(moves, host, hosts, self._size, kept)
        if found is not None:
            return found
        if price.reserve and not self._spares(host, serving):
            return Cause(HOST_IN_RESERVE, {"host": name, "reserve": price.reserve})
        if self.notes:
            return self.notes[0]
        if price.max_migrations:
            spent: JsonObject = {"count": len(moves.actions), "limit": price.max_migrations}
            return Cause(MIGRATIONS_SPENT, {"host": name, **spent})
        return Cause(SEARCH_ENDED, {"host": name})

    def _spares(self, host: int, serving: BoolArray) -> bool:
        """Whether the hosts in service have the room of the reserve without a host."""
        part = next(part for part in self._parts(spare=True) if host in part)
        return self._candidates(part).suffices(serving[part] & (part != host))

    def _kept_empty(self) -> BoolArray:
        """bool[hosts]: empty ones that the reserve needs, or that await a server."""
        kept = self._awaited.copy()
        branch = self._branch
        if self._price.reserve:
            for part in self._parts(spare=True):
                empty = branch.count[part] == 0
                candidates = self._candidates(part)
                needed = Candidates(
                    np.where(empty, 0, 1), candidates.room, candidates.need, ~empty
                ).fewest()
                kept[part[needed & empty]] = True
        return kept
