"""The operator's placement rules through REST, in a whole installation on a simulated cloud."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.integration.cli.running import running_vigil

pytestmark = pytest.mark.timeout(300)

HOSTS = ("a", "b", "c")
SERVERS = {"vm1": "a", "vm2": "a", "vm5": "a", "vm3": "b", "vm6": "b", "vm4": "c"}
CLUSTER = {
    "hosts": [
        {"id": f"id-{name}", "name": name, "vcpus": 16, "ram_mb": 65536, "disk_gb": 1000}
        for name in HOSTS
    ],
    "instances": [
        {
            "id": str(uuid4()),
            "name": name,
            "host": f"id-{on}",
            "flavor": "small",
            "vcpus": 2,
            "ram_mb": 4096,
            "disk_gb": 20,
            "cpu_util_pct": 10,
            "ram_used_mb": 1024,
        }
        for name, on in SERVERS.items()
    ],
}
Placement = dict[str, str]


@dataclass(frozen=True)
class Installation:
    """A running `vigil up`.

    Attributes:
        url: of its API.
        rules: the file of ``[placement] rules_file``.
    """

    url: str
    rules: Path

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(f"{self.url}{path}", json=body, timeout=30)

    def get(self, path: str, **query: str) -> Any:
        version = {"OpenStack-API-Version": "infra-optim 1.7"}
        answer = requests.get(f"{self.url}{path}", params=query, headers=version, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def template(self, rules: dict[str, Any] | None) -> requests.Response:
        scope = [] if rules is None else [{"compute": [{"rules": rules}]}]
        goal = {"goal": "server_consolidation", "strategy": "vm_workload_consolidation"}
        return self.post("/v1/audit_templates", {"name": str(uuid4()), **goal, "scope": scope})

    def audit(self, rules: dict[str, Any] | None = None) -> dict[str, Any]:
        """An audit with some rules in its scope, when its run has ended."""
        template = self.template(rules).json()["uuid"]
        body = {"audit_template_uuid": template, "audit_type": "ONESHOT"}
        audit = self.post("/v1/audits", body).json()["uuid"]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.get(f"/v1/audits/{audit}")
            if found["state"] not in ("PENDING", "ONGOING"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"the audit has not ended: {found}")

    def placement(self, rules: dict[str, Any] | None = None) -> Placement:
        """Where the servers are after the plan of an audit."""
        audit = self.audit(rules)
        assert audit["state"] == "SUCCEEDED", audit["status_message"]
        (plan,) = self.get("/v1/action_plans", audit_uuid=audit["uuid"])["action_plans"]
        listed = self.get("/v1/actions/detail", action_plan_uuid=plan["uuid"])["actions"]
        moves = [one["input_parameters"] for one in listed if one["action_type"] == "migrate"]
        return SERVERS | {one["resource_name"]: one["destination_node"] for one in moves}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("rules")
    cluster, rules, conf = folder / "cluster.json", folder / "rules.yaml", folder / "vigil.conf"
    cluster.write_text(json.dumps(CLUSTER))
    rules.write_text("{}")
    conf.write_text(
        f"[vigil]\nsimulator_cluster_file = {cluster}\nsweep_interval = 1\n"
        f"[placement]\nrules_file = {rules}\n"
    )
    with running_vigil(folder / "data", "--config-file", str(conf)) as running:
        yield Installation(str(running.start()["api_url"]), rules)


@pytest.fixture(scope="module")
def unruled(installation: Installation) -> Placement:
    """Where the servers are after a plan without rules."""
    return installation.placement()


@pytest.mark.parametrize(
    ("rules", "obeyed"),
    [
        ({"bans": [{"servers": ["vm3"], "hosts": ["a"]}]}, lambda at: at["vm3"] != "a"),
        (
            {"fences": [{"servers": ["vm3", "vm4"], "hosts": ["b", "c"]}]},
            lambda at: {at["vm3"], at["vm4"]} <= {"b", "c"},
        ),
        ({"apart": [["vm3", "vm4"]]}, lambda at: at["vm3"] != at["vm4"]),
        ({"together": [["vm3", "vm6"]]}, lambda at: at["vm3"] == at["vm6"] == "b"),
    ],
)
def test_a_plan_obeys_the_rules_of_its_audit(
    installation: Installation,
    unruled: Placement,
    rules: dict[str, Any],
    obeyed: Callable[[Placement], bool],
) -> None:
    """The control is the same audit without the rules: its plan breaks them."""
    assert not obeyed(unruled)
    assert obeyed(installation.placement(rules))


def test_a_rule_in_the_file_holds_for_the_next_audit(installation: Installation) -> None:
    installation.rules.write_text("bans:\n- {servers: [vm3], hosts: [a]}\n")
    try:
        assert installation.placement()["vm3"] != "a"
    finally:
        installation.rules.write_text("{}")
    assert installation.placement()["vm3"] == "a"


def test_a_file_that_cannot_be_used_fails_the_audit(installation: Installation) -> None:
    installation.rules.write_text("bans:\n- {servers: [vm3]}\n")
    try:
        audit = installation.audit()
    finally:
        installation.rules.write_text("{}")
    assert audit["state"] == "FAILED"
    assert str(installation.rules) in audit["status_message"]
    assert "bans[0].hosts: is missing" in audit["status_message"]


def test_an_invalid_rule_is_refused_and_its_field_named(installation: Installation) -> None:
    answer = installation.template({"bans": [{"servers": ["vm3"]}]})
    assert answer.status_code == 400
    assert "scope[0].compute[0].rules.bans[0].hosts: is missing" in answer.text
