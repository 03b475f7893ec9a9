"""Ports for servers that tests start."""

from infrastructure.supervision import PortReservation, reserve_port

_KEPT: list[PortReservation] = []


def free_port() -> int:
    """A port that nothing listens on and that nobody else is given while this process runs.

    A server that a test starts can listen there (all of ours set SO_REUSEADDR); a connection to
    it is refused until then.
    """
    _KEPT.append(reserve_port())
    return _KEPT[-1].port
