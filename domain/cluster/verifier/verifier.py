"""An independent verifier of placements and plans, in plain Python.

It reads only the columns of the model: it shares no code with ``branch``, ``constraints`` or their
rules, and computes every sum again from the servers on a host. It reports violations under the
names of the rules (docs/constraints.md), so that tests can compare the two.
"""

from collections.abc import Sequence
from math import inf

from domain.cluster.compute.flavor import Flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.verifier.facts import PlainModel, read_facts


class Verifier:
    """A placement, and the rules that a move would break.

    Args:
        model: the model.
        load: measured use and its limits; without it only allocation counts.
        operator: the operator's own rules.
        concurrency: limits on moves in progress.
        keep_zone: whether a server that is not pinned to a zone stays in its current zone.
        numa_certain: whether NUMA cells must certainly fit, not only possibly.
    """

    def __init__(
        self,
        model: ComputeModel,
        load: MeasuredLoad | None = None,
        operator: OperatorRules | None = None,
        concurrency: ConcurrencyLimits | None = None,
        *,
        keep_zone: bool = True,
        numa_certain: bool = False,
    ) -> None:
        self._numa_certain = numa_certain
        self._limits = concurrency or ConcurrencyLimits()
        self._facts: PlainModel = read_facts(
            model, load, operator or OperatorRules(), keep_zone=keep_zone
        )
        self._open = [status == "enabled" for status in self._facts.status]
        self._up = [host.up for host in self._facts.hosts]
        self._at = list(self._facts.start)
        self._to: dict[int, list[int]] = {}
        self._on: list[set[int]] = [set() for _ in self._facts.host_names]
        for server, host in enumerate(self._at):
            self._on[host].add(server)

    def enable(self, host: int) -> None:
        """Enables a host."""
        self._open[host] = True

    def disable(self, host: int) -> None:
        """Disables a host."""
        self._open[host] = False

    def power(self, host: int, *, on: bool) -> None:
        """Switches a host on or off."""
        self._up[host] = on

    def resize(self, server: int, flavor: Flavor | None) -> None:
        """Gives a server another flavor; None for that of the model."""
        self._facts.resize(server, flavor)

    def run(self, server: int, *, running: bool) -> None:
        """Starts or stops a server."""
        self._facts.run(server, running=running)

    def start_move(self, server: int, host: int) -> None:
        """Starts a move: the server counts on both hosts."""
        self._to.setdefault(server, []).append(host)
        self._on[host].add(server)

    def finish_move(self, server: int) -> None:
        """Finishes the first started move of a server: the source is free again."""
        first, *others = self._to[server]
        self.place(server, first, others)

    def place(self, server: int, at: int, to: Sequence[int]) -> None:
        """Puts a server on a host, with moves of it to some hosts in progress."""
        for host in (self._at[server], *self._to.pop(server, ())):
            self._on[host].discard(server)
        self._at[server] = at
        if to:
            self._to[server] = list(to)
        for host in (at, *to):
            self._on[host].add(server)

    def switch(self, host: int, *, is_open: bool, up: bool) -> None:
        """Says whether a host is enabled, and whether it is in operation."""
        self._open[host], self._up[host] = is_open, up

    def host_of(self, server: int) -> int:
        """The host of a server; its source while it is moving."""
        return self._at[server]

    def is_open(self, host: int) -> bool:
        """Whether a host is enabled."""
        return self._open[host]

    def is_up(self, host: int) -> bool:
        """Whether a host is in operation."""
        return self._up[host]

    def need(self, server: int, resource: str) -> float:
        """What a server uses of a resource."""
        return self._facts.needs[server].get(resource, 0.0)

    def broken(self, server: int, host: int) -> set[str]:
        """Names of the rules that a move would break if it started now. Empty: it is legal."""
        facts = self._facts
        found = set(facts.static_refusals(server, host))
        if not (self._up[host] and self._up[self._at[server]]):
            found.add("ServiceUp")
        if not self._open[host]:
            found.add("ServiceEnabled")
        if host == self._at[server]:
            found.add("NotCurrentHost")
        if self.shortages(server, host):
            found.add("Capacity")
        if self._facts.numa.short(server, host, self._on[host], certain=self._numa_certain):
            found.add("NumaTopology")
        if self._breaks_affinity(server, host):
            found.add("Affinity")
        if self._breaks_anti_affinity(server, host):
            found.add("AntiAffinity")
        if self._exceeds_concurrency(server, host):
            found.add("MigrationConcurrency")
        return found

    def shortages(self, server: int, host: int) -> dict[str, float]:
        """Resource → what a host lacks of it for a server; inf if it could never have it."""
        facts, found = self._facts, dict[str, float]()
        for amount, need in facts.needs[server].items():
            if need <= 0:
                continue
            carried = facts.base[host].get(amount, 0.0)
            carried += sum(facts.needs[other].get(amount, 0.0) for other in self._on[host])
            room = facts.room[host].get(amount, 0.0)
            if need > facts.most[host].get(amount, need):
                found[amount] = inf
            elif carried + need > room:
                found[amount] = carried + need - room
        return found

    def _breaks_affinity(self, server: int, host: int) -> bool:
        for group in self._facts.groups.get(server, ()):
            if group.policy != "affinity":
                continue
            others = [member for member in group.members if member != server]
            if not others and not group.has_outside_members and not group.from_cloud:
                continue
            settled = [member for member in others if member not in self._to]
            if all(self._at[member] != host for member in settled):
                return True
        return False

    def _breaks_anti_affinity(self, server: int, host: int) -> bool:
        facts = self._facts
        for group in facts.groups.get(server, ()):
            if group.policy != "anti-affinity":
                continue
            held = len(group.incoming.get(host, frozenset()) - {facts.server(server).id})
            for member in group.members:
                if member != server:
                    held += (self._at[member] == host) + self._to.get(member, []).count(host)
            if held >= max(1, group.max_per_host):
                return True
        return False

    def _exceeds_concurrency(self, server: int, host: int) -> bool:
        if not self._to:
            return False
        if server in self._to:
            return True
        if self._limits.total is not None and len(self._to) >= self._limits.total:
            return True
        if self._limits.per_host is None:
            return False
        ends = (self._at[server], host)
        return any(self._moves_at(end) >= self._limits.per_host for end in ends)

    def _moves_at(self, host: int) -> int:
        return sum((self._at[s] == host) + to.count(host) for s, to in self._to.items())
