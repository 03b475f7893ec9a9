"""Checks whether a process is ready."""

import http.client
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

Probe = Callable[[], bool]
"""Whether a child is ready; called repeatedly until it is, or its deadline has passed."""

TIMEOUT = 0.5
"""Seconds for one request."""


def file_exists(path: Path) -> Probe:
    """Ready when a file exists and is not empty."""

    def probe() -> bool:
        try:
            return path.stat().st_size > 0
        except OSError:
            return False

    return probe


def all_of(*probes: Probe) -> Probe:
    """Ready when all are; a probe is only called when those before it are ready."""
    return lambda: all(probe() for probe in probes)


def responds(url: str) -> Probe:
    """Ready when a GET of an http or https URL returns a status below 500.

    The server's certificate is not verified: the URL is that of a child. A server that requires a
    client certificate is ready when it refuses the handshake.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80

    def connected() -> http.client.HTTPConnection:
        if parts.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)

    def probe() -> bool:
        connection = connected()
        try:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
        except ssl.SSLError as refused:
            return "certificate required" in str(refused).lower()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe
