"""An independent verifier of placements and plans, in plain Python.

It reads the model's columns and nothing else: no code is shared with ``branch``, ``constraints``
or their rules, and every sum is made anew from the servers on a host. What it finds is reported
under the names of the rules (docs/constraints.md), so that the two can be held against each other.
"""

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.flights import ConcurrencyLimits
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.verifier.facts import PlainModel, VerifierLimits, read_facts


class Verifier:
    """A placement that can be asked what a move would break.

    Args:
        model: the model.
        load: measured use and its limits; without it only allocation counts.
        operator: the operator's own rules.
        concurrency: limits on moves in flight.
        keep_zone: whether a server that is pinned to no zone stays in the one it is in.
        numa_certain: whether NUMA cells must be certain to fit, not only not known to be short.
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
        limits = concurrency or ConcurrencyLimits()
        self._facts: PlainModel = read_facts(
            model, load, operator or OperatorRules(), keep_zone=keep_zone
        )
        self._limits = VerifierLimits(limits.total, limits.per_host)
        self._open = [status == "enabled" for status in self._facts.status]
        self._at = list(self._facts.start)
        self._to: dict[int, list[int]] = {}
        self._on: list[set[int]] = [set() for _ in self._facts.host_names]
        for server, host in enumerate(self._at):
            self._on[host].add(server)

    def enable(self, host: int) -> None:
        """Opens a host."""
        self._open[host] = True

    def disable(self, host: int) -> None:
        """Closes a host."""
        self._open[host] = False

    def begin(self, server: int, host: int) -> None:
        """A move takes off: the server is held at both ends."""
        self._to.setdefault(server, []).append(host)
        self._on[host].add(server)

    def end(self, server: int) -> None:
        """The first move of a server that took off lands: its source is let go."""
        source, host = self._at[server], self._landing(server, first=True)
        self._at[server] = host
        self._let_go(server, source)

    def abandon(self, server: int) -> None:
        """The last move of a server that took off is taken back."""
        self._let_go(server, self._landing(server, first=False))

    def _landing(self, server: int, *, first: bool) -> int:
        ahead = self._to[server]
        host = ahead.pop(0 if first else -1)
        if not ahead:
            del self._to[server]
        return host

    def _let_go(self, server: int, host: int) -> None:
        if host != self._at[server] and host not in self._to.get(server, ()):
            self._on[host].discard(server)

    def pending(self, server: int) -> int:
        """How many moves of a server are in flight."""
        return len(self._to.get(server, ()))

    def broken(self, server: int, host: int) -> set[str]:
        """Names of the rules that a move, begun now, would break. Empty: it is legal."""
        facts = self._facts
        found = set(facts.lasting(server, host))
        if not self._open[host]:
            found.add("ServiceEnabled")
        if host == self._at[server]:
            found.add("NotCurrentHost")
        if self._short_of_room(server, host):
            found.add("Capacity")
        if self._facts.numa.short(server, host, self._on[host], certain=self._numa_certain):
            found.add("NumaTopology")
        if self._torn(server, host):
            found.add("Affinity")
        if self._crowded(server, host):
            found.add("AntiAffinity")
        if self._too_many(server, host):
            found.add("MigrationConcurrency")
        return found

    def _short_of_room(self, server: int, host: int) -> bool:
        facts = self._facts
        for amount, need in facts.needs[server].items():
            if need <= 0:
                continue
            carried = facts.base[host].get(amount, 0.0)
            carried += sum(facts.needs[other].get(amount, 0.0) for other in self._on[host])
            if carried + need > facts.room[host].get(amount, 0.0):
                return True
            if need > facts.piece[host].get(amount, need):
                return True
        return False

    def _torn(self, server: int, host: int) -> bool:
        for group in self._facts.groups[server]:
            if group.policy != "affinity":
                continue
            others = [member for member in group.members if member != server]
            if not others and not group.elsewhere and not group.of_cloud:
                continue
            settled = [member for member in others if member not in self._to]
            if all(self._at[member] != host for member in settled):
                return True
        return False

    def _crowded(self, server: int, host: int) -> bool:
        facts = self._facts
        for group in facts.groups[server]:
            if group.policy != "anti-affinity":
                continue
            held = len(group.coming.get(host, frozenset()) - {facts.servers[server].id})
            for member in group.members:
                if member != server:
                    held += (self._at[member] == host) + self._to.get(member, []).count(host)
            if held >= max(1, group.max_per_host):
                return True
        return False

    def _too_many(self, server: int, host: int) -> bool:
        if not self._to:
            return False
        if server in self._to:
            return True
        if self._limits.total is not None and len(self._to) >= self._limits.total:
            return True
        if self._limits.per_host is None:
            return False
        ends = (self._at[server], host)
        return any(self._flights_at(end) >= self._limits.per_host for end in ends)

    def _flights_at(self, host: int) -> int:
        return sum((self._at[s] == host) + to.count(host) for s, to in self._to.items())
