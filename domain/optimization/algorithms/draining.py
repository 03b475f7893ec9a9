"""Draining a host: moving every server off that can be moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Reason
from domain.optimization.algorithms.moves import FindHost, Moves
from domain.optimization.algorithms.packing import largest_first, sizes
from domain.optimization.algorithms.refusals import refusals, refused

DRAINS_HOST = Reason(
    "drains-host",
    "moving {server} off {source}, which is drained, leaves {left} servers there; {destination} "
    "goes from {before} to {after} % of its {resource}",
    left="number",
    before="% allocated",
    after="% allocated",
)
SERVER_CANNOT_LEAVE = Reason("server-cannot-leave", "server {server} cannot leave {host}: {detail}")

BUDGET_SPENT: Final = "the step budget was spent"
IN_FLIGHT: Final = "in flight"
NOT_CHOSEN: Final = "not among the possible destinations"
NOTHING: Final[Mapping[str, BoolArray]] = MappingProxyType({})
_REFUSED: Final = 2
"""Emptier but refused destinations that each move names."""


@dataclass(frozen=True)
class Filling:
    """How full hosts are: the allocated share of the resource that is scarcest there.

    Attributes:
        share: float64[hosts].
        row: int64[hosts], the row of the branch that is scarcest.
    """

    share: FloatArray
    row: np.ndarray[tuple[int], np.dtype[np.int64]]

    @staticmethod
    def of(moves: Moves, server: int | None = None) -> "Filling":
        """After the moves so far, and with one more server on each host."""
        branch = moves.branch
        amounts = branch.amounts
        if server is not None:
            amounts = amounts + branch.needs[server][:, None]
        limited = np.isfinite(branch.limits) & (branch.limits > 0)
        shares = np.divide(amounts, branch.limits, out=np.zeros_like(amounts), where=limited)
        row = np.argmax(shares, axis=0)
        return Filling(shares[row, np.arange(shares.shape[1])], row.astype(np.int64))


def emptiest(moves: Moves, server: int, hosts: BoolArray) -> int | None:
    """Of some hosts (bool[hosts]) the one that is least full with a server; None if none may.

    Soft server groups have precedence.
    """
    return _best(moves, server, hosts, fullest=False)


def fullest(moves: Moves, server: int, hosts: BoolArray) -> int | None:
    """Likewise the one that is fullest: it leaves room in one piece for larger servers."""
    return _best(moves, server, hosts, fullest=True)


def rehearse(moves: Moves, servers: Iterable[int], find_host: FindHost) -> dict[int, int]:
    """Where each server would go, one after the other; the branch stays as it is.

    A server without a place is tried again when others have left.

    Returns:
        Server → destination, of those that have one.
    """
    branch, found = moves.branch, dict[int, int]()
    mark, waiting, before = branch.mark(), list(servers), 0
    while waiting and len(waiting) != before:
        before = len(waiting)
        for server in waiting:
            if not moves.context.budget.spend():
                break
            destination = find_host(int(branch.host_of[server]), server)
            if destination is not None:
                branch.move(server, destination)
                found[server] = destination
        waiting = [server for server in waiting if server not in found]
    branch.rollback(mark)
    return found


def places(moves: Moves, servers: Sequence[int], hosts: BoolArray) -> dict[int, int]:
    """Where servers would go: spread over some hosts (bool[hosts]), or packed if more then leave.

    Args:
        moves: with the branch and the rules; stays as it is.
        servers: indices, in the order in which they leave.
        hosts: possible destinations.
    """
    spread = rehearse(moves, servers, lambda _, server: emptiest(moves, server, hosts))
    if len(spread) == len(servers):
        return spread
    packed = rehearse(moves, servers, lambda _, server: fullest(moves, server, hosts))
    return packed if len(packed) > len(spread) else spread


def drain(moves: Moves, host: int, find_host: FindHost, reason: Reason = DRAINS_HOST) -> list[int]:
    """Moves all movable servers off a host, the largest first; none that is in flight.

    Args:
        moves: collects the moves.
        host: index of the host.
        find_host: finds a destination.
        reason: of the moves; see ``leave``.

    Returns:
        Indices of the servers that stay, and of those in flight to the host, which will be there;
        each was recorded as considered.
    """
    servers = largest_first(moves.residents(host), sizes(moves.branch))
    leaving = [server for server in servers if moves.movable[server]]
    found = rehearse(moves, leaving, find_host)
    stay = leave(moves, host, found, reason, {IN_FLIGHT: moves.flying})
    context, arriving = moves.context, moves.context.arriving(host).tolist()
    for server in arriving:
        facts = {"server": moves.name(server), "host": moves.model.hosts.name[host]}
        context.considered(
            context.server(server), SERVER_CANNOT_LEAVE, **facts, detail="it is in flight to it"
        )
    return [*stay, *arriving]


def leave(
    moves: Moves,
    host: int,
    destinations: Mapping[int, int],
    reason: Reason = DRAINS_HOST,
    kept: Mapping[str, BoolArray] = NOTHING,
) -> list[int]:
    """Moves some servers off a host.

    Args:
        moves: collects the moves.
        host: index of the host.
        destinations: server → destination, legal in this order (``rehearse``).
        reason: of the moves; has the facts ``server``, ``source``, ``destination``, ``left``
            (servers still on the host) and those of ``effect``.
        kept: what the strategy says of servers that are not to move → bool[servers].

    Returns:
        Indices of the servers that stay, the largest first; each was recorded as considered.
    """
    for server, destination in destinations.items():
        facts = {"left": int(moves.branch.count[host]) - 1, **effect(moves, server, destination)}
        moves.move(server, destination, reason, **facts)
    stay = largest_first(moves.residents(host), sizes(moves.branch))
    for server in stay:
        stays(moves, server, kept)
    return stay


def effect(moves: Moves, server: int, destination: int) -> JsonObject:
    """What a move does to its destination, before it is made.

    The facts are ``resource``, ``before`` and ``after`` (% allocated of the resource that is
    scarcest there afterwards), and ``refused``: hosts that are emptier, and why each was refused.
    """
    branch, after = moves.branch, Filling.of(moves, server)
    row = int(after.row[destination])
    limit, amount = branch.limits[row, destination], branch.amounts[row, destination]
    facts: JsonObject = {
        "resource": branch.rows[row],
        "before": round(100.0 * float(amount / limit), 1) if limit > 0 else 0.0,
        "after": round(100.0 * float(after.share[destination]), 1),
    }
    emptier = np.flatnonzero(after.share < after.share[destination])
    illegal = ~moves.rules.legal_hosts(branch, server)[emptier]
    others = emptier[illegal & (emptier != branch.host_of[server])]
    others = others[np.argsort(after.share[others], kind="stable")]
    return {**facts, **refused(moves, server, others[:_REFUSED])}


def stays(
    moves: Moves,
    server: int,
    kept: Mapping[str, BoolArray] = NOTHING,
    unwanted: Mapping[str, BoolArray] = NOTHING,
    only: int | None = None,
) -> None:
    """Records why a server stays on its host after all moves.

    Args:
        moves: with the branch and the rules.
        server: index of the server.
        kept: what the strategy says of servers that are not to move → bool[servers].
        unwanted: what it says of hosts that no rule refuses → bool[hosts].
        only: index of the only host that was considered; None: all.
    """
    context = moves.context
    subject, cause = context.server(server), None
    if context.alternatives.is_full:
        context.alternatives.add(subject, cause)
        return
    host = int(moves.branch.host_of[server])
    facts = _why(moves, server, kept, unwanted, only)
    name = moves.model.hosts.name[host]
    context.considered(subject, SERVER_CANNOT_LEAVE, server=moves.name(server), host=name, **facts)


def _why(
    moves: Moves,
    server: int,
    kept: Mapping[str, BoolArray],
    unwanted: Mapping[str, BoolArray],
    only: int | None,
) -> JsonObject:
    """``detail`` in words; and the figures of ``refusals`` if rules refuse every other host."""
    fixed = moves.rules.movability.why_fixed(server)
    if fixed is not None:
        return {"detail": str(fixed), "rule": fixed.reason}
    said = next((text for text, mask in kept.items() if mask[server]), None)
    if said is None and not moves.branch.up[moves.branch.host_of[server]]:
        said = "its host is down, and only a host in operation can migrate it"
    free = moves.rules.legal_hosts(moves.branch, server)
    if said is None and free.any() and not moves.context.budget.left:
        said = BUDGET_SPENT
    if said is not None:
        return {"detail": said}
    why = () if only is None else moves.rules.why_not(moves.branch, server, only)
    if why:
        return {"detail": str(why[0]), "rule": why[0].reason}
    found = refusals(moves, server, {**unwanted, NOT_CHOSEN: free})
    return {
        "detail": f"it finds no place on {found.words}",
        **found.facts(),
    }


def _best(moves: Moves, server: int, hosts: BoolArray, *, fullest: bool) -> int | None:
    legal = np.flatnonzero(moves.rules.legal_hosts(moves.branch, server) & hosts)
    if not len(legal):
        return None
    penalty = moves.rules.soft_penalty(moves.branch, server)
    if penalty is not None:
        legal = legal[penalty[legal] == penalty[legal].min()]
    share = Filling.of(moves, server).share[legal]
    return int(legal[np.argmax(share) if fullest else np.argmin(share)])
