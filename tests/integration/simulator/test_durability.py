"""A simulator that is killed goes on where it was; everything that it answered is true."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.simulator.clients import IDS, Client, small_cloud, until

SERVER = IDS["free-1"]
Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command on one state file."""
    started: list[subprocess.Popen[str]] = []
    cluster = small_cloud(tmp_path)

    def go(speed: float = 40.0, port: int = 0) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "infrastructure.simulator", "--port", str(port)]
        command += ["--cluster", str(cluster), "--state", str(tmp_path / "state.db")]
        command += ["--speed", str(speed), "--clouds-yaml-out", str(tmp_path / "out.yaml")]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield go
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def _kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def test_servers_migrations_history_and_journal_survive_kill_9(
    start: Start, tmp_path: Path
) -> None:
    process, url = start()
    cloud = Client(url, tmp_path)
    answer = cloud.live(SERVER, "a2")
    cloud.settled(SERVER)
    cloud.act(IDS["free-2"], {"migrate": {"host": "a3"}})
    cloud.settled(IDS["free-2"], "VERIFY_RESIZE")
    services = cloud.get("/compute/v2.1/os-services?host=b1")["services"]
    path = f"/compute/v2.1/os-services/{services[0]['id']}"
    cloud.ask("PUT", path, body={"status": "disabled", "disabled_reason": "kept"})
    rule = cloud.fault(kind="migration", outcome="hang", server=IDS["free-3"])
    token = str(cloud.sdk.session.get_token())
    seen = _everything(cloud)
    cloud.sdk.close()
    _kill(process)

    _, url = start(port=int(url.rsplit(":", 1)[1]))
    again = Client(url, tmp_path)
    assert _everything(again) == seen
    request = answer.headers["x-openstack-request-id"]
    assert again.action(SERVER, request)["action"] == "live-migration"
    assert again.get("/vigil/faults")["faults"][0]["id"] == rule
    old = again.ask("GET", "/vigil/state", headers={"X-Auth-Token": token})
    assert old.status_code == 200
    again.act(IDS["free-2"], {"confirmResize": None})
    again.settled(IDS["free-2"])
    again.sdk.close()


def _everything(cloud: Client) -> dict[str, object]:
    state = cloud.get("/vigil/state")
    hosts = {
        h["hypervisor_hostname"]: h
        for h in cloud.get("/compute/v2.1/os-hypervisors")["hypervisors"]
    }
    return {
        "servers": cloud.get("/compute/v2.1/servers/detail?all_tenants=1"),
        "migrations": cloud.get("/compute/v2.1/os-migrations"),
        "actions": cloud.get(f"/compute/v2.1/servers/{SERVER}/os-instance-actions"),
        "journal": cloud.get("/vigil/journal"),
        "hosts": hosts,
        "placed": state["servers_by_host"],
        "taken": {host: cloud.taken(host) for host in hosts},
    }


def test_a_migration_goes_on_while_the_simulator_is_dead(start: Start, tmp_path: Path) -> None:
    process, url = start(speed=4.0)
    cloud = Client(url, tmp_path)
    cloud.live(SERVER, "a2")
    assert cloud.server(SERVER)["status"] == "MIGRATING"
    cloud.sdk.close()
    _kill(process)
    _, url = start(speed=4.0)
    again = Client(url, tmp_path)
    assert again.settled(SERVER)["OS-EXT-SRV-ATTR:host"] == "a2"
    assert [m["status"] for m in again.migrations(SERVER)] == ["completed"]
    again.sdk.close()


def test_what_was_accepted_before_the_kill_is_there_after_it(start: Start, tmp_path: Path) -> None:
    """Killed in the midst of many requests: no accepted one is lost."""
    process, url = start(speed=1000.0)
    cloud = Client(url, tmp_path)
    accepted: list[str] = []

    def toggle(name: str) -> None:
        for turn in range(200):
            action = {"lock": None} if turn % 2 == 0 else {"unlock": None}
            try:
                answer = cloud.act(IDS[name], action)
            except Exception:  # noqa: BLE001 - the server was killed: that is the end
                return
            if answer.status_code == 202:
                accepted.append(answer.headers["x-openstack-request-id"])

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(toggle, name) for name in ("free-1", "free-2", "free-3", "big")]
        until(lambda: len(accepted) > 40, "many are accepted")
        _kill(process)
        for job in jobs:
            job.result(timeout=60)
    cloud.sdk.close()
    _, url = start(speed=1000.0)
    again = Client(url, tmp_path)
    kept = {entry["request_id"] for entry in again.journal()}
    assert set(accepted) <= kept
    assert len(kept) <= len(accepted) + 4
    again.sdk.close()


def test_two_simulators_cannot_share_a_state_file(start: Start, tmp_path: Path) -> None:
    start()
    second, url = start()
    assert url == ""
    assert second.wait(timeout=30) == 1
    assert second.stderr is not None
    assert "cannot start" in second.stderr.read()
