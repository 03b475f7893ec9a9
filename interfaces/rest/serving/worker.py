"""The worker process that serves requests: it waits for no client for ever."""

import socket
import struct
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

PATIENCE = 60.0
"""Seconds for which a client may send, or take, nothing while a thread waits for it."""


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threads, with a limit to what they wait for.

    A thread that reads a request, or writes an answer, is nobody else's meanwhile: eight clients
    that stop in the middle of a line would be enough to hold up a process for good. The system's
    own time-outs are used, because gunicorn sets and resets Python's as it needs; what is read or
    written in part before they pass counts as progress.
    """

    def enqueue_req(self, conn: Any) -> None:
        """Has a thread read from a connection."""
        limit = _timeval(self.app.patience)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        super().enqueue_req(conn)


def ran_out_of_patience(error: BaseException | None) -> bool:
    """Whether an error means that a client was waited for too long."""
    return isinstance(error, BlockingIOError | TimeoutError)


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
