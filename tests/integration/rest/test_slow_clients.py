"""Clients that stop in the middle: of a request, of its body, of reading the answer."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from interfaces.rest.serving.server import ServerSettings
from tests.integration.notifications.waiting import until
from tests.integration.rest.serving import served
from tests.integration.rest.test_slow_readers import TIMEOUT, many_events, stopped
from tests.world.api import ApiWorld

THREADS = ServerSettings().threads
SOON = 15.0
"""Seconds within which the server must be free again."""


@pytest.mark.parametrize(
    "begun",
    [
        "GET /v1/go",
        "GET /v1/goals HTTP/1.1\r\nHost: here\r\nX-Half: ",
        "POST /v1/audits HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{",
        pytest.param(
            "GET /v1/events?limit=1000 HTTP/1.1\r\nHost: here\r\n\r\n" * 40,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["line", "headers", "body", "answers"],
)
def test_clients_that_stop_half_way_do_not_hold_up_the_others(
    api: ApiWorld, tmp_path: Path, begun: str
) -> None:
    """One for each thread was enough: the process served nobody until they hung up."""
    if "events" in begun:
        many_events(api)
    log_file = tmp_path / "errors"
    with (
        log_file.open("w") as errors,
        served(api, workers=1, client_timeout=TIMEOUT, errors=errors) as base,
        ExitStack() as clients,
    ):
        for _ in range(THREADS):
            clients.enter_context(stopped(base, begun))
        # connections are accepted in their order: this one waits behind all of them
        assert requests.get(f"{base}/v1/goals", timeout=SOON).status_code == 200
        if "Content-Length" not in begun:
            until(lambda: "a client was cut off" in log_file.read_text(), "it is logged")
    assert "Traceback" not in log_file.read_text()


def test_a_body_that_does_not_come_is_said_to_be_late(api: ApiWorld) -> None:
    begun = "POST /v1/audits HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{"
    with served(api, workers=1, client_timeout=TIMEOUT) as base, stopped(base, begun) as line:
        line.settimeout(SOON)
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert "did not arrive in time" in answer


def test_a_slow_client_that_goes_on_is_served(api: ApiWorld) -> None:
    """What it sends in time counts, however long the whole takes."""
    request = "GET /v1/goals HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    with (
        served(api, workers=1, client_timeout=TIMEOUT) as base,
        stopped(base, request[:4]) as line,
    ):
        line.settimeout(SOON)
        for start in range(4, len(request), 5):
            time.sleep(TIMEOUT / 4)
            line.sendall(request[start : start + 5].encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 200 ")
    assert "server_consolidation" in answer
