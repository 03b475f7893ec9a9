"""The client's TCP connection, for responses that are written over a long time."""

import contextlib
import fcntl
import select
import socket
import struct
import termios

from application.ports.clock import Clock

SEND_BUFFER = 64 * 1024
"""Bytes of the kernel's send buffer. Without a limit it grows to megabytes, and a client that does
not read is detected that much later."""

_INT = struct.Struct("i")
_RESET = struct.pack("ii", 1, 0)


class ClientConnection:
    """The connection of a request.

    Args:
        connection: None if the server does not expose it: then it is never closed or stalled.
        peer: the client's address.
        clock: measures the time without progress.
        timeout: seconds without progress after which the connection is stalled.
    """

    def __init__(
        self, connection: socket.socket | None, peer: str, clock: Clock, timeout: float
    ) -> None:
        self.peer = peer
        self.timeout = timeout
        self._connection = connection
        self._clock = clock
        self._written = 0
        self._most_received = 0
        self._last_progress = clock.monotonic()
        self._poll = select.poll()
        if connection is not None:
            self._poll.register(connection, getattr(select, "POLLRDHUP", 0))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            connection.settimeout(timeout)

    def add_written(self, size: int) -> None:
        """Counts bytes that are written before the next call of ``is_stalled``."""
        self._written += size

    def is_closed(self) -> bool:
        """Whether the client has closed the connection. Costs a system call.

        Without this check only the next write would show it, and the stream's slot would stay
        occupied until then.
        """
        return self._connection is not None and bool(self._poll.poll(0))

    def is_stalled(self) -> bool:
        """Whether the client has received nothing for ``timeout`` although data was sent.

        Data that has arrived at the client's host counts as received. A write that blocks raises
        TimeoutError by itself; this detects data that stays in this host's send buffer.
        """
        unsent, now = self._unacknowledged(), self._clock.monotonic()
        received = self._written - unsent  # ignores HTTP framing, hence a little too low
        if not unsent or received > self._most_received:
            self._most_received = max(self._most_received, received)
            self._last_progress = now
        return now - self._last_progress >= self.timeout

    def reset(self) -> None:
        """Ends the connection at once and discards unsent data."""
        if self._connection is None:
            return
        with contextlib.suppress(OSError):  # it has ended already
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._connection.shutdown(socket.SHUT_RDWR)  # a later close() does not wait for a reply

    def _unacknowledged(self) -> int:
        """Bytes in the send buffer that the client's host has not acknowledged."""
        if self._connection is None:
            return 0
        try:
            queued = fcntl.ioctl(self._connection, termios.TIOCOUTQ, bytes(_INT.size))
        except OSError:
            return 0  # not supported here, or the connection has ended
        size: int = _INT.unpack(queued)[0]
        return size


def is_client_timeout(error: BaseException | None) -> bool:
    """Whether an error means that a client sent or received nothing for too long."""
    return isinstance(error, BlockingIOError | TimeoutError)
