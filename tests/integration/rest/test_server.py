"""Several real worker processes on one api."""

import select
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from uuid import uuid4

import pytest
import requests

from interfaces.rest.serving.server import ServerSettings, serve
from tests.integration.rest.serving import served, services_of
from tests.world.api import ApiWorld

WRITERS = 8
ROUNDS = 12


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["OpenStack-API-Version"] = "infra-optim 1.7"
    session.headers["Connection"] = "close"  # each request may meet another worker
    return session


def write_and_read(base: str, positions: set[str]) -> None:
    with _session() as http:
        for _ in range(ROUNDS):
            name = f"audit {uuid4()}"
            body = {"audit_type": "EVENT", "goal": "dummy", "name": name}
            created = http.post(f"{base}/v1/audits", json=body, timeout=30)
            assert created.status_code == 201, created.text
            url = f"{base}/v1/audits/{created.json()['uuid']}"
            assert http.get(url, timeout=30).json() == created.json()
            change = [{"op": "replace", "path": "/state", "value": "CANCELLED"}]
            changed = http.patch(url, json=change, timeout=30)
            assert changed.status_code == 200, changed.text
            assert http.get(f"{base}/v1/audits/{name}", timeout=30).json()["state"] == "CANCELLED"
            assert http.delete(url, timeout=30).status_code == 204
            assert http.get(url, timeout=30).status_code == 404
            positions.add(created.headers["Vigil-Position"])


def test_a_get_after_a_write_sees_it_whichever_worker_answers(api: ApiWorld) -> None:
    positions: set[str] = set()
    with served(api, workers=4) as base, ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write_and_read, base, positions) for _ in range(WRITERS)]:
            done.result(100)
    assert len(positions) == WRITERS * ROUNDS


def test_a_connection_that_is_idle_for_seconds_is_not_closed_under_its_client(
    api: ApiWorld,
) -> None:
    """keystoneauth and proxies keep connections; one that the server closes just then is reset.

    With the two seconds that the server kept them, 12 of 250 requests, each two seconds after the
    last one, failed with ConnectionResetError.
    """
    with served(api, workers=1) as base:
        client = HTTPConnection(base.removeprefix("http://"), timeout=10)
        for _ in range(2):
            client.request("GET", "/healthcheck/live")
            assert client.getresponse().read() == b'{"status":"alive"}'
            readable = select.poll()
            readable.register(client.sock, select.POLLIN | select.POLLHUP)
            assert not readable.poll(4000), "the server closed the connection"
        client.close()


def test_of_concurrent_creations_of_one_name_one_succeeds(api: ApiWorld) -> None:
    body = {"audit_type": "EVENT", "goal": "dummy", "name": "only one"}
    start = threading.Barrier(WRITERS)

    def create(base: str) -> int:
        with _session() as http:
            start.wait(20)
            return http.post(f"{base}/v1/audits", json=body, timeout=30).status_code

    with served(api, workers=4) as base, ThreadPoolExecutor(WRITERS) as pool:
        statuses = sorted(
            one.result(60) for one in [pool.submit(create, base) for _ in range(WRITERS)]
        )
    assert statuses == [201] + [409] * (WRITERS - 1)


def test_concurrent_posts_with_one_idempotency_key_create_one_audit(api: ApiWorld) -> None:
    body = {"audit_type": "ONESHOT", "goal": "dummy"}
    start = threading.Barrier(WRITERS)

    def create(base: str) -> tuple[int, str]:
        with _session() as http:
            start.wait(20)
            answer = http.post(
                f"{base}/v1/audits", json=body, headers={"Idempotency-Key": "k-1"}, timeout=30
            )
            return answer.status_code, answer.json()["uuid"]

    with served(api, workers=4) as base, ThreadPoolExecutor(WRITERS) as pool:
        answers = {one.result(60) for one in [pool.submit(create, base) for _ in range(WRITERS)]}
        with _session() as http:
            listed = http.get(f"{base}/v1/audits", timeout=30).json()["audits"]
    assert len(answers) == 1
    assert next(iter(answers))[0] == 201
    assert len(listed) == 1


def test_a_port_in_use_is_told_at_once(api: ApiWorld) -> None:
    with served(api, workers=1) as base:
        taken = int(base.rpartition(":")[2])
        with pytest.raises(OSError, match=f"port {taken} of 127.0.0.1 is taken"):
            serve(lambda: services_of(api.url), ServerSettings(port=taken))


FAILING = """
import logging, signal, sys
from interfaces.rest.serving.server import ServerSettings, serve

def make_services():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # so that each of them fails, none is ended
    raise ConnectionError("the database does not answer")

logging.basicConfig(format="%(levelname)s %(message)s")
sys.exit(serve(make_services, ServerSettings(port=0, workers=4, grace=20)))
"""


def test_workers_that_cannot_start_end_the_server_with_a_reason_and_a_status() -> None:
    """The second worker that failed, while the server stopped for the first, was a traceback."""
    ended = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 3
    told = ended.stderr.splitlines()
    assert "ERROR the API cannot start: ConnectionError: the database does not answer" in told
    assert told[-1].startswith("ERROR the API ends: a worker process could not start")
    assert "Traceback" not in ended.stderr
