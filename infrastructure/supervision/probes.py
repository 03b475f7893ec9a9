"""How to find out whether a process is ready: small questions that answer at once."""

import http.client
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

Probe = Callable[[], bool]
"""Whether a child is ready; called again and again until it is or its deadline has passed."""

PATIENCE = 0.5
"""Seconds that one question may take."""


def file_exists(path: Path) -> Probe:
    """Ready once a file is there (and has something in it)."""

    def probe() -> bool:
        try:
            return path.stat().st_size > 0
        except OSError:
            return False

    return probe


def listens(host: str, port: int) -> Probe:
    """Ready once a TCP connection is accepted."""

    def probe() -> bool:
        try:
            with socket.create_connection((host, port), timeout=PATIENCE):
                return True
        except OSError:
            return False

    return probe


def answers(url: str) -> Probe:
    """Ready once a GET of a plain http URL is answered with anything below 500."""
    parts = urlsplit(url)

    def probe() -> bool:
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=PATIENCE
        )
        try:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe
