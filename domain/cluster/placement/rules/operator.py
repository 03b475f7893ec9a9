"""Rules that an operator adds to those of the cloud."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow
from domain.cluster.placement.rules.groups import AFFINITY, ANTI_AFFINITY
from domain.cluster.placement.rules.rule import StaticRule
from domain.cluster.table.columns import BoolArray, bools, frozen
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

    def __or__(self, other: "OperatorRules") -> "OperatorRules":
        return OperatorRules(
            self.apart + other.apart,
            self.together + other.together,
            self.fences + other.fences,
            self.bans + other.bans,
        )

    def grouped(self) -> frozenset[str]:
        """The servers of ``apart`` and ``together``."""
        return frozenset(server for listed in (*self.apart, *self.together) for server in listed)

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


class FencesAndBans(StaticRule):
    """Servers go only to hosts of their fences, and not to hosts of their bans."""

    def __init__(self, model: ComputeModel, rules: OperatorRules) -> None:
        self._model = model
        masks = [_named(model, fence.hosts) for fence in rules.fences]
        masks += [~_named(model, ban.hosts) for ban in rules.bans]
        of_server: dict[int, tuple[int, ...]] = {}
        for number, rule in enumerate((*rules.fences, *rules.bans)):
            for server in {model.server_places.get(s, -1) for s in rule.servers} - {-1}:
                of_server[server] = (*of_server.get(server, ()), number)
        kinds = {kind: place for place, kind in enumerate(dict.fromkeys(of_server.values()))}
        self._masks = [
            frozen(np.logical_and.reduce([masks[number] for number in kind])) for kind in kinds
        ]
        if kinds:
            keys = np.full(len(model.servers), -1, dtype=np.int64)
            keys[list(of_server)] = [kinds[kind] for kind in of_server.values()]
            self.keys = frozen(keys)

    def allowed(self, server: int) -> BoolArray | None:
        """bool[hosts]: in all fences, in no ban."""
        kind = -1 if self.keys is None else int(self.keys[server])
        return None if kind < 0 else self._masks[kind]

    def why(self, server: int, host: int) -> Cause:
        """A rule of the operator."""
        names, ids = self._model.hosts.name, self._model.servers.id
        return Cause(OPERATOR_RULE, {"server": ids[server], "host": names[host]})


def _named(model: ComputeModel, names: tuple[str, ...]) -> BoolArray:
    wanted = frozenset(names)
    return bools(name in wanted for name in model.hosts.name)
