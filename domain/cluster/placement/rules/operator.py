"""Rules that an operator adds to those of the cloud."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow
from domain.cluster.placement.rules.groups import AFFINITY, ANTI_AFFINITY
from domain.cluster.table.columns import BoolArray, IntArray, bools, frozen
from domain.kernel.reasons import Cause, Reason

OPERATOR_RULE = Reason("operator-rule", "an operator rule does not allow {server} on {host}")


@dataclass(frozen=True)
class Fence:
    """Some servers and some hosts.

    Attributes:
        servers: server ids.
        hosts: service host names.
    """

    servers: tuple[str, ...]
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class OperatorRules:
    """The operator's own placement rules.

    Attributes:
        apart: lists of servers; no two of a list may share a host.
        together: lists of servers; those of a list stay on one host.
        fences: servers that may go to these hosts only.
        bans: servers that may not go to these hosts.
    """

    apart: tuple[tuple[str, ...], ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    fences: tuple[Fence, ...] = ()
    bans: tuple[Fence, ...] = ()

    def groups(self) -> tuple[GroupRow, ...]:
        """``apart`` and ``together`` as server groups."""
        return (
            *_groups("operator-apart", ANTI_AFFINITY, self.apart),
            *_groups("operator-together", AFFINITY, self.together),
        )


def _groups(name: str, policy: str, lists: Iterable[tuple[str, ...]]) -> tuple[GroupRow, ...]:
    return tuple(
        GroupRow(f"{name}-{number}", policy=policy, members=members)
        for number, members in enumerate(lists)
    )


class FencesAndBans:
    """Servers go only to hosts of their fences, and not to hosts of their bans."""

    keys: IntArray | None = None

    def __init__(self, model: ComputeModel, rules: OperatorRules) -> None:
        self._model = model
        self._masks: dict[int, BoolArray] = {}
        for fence in rules.fences:
            self._narrow(fence, _named(model, fence.hosts))
        for ban in rules.bans:
            self._narrow(ban, ~_named(model, ban.hosts))
        if self._masks:
            keys = np.full(len(model.servers), -1, dtype=np.int64)
            keys[list(self._masks)] = list(self._masks)
            self.keys = frozen(keys)

    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts]: in all fences, in no ban."""
        return self._masks.get(server)

    def why(self, server: int, host: int) -> Cause:
        """A rule of the operator."""
        names, ids = self._model.hosts.name, self._model.servers.id
        return Cause(OPERATOR_RULE, {"server": ids[server], "host": names[host]})

    def _narrow(self, fence: Fence, hosts: BoolArray) -> None:
        places = self._model.server_places
        for server in (places[s] for s in fence.servers if s in places):
            known = self._masks.get(server)
            self._masks[server] = hosts if known is None else known & hosts


def _named(model: ComputeModel, names: tuple[str, ...]) -> BoolArray:
    return bools(name in names for name in model.hosts.name)
