"""A whole installation that asks for tokens, and the unmodified clients with theirs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1.identity import V3Password
from keystoneauth1.session import Session

from infrastructure.supervision import free_port
from tests.integration.cli.house import House, house
from tests.integration.supervision.conftest import eventually

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("authenticated-up")]

BIN = Path(sys.executable).parent
CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith(("OS_", "VIGIL_"))
}
METRICS_PASSWORD = "m3trics-pa55"
CLAIMS = re.compile(r"eyJ1c2VyX2lk[\w-]+")
"""How every token of the simulated Keystone begins, Vigil's own ones included."""


@dataclass(frozen=True)
class Up:
    """A running `vigil up`.

    Attributes:
        house: its processes.
        state: what up.json says.
    """

    house: House
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
        done = subprocess.run(
            [str(BIN / program), *words],
            capture_output=True,
            text=True,
            timeout=60,
            env={**CLEAN, "OS_CLIENT_CONFIG_FILE": self.state["cloud_config"], "OS_CLOUD": cloud},
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
        f"simulator_speed = 60\nrun_attempts = 1\n"
        f"[prometheus_client]\nusername = metrics\npassword = {METRICS_PASSWORD}\n"
        "[keystone_authtoken]\ntoken_cache_time = 60\n"
    )
    with house(folder / "data", "--config-file", str(file)) as running:
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
    assert "401" in up.client("openstack", *none, "optimize", "goal", "list")


def test_what_a_client_did_is_told_under_its_users_name(up: Up) -> None:
    said = up.client("openstack", "optimize", "audit", "create", "-g", "dummy", "--name", "mine")
    assert said.endswith("exit 0"), said
    token = up.token("admin")
    audit = up.ask("/v1/audits/mine", token)
    events = up.ask(f"/v1/audits/{audit['uuid']}/events", token)["events"]
    actor = events[0]["actor"]
    assert (actor["kind"], actor["name"]) == ("user", "admin")
    assert len(actor["project"]) == 32


def test_nothing_secret_is_in_any_log_of_a_whole_run(up: Up) -> None:
    """Good and bad tokens, credentials that are refused, a metrics server that cannot be asked."""
    admin, demo = up.token("admin"), up.token("demo")
    forged = f"{admin[:-4]}abcd"
    for token in (admin, demo, forged, "plain-nonsense-token"):
        up.ask("/v1/goals", token)
        up.ask(f"/v1/goals?token={token}", admin)
        up.ask("/v1/goals", admin, **{"X-Service-Token": token})
    up.client("openstack", "optimize", "strategy", "state", "vm_workload_consolidation")
    body = {"audit_type": "ONESHOT", "goal": "server_consolidation", "name": "consolidate"}
    made = requests.post(
        f"{up.url}/v1/audits", json=body, headers={"X-Auth-Token": admin}, timeout=30
    )
    assert made.status_code == 201, made.text
    path = f"/v1/audits/{made.json()['uuid']}"
    over = {"SUCCEEDED", "FAILED"}
    eventually(lambda: up.ask(path, admin)["state"] in over, "the run has ended", 90)

    logs = [one for one in up.house.folder.rglob("*") if one.suffix in {".log", ".err", ".out"}]
    text = "\n".join(one.read_text(errors="replace") for one in logs)
    assert "DEBUG" in text, "this run was to log all there is"
    assert "keystonemiddleware" in text
    nats = up.state["nats_token"]
    assert nats
    for name, secret in {
        "the NATS token": nats,
        "the metrics password": METRICS_PASSWORD,
        "a user's token": demo,
        "a forged token": forged,
        "nonsense sent as a token": "plain-nonsense-token",
        "a signature": admin.rpartition(".")[2],
    }.items():
        assert secret not in text, (name, _around(text, secret))
    assert not CLAIMS.search(text), _around(text, "eyJ1c2VyX2lk")


def _around(text: str, secret: str) -> str:
    return next((line for line in text.splitlines() if secret in line), "")
