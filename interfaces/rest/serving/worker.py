"""The worker process that serves requests, with a time limit for each client."""

import socket
import struct
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

CLIENT_TIMEOUT = 60.0
"""Seconds for which a thread waits for a client to send or receive data."""


class TimeLimitedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's thread worker with socket timeouts.

    A thread that reads a request or writes a response serves no other client: without a timeout,
    eight clients that stop in the middle of a line block a process for ever. The timeouts are the
    kernel's, because gunicorn sets and resets those of Python's socket. Data that is read or
    written in part before they expire counts as progress.
    """

    def enqueue_req(self, conn: Any) -> None:
        """Queues a connection for the threads."""
        limit = _timeval(self.app.client_timeout)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        super().enqueue_req(conn)


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
