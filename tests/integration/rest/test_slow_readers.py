"""Clients of event streams that do not take what is written to them."""

import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from interfaces.rest.services import RestSettings
from tests.integration.rest.serving import served
from tests.world.api import ApiWorld

PLACES = RestSettings().streams
TIMEOUT = 1.0
FULL = 250_000
"""Bytes of events that the buffers of a stream's connection do not hold."""


@contextmanager
def stopped(base: str, begun: str) -> Iterator[socket.socket]:
    """A client that sends that and no more; its machine takes no more than 2 kB of an answer."""
    where = urlsplit(base)
    assert where.hostname is not None
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        line.connect((where.hostname, where.port))
        line.sendall(begun.encode())
        yield line


def silent(base: str, path: str) -> AbstractContextManager[socket.socket]:
    """A client that asks, and never reads the answer."""
    return stopped(base, f"GET {path} HTTP/1.1\r\nHost: {urlsplit(base).netloc}\r\n\r\n")


def streams(base: str) -> int:
    """How many event streams the server counts."""
    text = requests.get(f"{base}/metrics", timeout=20).text
    [line] = [one for one in text.splitlines() if one.startswith("vigil_event_streams ")]
    return int(float(line.split()[1]))


def until(base: str, wanted: int, within: float) -> None:
    """Waits until there are so many streams."""
    deadline = time.monotonic() + within
    while (found := streams(base)) != wanted:
        assert time.monotonic() < deadline, f"{found} streams are served, not {wanted}"
        time.sleep(0.05)


def many_events(api: ApiWorld) -> None:
    size = 0
    while size < FULL:
        for _ in range(10):
            api.audit(audit_type="EVENT")
        size = len(api.ask("GET", "/v1/events?limit=1000").content)


@pytest.mark.parametrize("much", [False, True], ids=["waits", "writes"])
def test_clients_that_never_read_lose_their_places(
    api: ApiWorld, tmp_path: Path, *, much: bool
) -> None:
    """Four of them held the places of a worker until their streams' hour was over, or, once the
    connection's buffers were full, until the client's machine hung up, if it ever did.

    Whether the worker waits for news then (what it wrote fits into its own machine's buffers), or
    is in the middle of writing.
    """
    if much:
        many_events(api)
    else:
        for _ in range(4):
            api.audit(audit_type="EVENT")
    log_file = tmp_path / "errors"
    with (
        log_file.open("w") as errors,
        served(api, workers=1, stream_timeout=TIMEOUT, errors=errors) as base,
        ExitStack() as clients,
    ):
        for _ in range(PLACES):
            clients.enter_context(silent(base, "/v1/events/stream?after=0"))
        until(base, PLACES, within=TIMEOUT)
        assert requests.get(f"{base}/v1/events/stream", timeout=20).status_code == 503
        until(base, 0, within=15)
        with requests.get(f"{base}/v1/events/stream?after=0", stream=True, timeout=20) as mine:
            assert mine.status_code == 200
            assert next(mine.iter_lines()) == b"retry: 2000"
    lines = log_file.read_text().splitlines()
    assert sum("an event stream is cut" in line for line in lines) == PLACES, lines
    assert not [line for line in lines if "Traceback" in line]


def test_a_client_that_reads_slowly_keeps_its_place(api: ApiWorld) -> None:
    """It is standing still that ends a stream, not falling behind."""
    for _ in range(30):
        api.audit(audit_type="EVENT")
    behind = len(api.ask("GET", "/v1/events?limit=1000").content)
    with (
        served(api, workers=1, heartbeat=60.0, stream_timeout=TIMEOUT) as base,
        silent(base, "/v1/events/stream?after=0") as line,
    ):
        line.settimeout(20)
        seen, end = 0, time.monotonic() + 3 * TIMEOUT
        while time.monotonic() < end:
            got = len(line.recv(1000))
            assert got, "the stream was cut"
            seen += got
            time.sleep(0.1)
        assert seen < behind, "it was not slow"
        assert streams(base) == 1
