"""TCP ports that a supervisor holds for its children.

To check that a port is free and to let a child bind it later is a race: two installations that
start together both find it free, one of them fails to bind, and its clients talk to the other one.
So the supervisor binds the port before it publishes it, and keeps it over restarts of its children.
A connection that is opened during a restart waits for the child.
"""

import errno
import os
import socket
import sys
from dataclasses import dataclass

LISTEN_FD = "VIGIL_LISTEN_FD"
"""Environment variable with the descriptor of the socket to accept connections on."""
BACKLOG = 256
"""Connections that may wait while no child accepts them."""


class PortTaken(OSError):
    """Another process listens on the port, or this one may not; the message says where and why."""

    def __init__(self, host: str, port: int, cause: OSError) -> None:
        place = f"port {port} of {host}" if port else host
        if cause.errno == errno.EADDRINUSE:
            super().__init__(f"{place} is taken: another process listens there")
        else:
            super().__init__(f"cannot listen on {place}: {cause.strerror}")


def listening_socket(host: str, port: int) -> socket.socket:
    """A listening socket, on which a child will accept connections.

    Args:
        host: address or name.
        port: 0: any free one.

    Raises:
        PortTaken: the port cannot be bound.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortTaken(host, port, error) from error
    try:
        # this allows lingering connections of an earlier run, but no other listener
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(BACKLOG)  # of two bound sockets, only one can listen
    except OSError as error:
        taken.close()
        raise PortTaken(host, port, error) from error
    return taken


@dataclass(frozen=True)
class PortReservation:
    """A port for a program that binds it itself instead of inheriting a descriptor.

    On Linux the kernel does not assign it as a free port, and only a program that sets SO_REUSEADDR
    can bind it. On other systems the port is only known to have been free: a second socket could
    not be bound to a port that is held.
    """

    port: int
    _socket: socket.socket

    def close(self) -> None:
        """Frees the port."""
        self._socket.close()


def reserve_port(host: str = "127.0.0.1") -> PortReservation:
    """Reserves a free port until it is closed."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    held.bind((host, 0))
    # after bind: otherwise the kernel could choose a port that is bound with the same option
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation = PortReservation(int(held.getsockname()[1]), held)
    if sys.platform != "linux":
        reservation.close()
    return reservation


def inherited_socket() -> socket.socket | None:
    """The listening socket that the supervisor holds for this process, if any; call it once.

    Raises:
        ValueError: the variable names no listening socket.
    """
    text = os.environ.pop(LISTEN_FD, None)  # not for the children of this process
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
