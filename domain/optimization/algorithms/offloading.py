"""Offloading hosts: servers leave a host for the best wanted hosts that may have them.

For aims that no model predicts, such as temperatures: a host gives one server, or all, and a host
takes one. What that did is measured before the next audit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.draining import SERVER_CANNOT_LEAVE
from domain.optimization.algorithms.loads import unmoved_servers
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.refusals import (
    SOFT_GROUP,
    refusals,
    refused,
    why_servers_stay,
)

LIMIT_OF_HOSTS = Reason(
    "limit-of-hosts",
    "hosts left as they are: {hosts}; the limit of hosts in one audit (max_hosts) is {count}",
    count="number",
    hosts="number",
)
BUDGET_SPENT = Reason(
    "budget-spent",
    "hosts left as they are: {hosts}; the step budget ([vigil] strategy_steps) ended after {count}",
    count="number",
    hosts="number",
)
CANNOT_BE_LEFT = Reason(
    "cannot-be-left",
    "not all servers can leave {host}, so none does: {server} finds no place on {words}, after "
    "{moved} others have left",
    moved="number",
)

NOTHING_MEASURED = Reason("nothing-measured", "{metric} of no host in service is known")

_REFUSED = 2
"""Better but refused destinations that each move names."""
TAKES_ANOTHER = "that take another server already"

Facts = Callable[[int, int], JsonObject]
"""(server, destination) → figures of the move."""


class Offloading:
    """Moves servers to wanted hosts.

    Args:
        moves: collects the moves.
        wanted: indices of the hosts that may take servers, best first.
        unwanted: what is said of the others → bool[hosts]; a host counts under the first.
        cooldown: how long a server stays after a migration, s.
        others: what is said of further servers that stay → bool[servers].

    Attributes:
        free: bool[servers], those that may leave: running, and not kept for one of the reasons.
        relieved: the hosts that servers left, in that order.
        notes: why further hosts were not tried.
    """

    def __init__(
        self,
        moves: Moves,
        wanted: IntArray,
        unwanted: Mapping[str, BoolArray],
        cooldown: float = 0.0,
        others: Mapping[str, BoolArray] | None = None,
    ) -> None:
        self._moves = moves
        self._wanted = wanted
        self._unwanted = unwanted
        self._resting = unmoved_servers(moves.context, cooldown)
        states = moves.model.servers.state
        stopped = states.where(lambda state: state == "stopped")
        self._kept = {**self._resting, "stopped": stopped, **(others or {})}
        self.free: BoolArray = moves.rules.movable & ~np.logical_or.reduce(
            list(self._kept.values())
        )
        self.relieved: list[int] = []
        self.notes: tuple[Cause, ...] = ()

    def run(self, hosts: Sequence[int], step: Callable[[int], bool], max_hosts: int) -> list[int]:
        """Relieves hosts until there is none left, or a limit is reached.

        Args:
            hosts: in the order in which they are relieved.
            step: relieves a host, with ``one`` or ``all``; returns whether it could.
            max_hosts: the most hosts to relieve; 0: no limit.

        Returns:
            The hosts that could not be relieved. ``notes`` says if others were not tried.
        """
        stuck: list[int] = []
        for place, host in enumerate(hosts):
            facts: JsonObject = {"count": len(self.relieved), "hosts": len(hosts) - place}
            if max_hosts and len(self.relieved) >= max_hosts:
                self.notes = (Cause(LIMIT_OF_HOSTS, facts),)
                break
            if not step(host):
                if not self._moves.context.budget.left:
                    self.notes = (Cause(BUDGET_SPENT, facts),)
                    break
                stuck.append(host)
        return stuck

    def one(self, servers: Iterable[int], reason: Reason, facts: Facts) -> bool:
        """Moves the first of some free servers that has a destination; returns whether one has."""
        for server in servers:
            if not self._moves.context.budget.spend():
                break
            legal = self._moves.destinations(server) & ~self._moves.is_destination
            destination = self._first(legal)
            if destination is not None:
                self.relieved.append(int(self._moves.branch.host_of[server]))
                self._move(server, destination, reason, facts)
                return True
        return False

    def all(self, host: int, reason: Reason, facts: Facts) -> bool:
        """Moves all servers off a host that may leave it; if one finds no place, none, and says so.

        Returns:
            Whether servers were moved.
        """
        moves, found = self._moves, list[int]()
        mark, servers = moves.branch.mark(), self.leaving(host)
        for server in servers:
            spent = moves.context.budget.spend()
            destination = self._first(moves.destinations(server)) if spent else None
            if destination is None:
                if spent:
                    self._reject_one(host, server, len(found))
                moves.branch.rollback(mark)
                return False
            moves.branch.move(server, destination)
            found.append(destination)
        moves.branch.rollback(mark)
        for server, destination in zip(servers, found, strict=True):
            self._move(server, destination, reason, facts)
        if found:
            self.relieved.append(host)
            self._reject_rest(host)
        return bool(found)

    def leaving(self, host: int) -> list[int]:
        """The servers of a host that may leave it, stopped ones too; most vCPUs first."""
        here = self._moves.residents(host)
        may = self._moves.rules.movable & ~np.logical_or.reduce(list(self._resting.values()))
        here = here[may[here]]
        found: list[int] = here[np.lexsort((here, -self._moves.model.servers.vcpus[here]))].tolist()
        return found

    def reject(
        self,
        hosts: Iterable[int],
        reason: Reason,
        figures: Callable[[int], JsonObject],
        first: Callable[[IntArray], int],
    ) -> list[Cause]:
        """Records why no server leaves some hosts, most important host first.

        Args:
            hosts: indices.
            reason: has the facts of ``figures``, and ``why`` (see ``why_servers_stay``).
            figures: of a host.
            first: of the servers that may leave, the one whose destinations are explained.

        Returns:
            The causes that were kept.
        """
        context, causes = self._moves.context, []
        for host in hosts:
            cause = None
            if not context.alternatives.is_full:
                why = why_servers_stay(self._moves, host, self._kept, first, self._refusing)
                cause = Cause(reason, {**figures(host), **why})
                causes.append(cause)
            context.alternatives.add(context.host(host), cause)
        return causes

    def _first(self, legal: BoolArray) -> int | None:
        places = np.flatnonzero(legal[self._wanted])
        return int(self._wanted[places[0]]) if len(places) else None

    def _move(self, server: int, destination: int, reason: Reason, facts: Facts) -> None:
        better = self._wanted[: int(np.flatnonzero(self._wanted == destination)[0])]
        why = refused(self._moves, server, better[:_REFUSED])
        self._moves.move(server, destination, reason, **facts(server, destination), **why)

    def _refusing(self, server: int) -> Mapping[str, BoolArray]:
        """What is said of hosts that no rule refuses."""
        legal = self._moves.rules.legal_hosts(self._moves.branch, server)
        soft = legal & ~self._moves.destinations(server)
        taken = self._moves.is_destination
        return {**self._unwanted, SOFT_GROUP: soft, TAKES_ANOTHER: taken}

    def _reject_rest(self, host: int) -> None:
        moves = self._moves
        for server in moves.residents(host).tolist():
            fixed = moves.rules.movability.why_fixed(server)
            resting = next((said for said, mask in self._resting.items() if mask[server]), "")
            moves.context.considered(
                moves.context.server(server),
                SERVER_CANNOT_LEAVE,
                server=moves.name(server),
                host=moves.model.hosts.name[host],
                detail=resting if fixed is None else str(fixed),
            )

    def _reject_one(self, host: int, server: int, moved: int) -> None:
        context, cause = self._moves.context, None
        if not context.alternatives.is_full:
            found = refusals(self._moves, server, self._refusing(server))
            facts: JsonObject = {
                "host": self._moves.model.hosts.name[host],
                "server": self._moves.name(server),
                "moved": moved,
                **found.facts(),
                "words": found.words,
            }
            cause = Cause(CANNOT_BE_LEFT, facts)
        context.alternatives.add(context.host(host), cause)
