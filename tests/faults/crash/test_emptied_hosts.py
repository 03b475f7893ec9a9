"""A host is disabled only with what empties it: through the API, with the simulated cloud.

Consolidation empties hosts and disables them; moves are refused, fail, are skipped by a user, or
the plan is cancelled half-way, also with the applier killed in between. Whatever happens, a host
that holds servers is in service when the plan has ended.
"""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import CloudService, compute
from tests.faults.crash.installation import Cloud, Installation, eventually

pytestmark = pytest.mark.slow

ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
VERSION = {"OpenStack-API-Version": "infra-optim 1.5"}
REQUESTS = {"kind": "endpoint", "service": "compute", "method": "POST", "path": "/action$"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), speed=10.0)
    cloud.replace(hosts=6, servers=20, seed=3)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("installation")
    installation = Installation(directory, f"sqlite:///{directory / 'vigil.db'}", cloud)
    installation.start()
    eventually("goals", lambda: installation.ask("GET", "/v1/goals")["goals"] or None)
    yield installation
    installation.stop()


class Consolidation:
    """A plan on a cloud of its own."""

    def __init__(self, installation: Installation, cloud: Cloud) -> None:
        workers = ("decision-engine", "applier")
        for role in workers:
            installation.kill(role)
        cloud.replace(hosts=6, servers=20, seed=3)
        installation.start(*workers)
        self.installation = installation
        self.cloud = cloud
        limits = ConnectionLimits()
        self.nova: CloudService = compute(connect("simulator", cloud.config, limits), limits)
        self.plan = ""
        self._before = self._disabled()

    def propose(self, **audit: object) -> None:
        """Has a plan made."""
        body = {"audit_type": "ONESHOT", "goal": "server_consolidation", **audit}
        key = {"Idempotency-Key": str(uuid4())}
        uuid = self.installation.ask("POST", "/v1/audits", json=body, headers=key)["uuid"]

        def found() -> str | None:
            path = f"/v1/action_plans?audit_uuid={uuid}"
            plans = self.installation.ask("GET", path)["action_plans"]
            return plans[0]["uuid"] if plans else None

        self.plan = eventually("the plan", found)
        assert {action["action_type"] for action in self.actions()} == {
            "migrate",
            "change_nova_service_state",
        }

    def propose_disabling_first(self) -> str:
        """Has a plan made that disables a host, then moves its servers; returns the host."""
        servers = self.nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
        used = [one["OS-EXT-SRV-ATTR:host"] for one in servers]
        host: str = max(set(used), key=used.count)
        moving = [one for one in servers if one["OS-EXT-SRV-ATTR:host"] == host]
        moving = [one for one in moving if one["status"] == "ACTIVE" and not one["locked"]]
        assert len(moving) > 1
        given = {"resource_name": host, "state": "disabled", "disabled_reason": "watcher_disabled"}
        disable = ("change_nova_service_state", host, given)
        where = {"migration_type": "live", "source_node": host}
        moves = [("migrate", one["id"], where) for one in moving]
        actions = [
            {"action_type": kind, "resource_id": resource, "input_parameters": parameters}
            for kind, resource, parameters in (disable, *moves)
        ]
        self.propose(goal="unclassified", strategy="actuator", parameters={"actions": actions})
        return host

    def actions(self, kind: str | None = None) -> list[dict[str, Any]]:
        path = f"/v1/actions/detail?action_plan_uuid={self.plan}"
        found = self.installation.ask("GET", path)["actions"]
        return [one for one in found if kind in (None, one["action_type"])]

    def skip(self, action: dict[str, Any]) -> None:
        change = [{"op": "replace", "path": "/state", "value": "SKIPPED"}]
        path = f"/v1/actions/{action['uuid']}"
        self.installation.ask("PATCH", path, json=change, headers=VERSION)

    def start(self) -> None:
        self.installation.ask("POST", f"/v1/action_plans/{self.plan}/start", json={})

    def cancel(self) -> None:
        """Has the plan cancelled."""
        change = [{"op": "replace", "path": "/state", "value": "CANCELLING"}]
        url = f"{self.installation.url}/v1/action_plans/{self.plan}"
        answer = requests.patch(url, json=change, timeout=30)
        assert answer.status_code == 200, answer.text

    def fault(self, **rule: object) -> None:
        self.cloud.add_fault(rule)

    def end(self) -> dict[str, Any]:
        """The plan after its end."""

        def found() -> dict[str, Any] | None:
            path = f"/v1/action_plans/{self.plan}"
            plan: dict[str, Any] = self.installation.ask("GET", path, headers=VERSION)
            return plan if plan["state"] in ENDED else None

        return eventually("the plan has ended", found, 120)

    def first(self, kind: str, state: str) -> dict[str, Any]:
        """The first action of a type that is in a state."""

        def found() -> dict[str, Any] | None:
            return next((one for one in self.actions(kind) if one["state"] == state), None)

        return eventually(f"a {kind} is {state}", found)

    def disabled(self) -> set[str]:
        """Hosts that the plan disabled."""
        return self._disabled() - self._before

    def _disabled(self) -> set[str]:
        services = self.nova.get_list("/os-services", "services", {"binary": "nova-compute"})
        return {one["host"] for one in services if one["status"] == "disabled"}

    def used(self) -> set[str]:
        """Hosts that hold servers."""
        servers = self.nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
        return {one["OS-EXT-SRV-ATTR:host"] for one in servers}

    def emptied(self) -> set[str]:
        """Hosts that the plan was to empty and disable."""
        return {
            one["input_parameters"]["resource_name"]
            for one in self.actions("change_nova_service_state")
            if one["input_parameters"]["state"] == "disabled"
        }


@pytest.fixture
def consolidation(installation: Installation, cloud: Cloud) -> Consolidation:
    return Consolidation(installation, cloud)


def test_emptied_hosts_are_disabled(consolidation: Consolidation) -> None:
    """The control of all others."""
    consolidation.propose()
    consolidation.start()
    assert consolidation.end()["state"] == "SUCCEEDED"
    assert consolidation.emptied() == consolidation.disabled() != set()
    assert not consolidation.used() & consolidation.disabled()


def test_hosts_of_which_moves_are_refused_stay_enabled(consolidation: Consolidation) -> None:
    """They stayed disabled with their servers."""
    consolidation.propose()
    consolidation.fault(**REQUESTS, status=409, times=None)
    consolidation.start()
    plan = consolidation.end()
    assert plan["state"] == "FAILED"
    assert "Servers are left on" in plan["status_message"]
    assert not consolidation.used() & consolidation.disabled()


def test_a_host_of_which_one_move_fails_stays_enabled_and_the_others_are_disabled(
    consolidation: Consolidation,
) -> None:
    consolidation.propose()
    failing = consolidation.actions("migrate")[0]["input_parameters"]
    consolidation.fault(kind="migration", outcome="fail", server=failing["resource_id"])
    consolidation.start()
    plan = consolidation.end()
    assert plan["state"] == "FAILED"
    assert f"Servers are left on {failing['source_node']}" in plan["status_message"]
    assert consolidation.disabled() == consolidation.emptied() - {failing["source_node"]}
    assert not consolidation.used() & consolidation.disabled()


@pytest.mark.parametrize("every", [False, True], ids=["one", "all"])
def test_hosts_of_which_a_user_skips_moves_stay_enabled(
    consolidation: Consolidation, every: bool
) -> None:
    """With every move skipped all hosts were disabled, and the plan SUCCEEDED."""
    consolidation.propose()
    moves = consolidation.actions("migrate")
    skipped = moves if every else moves[:1]
    for action in skipped:
        consolidation.skip(action)
    consolidation.start()
    plan = consolidation.end()
    assert plan["state"] == "FAILED"
    kept = {one["input_parameters"]["source_node"] for one in skipped}
    assert all(host in plan["status_message"] for host in kept)
    assert consolidation.disabled() == consolidation.emptied() - kept
    assert not consolidation.used() & consolidation.disabled()


def test_a_plan_that_is_cancelled_half_way_leaves_no_host_disabled_with_servers(
    consolidation: Consolidation,
) -> None:
    consolidation.propose()
    consolidation.fault(**REQUESTS, delay=2, times=None)
    consolidation.start()
    consolidation.first("migrate", "ONGOING")
    consolidation.cancel()
    assert consolidation.end()["state"] == "CANCELLED"
    assert {one["state"] for one in consolidation.actions()} == {"SUCCEEDED", "CANCELLED"}
    assert not consolidation.used() & consolidation.disabled()


@pytest.mark.parametrize("situation", ["refused", "cancelled"])
def test_a_host_that_was_disabled_first_is_enabled_again_although_the_applier_is_killed(
    consolidation: Consolidation, situation: str
) -> None:
    """It is disabled first so that no server arrives; the applier dies before the plan's end."""
    host = consolidation.propose_disabling_first()
    if situation == "refused":
        consolidation.fault(**REQUESTS, status=409, times=1)
    consolidation.start()
    consolidation.first("change_nova_service_state", "SUCCEEDED")
    assert host in consolidation.disabled()
    if situation == "cancelled":
        consolidation.cancel()
    ended, installation = threading.Event(), consolidation.installation
    kills = 0
    while not ended.wait(0.7) and kills < 3:
        installation.kill("applier")
        installation.start("applier")
        kills += 1
    plan = consolidation.end()
    assert plan["state"] == ("FAILED" if situation == "refused" else "CANCELLED")
    assert host not in consolidation.disabled()
    enabling = consolidation.actions("change_nova_service_state")[1:]
    assert [(one["state"], one["input_parameters"]["state"]) for one in enabling] == [
        ("SUCCEEDED", "enabled")
    ]
