"""A random walk over placements that compares the rules and the verifier."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import numpy as np

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.steps import (
    Move,
    PowerSwitch,
    Resize,
    RunSwitch,
    ServiceSwitch,
)
from domain.cluster.verifier.verifier import Verifier
from tests.properties.cluster import generate


@dataclass
class Tally:
    """What a walk has compared.

    Attributes:
        clusters: clusters walked over.
        steps: steps taken.
        verdicts: (server, host) pairs that were compared.
        legal: pairs that were legal.
        refusals: rule → number of pairs that it refused.
    """

    clusters: int = 0
    steps: int = 0
    verdicts: int = 0
    legal: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


WEIGHTS = (16, 12, 2, 4, 2, 4, 2, 2, 1)
"""Relative frequency of the steps: compare, move, start, finish, switch a host, undo, resize, stop
or start, switch the power of a host."""
LEGAL = 0.9
"""Probability of a legal destination, if there is one; of a host enabled or switched on."""
HALF = 0.5


class Disagreement(AssertionError):
    """The rules and the verifier disagree."""


class Walk:
    """One cluster, its branch and its verifier, in the same state."""

    def __init__(self, rng: Random, tally: Tally) -> None:
        self.rng = rng
        self.tally = tally
        self.model = generate.cluster(rng)
        load = generate.load(rng, self.model)
        policy = generate.policy(rng, self.model)
        self.rules = policy.constraints(self.model)
        self.branch = Branch(self.model, load)
        self.verifier = Verifier(
            self.model,
            load,
            policy.operator,
            policy.limits,
            keep_zone=policy.keep_zone,
            numa_certain=policy.numa_certain,
        )
        tally.clusters += 1

    def run(self, steps: int) -> None:
        """Takes some steps; raises Disagreement."""
        if not len(self.model.servers):
            return
        moves = (self.compare, self.move, self.start, self.finish, self.switch, self.undo)
        kinds = (*moves, self.resize, self.run_server, self.power)
        for _ in range(steps):
            self.tally.steps += 1
            self.rng.choices(kinds, WEIGHTS)[0]()

    def compare(self) -> None:
        """Compares every rule's verdict on one server and all hosts."""
        server = self.rng.randrange(len(self.model.servers))
        explained = self.rules.explain(self.branch, server)
        legal = self.rules.legal_hosts(self.branch, server)
        if not np.array_equal(legal, explained.legal):
            raise Disagreement("legal_hosts and explain")
        for host in range(len(self.model.hosts)):
            refused = {name for name, mask in explained.masks.items() if not mask[host]}
            if explained.fixed is not None:
                refused.add("Movable")
            broken = self.verifier.broken(server, host)
            if refused != broken or bool(legal[host]) != (not broken):
                raise Disagreement(f"server {server}, host {host}: {refused} or {broken}")
            self.tally.refusals.update(broken)
            self.tally.verdicts += 1
            self.tally.legal += not broken
            if len(explained.why_not(host)) != len(refused):
                raise Disagreement(f"server {server}, host {host}: why_not")

    def move(self) -> None:
        """A move, legal or not."""
        server = self._idle_server()
        if server is None:
            return
        host = self._destination(server)
        if host != self.branch.host_of[server]:
            self.branch.move(server, host)
            self.verifier.start_move(server, host)
            self.verifier.finish_move(server)

    def start(self) -> None:
        """Starts a move."""
        server = self._idle_server()
        if server is None:
            return
        host = self._destination(server)
        if host != self.branch.host_of[server]:
            self.branch.start_move(server, host)
            self.verifier.start_move(server, host)

    def finish(self) -> None:
        """Finishes a move in progress."""
        if self.branch.moving:
            server = self.rng.choice(sorted(self.branch.moving))
            self.branch.finish_move(server)
            self.verifier.finish_move(server)

    def switch(self) -> None:
        """Enables or disables a host."""
        host, enabled = self.rng.randrange(len(self.model.hosts)), self.rng.random() < LEGAL
        self.branch.switch(host, enabled=enabled)
        (self.verifier.enable if enabled else self.verifier.disable)(host)

    def resize(self) -> None:
        """Gives a server another flavor, in flight or not."""
        server = self.rng.randrange(len(self.model.servers))
        flavor = generate.flavor(self.rng, self.model)
        self.branch.resize(server, flavor)
        self.verifier.resize(server, flavor)

    def run_server(self) -> None:
        """Stops or starts a server."""
        server, running = self.rng.randrange(len(self.model.servers)), self.rng.random() < HALF
        (self.branch.start if running else self.branch.stop)(server)
        self.verifier.run(server, running=running)

    def power(self) -> None:
        """Switches a host on or off."""
        host, on = self.rng.randrange(len(self.model.hosts)), self.rng.random() < LEGAL
        self.branch.power(host, on=on)
        self.verifier.power(host, on=on)

    def undo(self) -> None:
        """Undoes the latest step, unless its server is moving again."""
        if not self.branch.steps:
            return
        step = self.branch.steps[-1]
        if isinstance(step, Move) and step.server in self.branch.moving:
            return
        self.branch.undo()
        match step:
            case Move():
                self.verifier.start_move(step.server, step.source)
                self.verifier.finish_move(step.server)
            case ServiceSwitch():
                (self.verifier.disable if step.enabled else self.verifier.enable)(step.host)
            case PowerSwitch():
                self.verifier.power(step.host, on=not step.on)
            case Resize():
                self.verifier.resize(step.server, step.before)
            case RunSwitch():
                self.verifier.run(step.server, running=not step.running)

    def _destination(self, server: int) -> int:
        legal = np.flatnonzero(self.rules.legal_hosts(self.branch, server))
        if len(legal) and self.rng.random() < LEGAL:
            return int(self.rng.choice(legal.tolist()))
        return self.rng.randrange(len(self.model.hosts))

    def _idle_server(self) -> int | None:
        idle = [s for s in range(len(self.model.servers)) if s not in self.branch.moving]
        return self.rng.choice(idle) if idle else None
