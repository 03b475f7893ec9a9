"""A client's connection, as whoever writes to it for a long time must know it."""

import contextlib
import fcntl
import select
import socket
import struct
import termios

from application.ports.clock import Clock

BUFFER = 64 * 1024
"""Bytes that the system shall keep of what a client has not taken. It would grow that to megabytes,
and by as much later it would show that the client takes nothing."""

_INT = struct.Struct("i")
_RESET = struct.pack("ii", 1, 0)


class ClientConnection:
    """The connection of a request.

    Args:
        connection: None if the server does not show it: then nobody ever hangs up or stands still.
        peer: the client's address.
        clock: measures how long it takes nothing.
        patience: seconds for which it may.
    """

    def __init__(
        self, connection: socket.socket | None, peer: str, clock: Clock, patience: float
    ) -> None:
        self.peer = peer
        self.patience = patience
        self._connection = connection
        self._clock = clock
        self._written = 0
        self._most = 0
        self._since = clock.monotonic()
        self._events = select.poll()
        if connection is not None:
            self._events.register(connection, getattr(select, "POLLRDHUP", 0))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            connection.settimeout(patience)

    def wrote(self, size: int) -> None:
        """Bytes were written, or will be before the next look."""
        self._written += size

    def hung_up(self) -> bool:
        """Whether the other side has closed the connection; that costs a system call.

        Without it only the next write would tell, and a place would be held until then.
        """
        return self._connection is not None and bool(self._events.poll(0))

    def stands_still(self) -> bool:
        """Whether the other side has taken nothing for too long, though there was something.

        What arrived at its machine counts as taken. A write that has to wait fails by itself, with
        TimeoutError; this is for what found room in our own machine's buffer.
        """
        untaken, now = self._untaken(), self._clock.monotonic()
        taken = self._written - untaken  # too few by what frames the rest: no matter
        if not untaken or taken > self._most:
            self._most = max(self._most, taken)
            self._since = now
        return now - self._since >= self.patience

    def cut(self) -> None:
        """Ends the connection at once, and forgets what was not taken."""
        if self._connection is None:
            return
        with contextlib.suppress(OSError):  # it has ended already
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._connection.shutdown(socket.SHUT_RDWR)  # who closes it need not wait for a reply

    def _untaken(self) -> int:
        if self._connection is None:
            return 0
        try:
            asked = fcntl.ioctl(self._connection, termios.TIOCOUTQ, bytes(_INT.size))
        except OSError:
            return 0  # this system cannot tell, or the connection has ended
        size: int = _INT.unpack(asked)[0]
        return size
