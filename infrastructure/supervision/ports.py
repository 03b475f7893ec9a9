"""TCP ports that a supervisor holds for its children, so that nobody else can get between.

To look whether a port is free and to have a child bind it a second later is a race: two
installations that start together both find it free, one of them fails to bind, and its clients
talk to the other one. So the supervisor itself takes a port before it tells anybody about it, and
keeps it while its children come and go. A connection that is made while a child is being started
again waits for it.
"""

import os
import socket
import sys
from dataclasses import dataclass

LISTEN_FD = "VIGIL_LISTEN_FD"
"""Variable that tells a supervised process which descriptor to accept connections on."""
BACKLOG = 256
"""Connections that may wait while no child accepts any."""


class PortTaken(OSError):
    """Somebody else listens there, or this process may not."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens, for a child to accept on.

    Args:
        host: address or name.
        port: 0 = any free one.

    Raises:
        PortTaken: it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortTaken(error.errno, error.strerror) from error
    try:
        # connections of an earlier run that linger are no obstacle, another listener is
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(BACKLOG)  # of two that are bound, only one can get here
    except OSError as error:
        taken.close()
        raise PortTaken(error.errno, error.strerror) from error
    return taken


@dataclass(frozen=True)
class Reservation:
    """A port for a program that takes no descriptor but binds by itself.

    On Linux the kernel gives it to nobody who asks for any free port, and only a program that
    sets SO_REUSEADDR and names it can bind it. Elsewhere it was free a moment ago, no more: a
    second socket could not be bound beside one that is kept.
    """

    port: int
    _held: socket.socket

    def close(self) -> None:
        """Lets go of it."""
        self._held.close()


def reserved(host: str = "127.0.0.1") -> Reservation:
    """Any free port, kept until it is closed."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    held.bind((host, 0))
    # only now: set before, the kernel could choose a port that somebody else has bound like this
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation = Reservation(int(held.getsockname()[1]), held)
    if sys.platform != "linux":
        reservation.close()
    return reservation


def inherited() -> socket.socket | None:
    """The listening socket that this process's supervisor holds for it, if any; to be asked once.

    Raises:
        ValueError: the variable names no listening socket.
    """
    text = os.environ.pop(LISTEN_FD, None)  # our own children must not take it for theirs
    if text is None:
        return None
    try:
        found = socket.socket(fileno=int(text))
        accepting = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except (OSError, ValueError) as error:
        raise ValueError(f"{LISTEN_FD}: {text!r} is no socket of this process: {error}") from error
    if not accepting:
        found.close()
        raise ValueError(f"{LISTEN_FD}: descriptor {text} is a socket that does not listen")
    found.set_inheritable(False)
    return found
