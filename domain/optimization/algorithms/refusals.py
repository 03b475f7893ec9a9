"""Why servers stay where they are: how many hosts each rule refuses, not one host's rule."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np

from domain.cluster.placement.constraints import HostExplanation
from domain.cluster.placement.movability import EXCLUDED_BY_OPERATOR, SERVER_LOCKED
from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.optimization.algorithms.moves import Moves

RULES: Final[Mapping[str, str]] = {
    "ServiceUp": "down",
    "FullyObserved": "partly unknown",
    "AvailabilityZone": "in another zone",
    "AggregateExtraSpecs": "in no aggregate that its flavor requires",
    "ReservedForProjects": "reserved for other projects",
    "ReservedForTraits": "reserved for other traits",
    "RequiredTraits": "without a required trait",
    "FencesAndBans": "refused by an operator rule",
    "ServiceEnabled": "disabled",
    "Capacity": "full",
    "NumaTopology": "without room in their NUMA cells",
    "Affinity": "without the other members of {group}",
    "AntiAffinity": "with a member of {group}",
    "MigrationConcurrency": "busy with other migrations",
}
"""Placement rule → what is said of the hosts that it refuses. Their own host is no candidate."""
SOFT_GROUP: Final = "against a soft group policy"
_OWN_HOST: Final = "NotCurrentHost"
_PINNED, _POLICY = "the zone that it is pinned to", "its zone, by the policy keep_zone"
_FIXED: Final = {
    EXCLUDED_BY_OPERATOR.code: "excluded by the audit's scope",
    SERVER_LOCKED.code: "locked",
}
_GROUPS_OF: Final = 20
"""Hosts that are asked for the group that refuses them."""


@dataclass(frozen=True)
class Refusals:
    """How many hosts may not, or should not, have a server.

    Attributes:
        candidates: number of the other hosts.
        rules: placement rule → hosts that it refuses; a host may be refused by several.
        others: what the strategy says of hosts that no rule refuses → their number.
        words: the same in words.
    """

    candidates: int
    rules: Mapping[str, int] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)
    words: str = ""

    def facts(self) -> JsonObject:
        """``candidates``, ``refused`` (``rules``) and ``unwanted`` (``others``), for a cause."""
        return {
            "candidates": self.candidates,
            "refused": dict(self.rules),
            "unwanted": dict(self.others),
        }


def refusals(moves: Moves, server: int, unwanted: Mapping[str, BoolArray]) -> Refusals:
    """Counts the hosts that refuse a server after the moves so far.

    Args:
        moves: with the branch and the rules.
        server: index of the server.
        unwanted: what the strategy says of hosts → bool[hosts]; a host that no rule refuses counts
            under the first that has it.
    """
    explained = moves.rules.explain(moves.branch, server)
    said = partial(_said, moves, server, explained=explained)
    return counted(explained.masks, _OWN_HOST, unwanted, said, "host")


def counted(
    masks: Mapping[str, BoolArray],
    own: str,
    unwanted: Mapping[str, BoolArray],
    said: Callable[[str], str],
    noun: str,
) -> Refusals:
    """Counts the places that refuse something.

    Args:
        masks: rule → bool[places], True where the rule allows it.
        own: the rule that refuses its present place, which is no candidate.
        unwanted: as of ``refusals``.
        said: what is said of places that a rule refuses.
        noun: what a place is.
    """
    elsewhere = masks[own]
    counts = {
        rule: int(np.count_nonzero(~mask & elsewhere))
        for rule, mask in masks.items()
        if rule != own
    }
    rules = {rule: count for rule, count in counts.items() if count}
    left = elsewhere & np.logical_and.reduce(list(masks.values()))
    others: dict[str, int] = {}
    for text, mask in unwanted.items():
        count = int(np.count_nonzero(mask & left))
        if count:
            others[text] = count
        left &= ~mask
    parts = [f"{count} {said(rule)}" for rule, count in rules.items()]
    parts += [f"{count} {text}" for text, count in others.items()]
    total = int(np.count_nonzero(elsewhere))
    found = ", ".join(parts) or ("all free" if total else "there is none")
    words = f"{total} other {noun}{'s' if total != 1 else ''}: {found}"
    return Refusals(total, rules, others, words)


def standing(moves: Moves, servers: Sequence[int], unwanted: Mapping[str, BoolArray]) -> str:
    """Why some servers of a host may not be moved at all, in words; arguments as in ``tally``."""
    if not servers:
        return "it has no servers"
    return f"of its {len(servers)} servers {tally(moves, servers, unwanted)}"


def tally(moves: Moves, servers: Sequence[int], unwanted: Mapping[str, BoolArray]) -> str:
    """How many of some servers may not be moved for each reason, in words.

    Args:
        moves: with the rules.
        servers: indices of the servers.
        unwanted: what the strategy says of servers → bool[servers]; a server that can be migrated
            counts under the first that has it.
    """
    counts: Counter[str] = Counter()
    for server in servers:
        fixed = moves.rules.movability.why_fixed(server)
        said = next((text for text, mask in unwanted.items() if mask[server]), "could be moved")
        if fixed is not None:
            said = _FIXED.get(fixed.reason, "in a state that does not allow it")
        counts[said] += 1
    return ", ".join(f"{count} {said}" for said, count in counts.items())


def why_servers_stay(
    moves: Moves,
    host: int,
    kept: Mapping[str, BoolArray],
    first: Callable[[IntArray], int],
    unwanted: Callable[[int], Mapping[str, BoolArray]],
    said: str = "",
) -> JsonObject:
    """``why`` no server leaves a host, in words, and the figures of one server that could.

    The figures are ``server`` and those of ``Refusals.facts``.

    Args:
        moves: with the branch and the rules.
        host: index of the host.
        kept: what is said of servers that could be migrated but stay → bool[servers].
        first: chooses one of the servers (int64[servers]) that may leave.
        unwanted: what is said of hosts that no rule refuses for a server → bool[hosts].
        said: of the server, before that it finds no place.
    """
    here = np.flatnonzero(moves.branch.host_of == host)
    free = moves.rules.movable & ~np.logical_or.reduce(list(kept.values()))
    able = here[free[here]]
    if not len(able):
        return {"why": standing(moves, here.tolist(), kept)}
    server = first(able)
    found = refusals(moves, server, unwanted(server))
    name = moves.name(server)
    why = f"{name} {said}finds no place on {found.words}"
    return {"server": name, **found.facts(), "why": why}


def refused(moves: Moves, server: int, hosts: Iterable[int]) -> JsonObject:
    """``refused``: why some better destinations may not have a server, as far as they may not."""
    hosts = [int(host) for host in hosts]
    if not hosts:
        return {}
    explained = moves.rules.explain(moves.branch, server)
    causes = [cause for host in hosts for cause in explained.why_not(host)[:1]]
    found = [{"reason": cause.reason, **cause.facts} for cause in causes]
    return {"refused": found} if found else {}


def _said(moves: Moves, server: int, rule: str, *, explained: HostExplanation) -> str:
    said = RULES.get(rule, f"refused by {rule}")
    if rule == "AvailabilityZone":
        pinned = moves.model.servers.pinned_zone[server] is not None
        return f"outside {_PINNED if pinned else _POLICY}"
    if "{group}" not in said:
        return said
    refused = np.flatnonzero(~explained.masks[rule] & explained.masks[_OWN_HOST])[:_GROUPS_OF]
    groups = sorted({str(explained.reasons[rule](int(host)).facts["group"]) for host in refused})
    return said.format(group=f"group {', '.join(groups)}")
