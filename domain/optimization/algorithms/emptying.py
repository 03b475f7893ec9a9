"""Emptying hosts: all servers of a host move, or none does."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from domain.cluster.compute.disabled_reasons import DISABLED_BY_CONSOLIDATION
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.rules.hosts import HOST_PARTLY_UNKNOWN
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import dearest, largest_first
from domain.optimization.algorithms.refusals import refusals, standing
from domain.plans.action_types import disable_host
from domain.plans.proposal import ProposedAction

EMPTIES_HOST = Reason(
    "empties-host",
    "moving {server} helps to empty {source} (servers: {servers}); {destination} goes from "
    "{before} to {after} % of {resource}",
    servers="number",
    before="%",
    after="%",
)
STAYS_IN_USE = Reason("stays-in-use", "{host} cannot be emptied: {why}")
HOST_WAS_EMPTY = Reason("host-was-empty", "{host} has no servers already")
HOST_EMPTIED = Reason("host-emptied", "{host} has no servers after the plan")

FREES_HOST = Reason("frees-host", "moving {server} helps to empty {source}")
HOST_NOT_EMPTIABLE = Reason(
    "host-not-emptiable", "{host} cannot be emptied: server {server} fits on no other host"
)
NO_LEGAL_HOST = Reason("no-legal-host", "no host can take server {server}")
"""Of plans of earlier versions, with ``frees-host`` and ``host-not-emptiable``."""

_MAX_REFUSED: Final = 2
"""Number of refused destinations that a move names."""
_MAX_EXPLAINED: Final = 25
"""Number of moves that name some: explaining a refusal costs as much as many moves."""
_EMPTY: Final = "empty"
_EARLIER: Final = "that come earlier in the order of hosts to empty"


def vacate(moves: Moves, host: int, found: list[tuple[int, int]]) -> None:
    """Moves the servers of a host, each legal after those before it.

    Args:
        moves: collects the moves.
        host: the host that is emptied.
        found: (server, destination) pairs, in order.
    """
    branch, servers = moves.branch, int(moves.model.servers_per_host[host])
    for server, to in found:
        fullest = _fullest(branch, server, to)
        facts: JsonObject = {"servers": servers, **fullest}
        if len(moves.actions) < _MAX_EXPLAINED:
            facts |= _refused(moves, server, to)
        moves.move(server, to, EMPTIES_HOST, **facts)


def _fullest(branch: Branch, server: int, host: int) -> JsonObject:
    """The resource of which a host has the least share left with a server, before and after."""
    amounts, limits = branch.amounts[:, host].tolist(), branch.limits[:, host].tolist()
    row, before, after = 0, 0.0, 0.0
    for one, need in enumerate(branch.needs[server].tolist()):
        if need > 0 and 0 < limits[one] < math.inf:
            used, added = amounts[one] / limits[one], need / limits[one]
            if used + added > after:
                row, before, after = one, used, used + added
    return {
        "resource": branch.rows[row],
        "before": round(100.0 * before, 1),
        "after": round(100.0 * after, 1),
    }


def disable_emptied(
    model: ComputeModel, host: int, disabled_reason: str = DISABLED_BY_CONSOLIDATION
) -> ProposedAction:
    """Disables a host that has no servers after the plan."""
    before = int(model.servers_per_host[host])
    facts: JsonObject = {"host": model.hosts.name[host], "servers_before": before}
    because = Cause(HOST_EMPTIED if before else HOST_WAS_EMPTY, facts)
    return disable_host(model, host, because, disabled_reason)


def why_not_emptied(
    moves: Moves, host: int, hosts: BoolArray, size: FloatArray, kept: Mapping[str, BoolArray]
) -> Cause | None:
    """Why a host keeps its servers after the moves so far; None if they could all go elsewhere.

    Args:
        moves: with the branch and the rules.
        host: index of the host.
        hosts: bool[hosts], where its servers might go.
        size: float64[servers], the largest is placed first.
        kept: what is said of servers that are not to move → bool[servers].
    """
    branch, name = moves.branch, moves.model.hosts.name[host]
    unseen = int(moves.model.hosts.unseen[host])
    if unseen:
        return Cause(HOST_PARTLY_UNKNOWN, {"host": name, "count": unseen})
    servers = np.flatnonzero(branch.host_of == host)
    fixed = ~moves.rules.movable[servers]
    for mask in kept.values():
        fixed |= mask[servers]
    if fixed.any():
        said = standing(moves, servers.tolist(), kept)
        return Cause(STAYS_IN_USE, {"host": name, "why": said})
    ordered, others = largest_first(servers, size), hosts.copy()
    others[host] = False
    for server in ordered:
        if not (moves.rules.legal_hosts(branch, server) & others).any():
            return Cause(STAYS_IN_USE, {"host": name, **_stuck(moves, server, others)})
    return _not_together(moves, name, ordered, others)


def _stuck(moves: Moves, server: int, others: BoolArray) -> JsonObject:
    found = refusals(moves, server, {_EMPTY: moves.branch.count == 0, _EARLIER: ~others})
    name = moves.name(server)
    return {"server": name, **found.facts(), "why": f"{name} finds no place on {found.words}"}


def _not_together(moves: Moves, name: str, servers: list[int], others: BoolArray) -> Cause | None:
    """The servers are placed one after the other, each where the fewest others could go."""
    branch, mark = moves.branch, moves.branch.mark()
    scarce = np.argsort(np.argsort(branch.count, kind="stable"), kind="stable")
    try:
        for placed, server in enumerate(servers):
            found = dearest(moves.rules, branch, server, others, scarce)
            if found is None:
                said = (
                    f"each of its {len(servers)} servers finds a place, but not all together: "
                    f"after {placed} of them, {moves.name(server)} finds none"
                )
                return Cause(STAYS_IN_USE, {"host": name, "placed": placed, "why": said})
            branch.move(server, found)
    finally:
        branch.rollback(mark)
    return None


def _refused(moves: Moves, server: int, chosen: int) -> JsonObject:
    """The hosts in use with the most free memory that were refused, and by which rule."""
    branch = moves.branch
    explained = moves.rules.explain(branch, server)
    left = (branch.count > 0) & ~explained.legal
    left[[chosen, int(branch.host_of[server])]] = False
    places = np.flatnonzero(left)
    if not len(places):
        return {}
    spare = (branch.limits - branch.amounts)[:, places].min(axis=0)
    best = places[np.argsort(-spare, kind="stable")[:_MAX_REFUSED]]
    reasons = [explained.why_not(int(host))[0] for host in best]
    return {"refused": [{"reason": why.reason, **why.facts} for why in reasons]}
