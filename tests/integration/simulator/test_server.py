"""The process: its command line, many clients at once, and a clean end."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests

from infrastructure.simulator import Simulator, SimulatorConfig
from tests.integration.simulator.clients import IDS, Client

COMMAND = [sys.executable, "-m", "infrastructure.simulator"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_url_writes_clouds_yaml_and_ends_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "new" / "clouds.yaml"
    options = ["--hosts", "3", "--servers", "5", "--clouds-yaml-out", str(file)]
    options += ["--cloud-name", "twin", "--endpoint", "infra-optim=http://127.0.0.1:9322"]
    with subprocess.Popen(
        COMMAND + options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert f"auth_url: {url}/identity/v3" in file.read_text()
        assert "  twin:" in file.read_text()
        assert [p.name for p in file.parent.iterdir()] == ["clouds.yaml"]
        client = Client(url, tmp_path)
        endpoint = client.sdk.session.get_endpoint(service_type="infra-optim")
        assert endpoint == "http://127.0.0.1:9322"
        client.sdk.close()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hosts", "1", "--servers", "9000"], "too small"),
        (["--cluster", "/nonexistent/cluster.json"], "No such file"),
    ],
)
def test_it_says_why_it_cannot_start(options: list[str], message: str) -> None:
    ended = subprocess.run(
        COMMAND + options, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_fifty_clients_at_once_are_all_served(simulator: Simulator, cloud: Client) -> None:
    token = str(cloud.sdk.session.get_token())

    def reads(_number: int) -> list[int]:
        with requests.Session() as session:
            session.headers["X-Auth-Token"] = token
            url = f"{simulator.base_url}/compute/v2.1/servers/detail?all_tenants=1"
            return [session.get(url, timeout=60).status_code for _ in range(4)]

    with ThreadPoolExecutor(50) as pool:
        statuses = {status for batch in pool.map(reads, range(50)) for status in batch}
    assert statuses == {200}


def test_of_fifty_simultaneous_requests_to_move_a_server_one_is_accepted(
    simulator: Simulator, cloud: Client
) -> None:
    token = str(cloud.sdk.session.get_token())
    server = IDS["free-1"]
    cloud.fault(kind="migration", outcome="hang", server=server, times=None)

    def move(_number: int) -> int:
        return requests.post(
            f"{simulator.base_url}/compute/v2.1/servers/{server}/action",
            json={"os-migrateLive": {"host": None, "block_migration": "auto"}},
            headers={"X-Auth-Token": token, "OpenStack-API-Version": "compute 2.30"},
            timeout=60,
        ).status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = sorted(pool.map(move, range(50)))
    assert statuses == [202] + [409] * 49
    assert len(cloud.journal(server)) == 1


def test_a_connection_is_kept_for_many_requests(simulator: Simulator, cloud: Client) -> None:
    """Also across refusals, answers without a body, and HEAD."""
    token = str(cloud.sdk.session.get_token())
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    address = simulator.base_url.removeprefix("http://")
    with closing(HTTPConnection(address, timeout=10)) as connection:
        connection.connect()
        socket = connection.sock
        for method, path, body in (
            ("GET", "/compute/v2.1/flavors", None),
            ("GET", "/compute/v2.1/servers/nope", None),
            ("HEAD", "/identity/v3/auth/tokens", None),
            ("POST", "/compute/v2.1/servers/nope/action", b"x" * 9000),
            ("POST", f"/compute/v2.1/servers/{IDS['kept']}/action", b'{"unlock": null}'),
            ("GET", "/compute/v2.1/flavors", None),
        ):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert connection.sock is socket
        assert answer.status == 200


def test_it_can_be_stopped_and_its_port_taken_again() -> None:
    first = Simulator(SimulatorConfig(hosts=2, servers=2))
    first.start()
    port = int(first.base_url.rsplit(":", 1)[1])
    first.stop()
    second = Simulator(SimulatorConfig(hosts=2, servers=2, port=port))
    second.start()
    answer = requests.get(f"{second.base_url}/identity/v3", timeout=10)
    assert answer.json()["version"]["status"] == "stable"
    second.stop()
