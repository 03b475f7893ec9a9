"""A whole installation that asks for tokens, and the unmodified clients with theirs."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1.identity import V3Password
from keystoneauth1.session import Session

from tests.integration.cli.running import RunningVigil, running_vigil
from tests.ports import free_port

pytestmark = pytest.mark.timeout(300)

BIN = Path(sys.executable).parent
CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith(("OS_", "VIGIL_"))
}
METRICS_PASSWORD = "m3trics-pa55"  # noqa: S105 - nobody has it
CLAIMS = re.compile(r"eyJ1c2VyX2lk[\w-]+")
"""How every token of the simulated Keystone begins, Vigil's own ones included."""


@dataclass(frozen=True)
class Up:
    """A running `vigil up`.

    Attributes:
        house: its processes.
        state: what up.json says.
    """

    house: RunningVigil
    state: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.state["api_url"])

    def token(self, who: str) -> str:
        """A new token of ``admin`` or ``demo``."""
        auth = V3Password(
            auth_url=f"{self.state['simulator_url']}/identity/v3",
            username=who,
            password="simulator",  # noqa: S106 - the simulated cloud's
            project_name=who,
            user_domain_id="default",
            project_domain_id="default",
        )
        return str(Session(auth=auth).get_token())

    def ask(self, path: str, token: str, **headers: str) -> Any:
        """The document at a path."""
        sent = {"X-Auth-Token": token, "OpenStack-API-Version": "infra-optim 1.7", **headers}
        return requests.get(f"{self.url}{path}", headers=sent, timeout=30).json()

    def client(self, program: str, *words: str, cloud: str = "simulator") -> str:
        """What a client prints; it finds everything through clouds.yaml and the catalogue."""
        file = self.state["cloud_config"]
        named = {"OS_CLIENT_CONFIG_FILE": file, "OS_CLOUD": cloud} if cloud else {}
        done = subprocess.run(
            [str(BIN / program), *words],
            capture_output=True,
            text=True,
            timeout=60,
            env={**CLEAN, **named},
            check=False,
        )
        return f"{done.stdout}{done.stderr}\nexit {done.returncode}"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Debug messages on, and a metrics server with credentials that is not there."""
    folder = tmp_path_factory.mktemp("up")
    file = folder / "vigil.conf"
    file.write_text(
        "[DEFAULT]\nenable_authentication = true\ndebug = true\n"
        f"[vigil]\nprometheus_url = http://metrics:{METRICS_PASSWORD}@127.0.0.1:{free_port()}\n"
        f"simulator_speed = 60\nrun_attempts = 1\nrun_retry_interval = 0.1\nsweep_interval = 1\n"
        f"[prometheus_client]\nusername = metrics\npassword = {METRICS_PASSWORD}\n"
        "[watcher_datasources]\nquery_max_retries = 1\nquery_interval = 0\n"
        "[keystone_authtoken]\ntoken_cache_time = 60\n"
    )
    with running_vigil(folder / "data", "--config-file", str(file)) as running:
        yield Up(running, running.start())


def test_openstack_optimize_with_a_real_token_through_the_catalogue(up: Up) -> None:
    said = up.client("openstack", "optimize", "goal", "list")
    assert "server_consolidation" in said
    assert said.endswith("exit 0")


def test_openstack_optimize_as_somebody_who_may_not(up: Up) -> None:
    said = up.client("openstack", "optimize", "goal", "list", cloud="simulator-demo")
    assert "Policy doesn't allow goal:get_all to be performed. (HTTP 403)" in said
    assert not said.endswith("exit 0")


def test_watcher_with_a_password(up: Up) -> None:
    words = (
        *("--os-auth-url", f"{up.state['simulator_url']}/identity/v3"),
        *("--os-project-name", "admin", "--os-user-domain-id", "default"),
        *("--os-project-domain-id", "default", "--os-password", "simulator"),
    )
    said = up.client("watcher", *words, "--os-username", "admin", "strategy", "list")
    assert "vm_workload_consolidation" in said
    said = up.client(
        "watcher", *words, "--os-username", "admin", "--os-password", "no", "goal", "list"
    )
    assert "exit 0" not in said


def test_a_client_without_a_token_is_told_to_get_one(up: Up) -> None:
    none = ("--os-auth-type", "none", "--os-endpoint", up.url)
    assert "HTTP 401" in up.client("openstack", *none, "optimize", "goal", "list", cloud="")


def test_what_a_client_did_is_told_under_its_users_name(up: Up) -> None:
    said = up.client("openstack", "optimize", "audit", "create", "-g", "dummy", "--name", "mine")
    assert said.endswith("exit 0"), said
    token = up.token("admin")
    audit = up.ask("/v1/audits/mine", token)
    first = up.ask(f"/v1/audits/{audit['uuid']}/events", token)["events"][0]
    assert (first["actor_kind"], first["actor"]) == ("user", "admin")
    assert first["request_id"].startswith("req-")


def test_nothing_secret_is_in_what_a_whole_run_writes(up: Up) -> None:
    """Good and bad tokens, credentials that are refused, a metrics server that cannot be asked."""
    admin, demo = up.token("admin"), up.token("demo")
    forged = f"{admin[:-4]}abcd"
    for token in (admin, demo, forged, "plain-nonsense-token"):
        up.ask("/v1/goals", token)
        up.ask(f"/v1/goals?token={token}", admin)
        up.ask("/v1/goals", admin, **{"X-Service-Token": token})
    _a_run_that_fails(up, admin)

    text = _written(up.house.folder)
    assert "DEBUG" in text, "this run was to log all there is"
    assert "keystonemiddleware" in text
    assert "token=***" in text, "the control: this token was about to be logged"
    assert "://metrics:***@" in text, "and so was this password"
    for name, secret in {
        "the NATS token": up.state["nats_token"],
        "the metrics password": METRICS_PASSWORD,
        "a user's token": demo,
        "a forged token": forged,
        "nonsense sent as a token": "plain-nonsense-token",
        "a signature": admin.rpartition(".")[2],
    }.items():
        assert secret, name
        assert secret not in text, (name, _around(text, secret))
    assert not CLAIMS.search(text), _around(text, "eyJ1c2VyX2lk")


def _a_run_that_fails(up: Up, token: str) -> None:
    body = {"audit_type": "ONESHOT", "goal": "server_consolidation"}
    made = requests.post(
        f"{up.url}/v1/audits", json=body, headers={"X-Auth-Token": token}, timeout=30
    )
    assert made.status_code == 201, made.text
    path, deadline = f"/v1/audits/{made.json()['uuid']}", time.monotonic() + 90
    while up.ask(path, token)["state"] not in {"SUCCEEDED", "FAILED"}:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _written(folder: Path) -> str:
    """All that an installation has written: logs, event log, read models, NATS's store.

    Not the files whose purpose is to hold credentials, which only their owner can read.
    """
    kept = {"up.json", "clouds.yaml", "keystone.conf", "nats.conf"}
    files = [one for one in folder.rglob("*") if one.is_file() and one.name not in kept]
    assert {"vigil.log", "vigil.sqlite"} <= {one.name for one in files}
    return "\n".join(one.read_text(encoding="utf-8", errors="replace") for one in files)


@pytest.mark.parametrize("name", ["up.json", "clouds.yaml", "keystone.conf", "nats/nats.conf"])
def test_what_holds_credentials_is_its_owners(up: Up, name: str) -> None:
    assert (up.house.folder / name).stat().st_mode & 0o077 == 0


def _around(text: str, secret: str) -> str:
    return next((line for line in text.splitlines() if secret in line), "")
