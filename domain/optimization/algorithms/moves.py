"""Moves of servers on a branch, and the actions that they become."""

from collections.abc import Callable

import numpy as np

from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.reasons import Cause, Reason
from domain.optimization.context import P, StrategyContext
from domain.plans.action_types import migrate
from domain.plans.proposal import ProposedAction

FindHost = Callable[[int, int], int | None]
"""(source, server) → index of a host where the server may legally go, None if there is none."""


class Moves:
    """Moves of servers, each legal after those before it, so that any prefix can be executed.

    Args:
        context: of the strategy.
        load: measured use of hosts and servers; without it only allocations count.
        kind: ``live`` or ``cold`` for all moves; None: it follows from the state of each server.

    Attributes:
        branch: the compute model with the moves so far.
        rules: the placement rules.
        flying: bool[servers], in flight.
        movable: bool[servers], can be migrated and is not in flight.
        actions: the ``migrate`` actions so far.
        is_destination: bool[hosts], destination of one of the moves.
    """

    def __init__(
        self,
        context: StrategyContext[P],
        load: MeasuredLoad | None = None,
        *,
        kind: str | None = None,
    ) -> None:
        self._kind = kind
        self.context: StrategyContext[P] = context
        self.model = context.compute
        self.branch = context.branch(load)
        self.rules = context.constraints()
        self.flying: BoolArray = context.in_flight()
        self._start = self.branch.host_of.copy()
        self.movable: BoolArray = self.rules.movable & ~self.flying
        self.actions: list[ProposedAction] = []
        self.is_destination: BoolArray = np.zeros(len(self.model.hosts), dtype=np.bool_)
        self._destinations: list[int] = []
        order = np.argsort(self.model.servers.host, kind="stable")
        ends = np.cumsum(self.model.servers_per_host)
        self._residents: list[IntArray] = np.split(order, ends[:-1])

    @property
    def free(self) -> BoolArray:
        """bool[servers]: movable, and not moved yet."""
        free: BoolArray = self.movable & (self.branch.host_of == self._start)
        return free

    def residents(self, host: int) -> IntArray:
        """Indices of the servers that the model has on a host and that were not moved."""
        servers: IntArray = self._residents[host]
        here: IntArray = servers[self.branch.host_of[servers] == host]
        return here

    def destinations(self, server: int) -> BoolArray:
        """bool[hosts]: where a server may go without making a soft group policy worse."""
        legal = self.rules.legal_hosts(self.branch, server)
        penalty = self.rules.soft_penalty(self.branch, server)
        if penalty is not None:
            legal &= penalty <= penalty[self.branch.host_of[server]]
        return legal

    def mark(self) -> tuple[int, int, int]:
        """A point to which ``undo`` returns."""
        return self.branch.mark(), len(self.actions), len(self._destinations)

    def undo(self, mark: tuple[int, int, int]) -> None:
        """Undoes the moves after a mark, with their actions: they were only tried."""
        step, actions, destinations = mark
        self.branch.rollback(step)
        del self.actions[actions:], self._destinations[destinations:]
        self.is_destination[:] = False
        self.is_destination[self._destinations] = True

    def name(self, server: int) -> str:
        """A server's name for sentences, its id if it has none."""
        servers = self.model.servers
        return servers.name[server] or servers.id[server]

    def move(self, server: int, destination: int, reason: Reason, **facts: object) -> None:
        """Moves a server and adds the action.

        Args:
            server: index of the server.
            destination: index of a host where it may legally go.
            reason: why; its facts are ``server``, ``source`` and ``destination`` (names) and:
            facts: further ones.
        """
        names = self.model.hosts.name
        step = self.branch.move(server, destination)
        self.is_destination[destination] = True
        self._destinations.append(destination)
        found = {
            "server": self.name(server),
            "source": names[step.source],
            "destination": names[destination],
            **facts,
        }
        kind = self._kind or self.rules.movability.migration_type(server)
        because = Cause(reason, found)
        self.actions.append(
            migrate(self.model, server, destination, kind, because, source=step.source)
        )
