"""Our verdict on a move, and Nova's."""

from dataclasses import dataclass

import numpy as np
from openstack.connection import Connection

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.kernel.reasons import Cause
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.errors import Conflicting, Invalid
from tests.cloud.constraints.ground import Situations

_SYNCHRONOUS = "2.30"
"""Up to 2.33 a refusal of the scheduler is the answer to the request."""


@dataclass(frozen=True)
class View:
    """The cloud as it was collected, with its rules."""

    model: ComputeModel
    rules: Constraints
    branch: Branch

    def legal(self, server: str) -> set[str]:
        """Names of the hosts that a server may go to."""
        mask = self.rules.legal_hosts(self.branch, self._place(server))
        return {self.model.hosts.name[host] for host in np.flatnonzero(mask)}

    def against(self, server: str, host: str) -> set[str]:
        """Names of the rules that keep a server off a host."""
        explained = self.rules.explain(self.branch, self._place(server))
        place = self.model.host_places[host]
        broken = {name for name, mask in explained.masks.items() if not mask[place]}
        return broken | ({"Movable"} if explained.fixed is not None else set())

    def why(self, server: str, host: str) -> Cause:
        """The one reason that keeps a server off a host."""
        place = self.model.host_places[host]
        [because] = self.rules.why_not(self.branch, self._place(server), place)
        return because

    def free(self, resource: str) -> dict[str, int]:
        """Host → whole units of a resource that can still be allocated there."""
        row = self.model.resources.index(resource)
        left = self.branch.limits[row] - self.branch.amounts[row]
        return {name: int(left[place]) for place, name in enumerate(self.model.hosts.name)}

    def _place(self, server: str) -> int:
        return self.model.server_places[server]


def look(connection: Connection, *, keep_zone: bool = False) -> View:
    """Collects the cloud. Nova lets servers change zones, so by default our rules do too."""
    found = NovaCollector(connection).collect()
    model, _ = ComputeModel.build(found.hosts, found.servers, found.groups, found.aggregates)
    return View(model, Constraints(model, keep_zone=keep_zone), Branch(model))


@dataclass(frozen=True)
class Verdict:
    """What both said of a move.

    Attributes:
        ours: the rules it would break; empty if it is legal.
        theirs: Nova's words of refusal; None if it was accepted, and then it has happened.
    """

    ours: frozenset[str]
    theirs: str | None

    @property
    def agreed(self) -> bool:
        """Whether both said yes or both said no."""
        return bool(self.ours) == (self.theirs is not None)


class Court:
    """Puts moves to both.

    Attributes:
        verdicts: how many there were.
    """

    def __init__(self, ground: Situations) -> None:
        self._ground = ground
        self.verdicts = 0

    def view(self, *, keep_zone: bool = False) -> View:
        """The cloud as it is."""
        return look(self._ground.connection, keep_zone=keep_zone)

    def nova(self, server: str, host: str) -> str | None:
        """Asks Nova for a live migration: its refusal, or None when the server has arrived."""
        body = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
        try:
            self._ground.act(server, body, version=_SYNCHRONOUS)
        except (Invalid, Conflicting) as refusal:
            return refusal.error
        assert self._ground.settled(server) == host, "accepted, but it did not arrive"
        return None

    def judge(self, server: str, host: str) -> Verdict:
        """Both verdicts; the move is made if Nova accepts it.

        Others may use the cloud: ours is given before and after a refusal, and if it changed
        meanwhile the case is heard again.
        """
        for _ in range(3):
            before = self.view().against(server, host)
            theirs = self.nova(server, host)
            if theirs is None or self.view().against(server, host) == before:
                break
        self.verdicts += 1
        return Verdict(frozenset(before), theirs)

    def everywhere(self, server: str) -> dict[str, Verdict]:
        """Host → verdicts, for all hosts. The server moves on to each host that accepts it."""
        names = sorted(self.view().model.hosts.name)
        return {host: self.judge(server, host) for host in names}
