"""How to find out whether a process is ready: small questions that answer at once."""

import http.client
import ssl
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


def all_of(*probes: Probe) -> Probe:
    """Ready once all are; a later one is only asked when those before it say so."""
    return lambda: all(probe() for probe in probes)


def answers(url: str) -> Probe:
    """Ready once a GET of an http or https URL is answered with anything below 500.

    Whose certificate it is does not matter: the question is whether a process of ours answers.
    An https server that wants to see a certificate first is ready once it listens.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80

    def connected() -> http.client.HTTPConnection:
        if parts.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=PATIENCE)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)

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
