"""Draining a host: moving every server off that can be moved."""

from domain.kernel.reasons import Reason
from domain.optimization.algorithms.moves import FindHost, Moves
from domain.optimization.algorithms.packing import largest_first, sizes

DRAINS_HOST = Reason("drains-host", "moving {server} off {source}, which is drained")
SERVER_CANNOT_LEAVE = Reason("server-cannot-leave", "server {server} cannot leave {host}: {detail}")


def drain(moves: Moves, host: int, find_host: FindHost, reason: Reason = DRAINS_HOST) -> list[int]:
    """Moves all movable servers off a host, the largest first.

    Args:
        moves: collects the moves.
        host: index of the host.
        find_host: finds a destination.
        reason: of the moves; has the facts ``server``, ``source`` and ``destination``.

    Returns:
        Indices of the servers that stay; each was recorded as considered.
    """
    left: list[int] = []
    for server in largest_first(moves.residents(host), sizes(moves.branch)):
        fixed = moves.rules.movability.why_fixed(server)
        destination = None if fixed is not None else find_host(host, server)
        if destination is not None:
            moves.move(server, destination, reason)
            continue
        left.append(server)
        detail = "no host may have it" if fixed is None else str(fixed)
        moves.context.considered(
            moves.context.server(server),
            SERVER_CANNOT_LEAVE,
            server=moves.name(server),
            host=moves.model.hosts.name[host],
            detail=detail,
        )
    return left
