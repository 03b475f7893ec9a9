"""A plan that failed half-way is undone, with all processes and the simulated cloud."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import CloudService, compute
from tests.faults.crash.installation import HASTE, Cloud, Installation, eventually

pytestmark = pytest.mark.slow

BY_ITSELF = "watcher_applier.rollback_when_actionplan_failed"
WORKERS = ("decision-engine", "applier")
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), speed=10.0)
    cloud.replace(hosts=12, servers=70, seed=1)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("installation")
    installation = Installation(directory, f"sqlite:///{directory / 'vigil.db'}", cloud, HASTE)
    installation.start()
    eventually("goals", lambda: installation.ask("GET", "/v1/goals")["goals"] or None)
    yield installation
    installation.stop()


def nova(cloud: Cloud) -> CloudService:
    limits = ConnectionLimits()
    return compute(connect("simulator", cloud.config, limits), limits)


def hosts(cloud: Cloud) -> dict[str, str]:
    """Server → its host."""
    servers = nova(cloud).list_all("/servers/detail", "servers", {"all_tenants": "true"})
    return {one["id"]: one["OS-EXT-SRV-ATTR:host"] for one in servers}


def disabled(cloud: Cloud) -> set[str]:
    """Hosts that are not in service."""
    services = nova(cloud).get_list("/os-services", "services", {"binary": "nova-compute"})
    return {one["host"] for one in services if one["status"] == "disabled"}


def misplaced(cloud: Cloud, before: dict[str, str], closed: set[str]) -> dict[str, str]:
    """Servers that are not where they were; Nova takes none back to a host that was disabled."""
    now = hosts(cloud)
    return {s: now[s] for s, host in before.items() if now[s] != host and host not in closed}


def half_failed(installation: Installation, cloud: Cloud) -> str:
    """A plan of consolidation of which half of the migrations are refused."""
    body = {"audit_type": "ONESHOT", "goal": "server_consolidation"}
    key = {"Idempotency-Key": str(uuid4())}
    audit = installation.ask("POST", "/v1/audits", json=body, headers=key)["uuid"]

    def found() -> str | None:
        plans = installation.ask("GET", f"/v1/action_plans?audit_uuid={audit}")["action_plans"]
        return plans[0]["uuid"] if plans else None

    plan = eventually("the plan", found)
    moves = [
        one
        for one in installation.ask("GET", f"/v1/actions/detail?action_plan_uuid={plan}")["actions"]
        if one["action_type"] == "migrate"
    ]
    assert len(moves) > 3
    for one in moves[len(moves) // 2 :]:
        server = one["input_parameters"]["resource_id"]
        cloud.add_fault(
            {
                "kind": "endpoint",
                "service": "compute",
                "method": "POST",
                "path": f"/servers/{server}/action$",
                "status": 400,
            }
        )
    installation.ask("POST", f"/v1/action_plans/{plan}/start", json={})
    return plan


def ended(installation: Installation, plan: str) -> Any:
    def probe() -> Any:
        found = installation.ask("GET", f"/v1/action_plans/{plan}")
        return found if found["state"] in ENDED else None

    return eventually(f"plan {plan} has ended", probe)


def test_the_command_brings_every_server_back(installation: Installation, cloud: Cloud) -> None:
    afresh(installation, cloud, by_itself="false")
    before, closed = hosts(cloud), disabled(cloud)
    plan = half_failed(installation, cloud)
    assert ended(installation, plan)["state"] == "FAILED"
    assert misplaced(cloud, before, closed), "some moves took place"
    assert "MADE" in installation.over_api("plan", "return", plan)
    assert misplaced(cloud, before, closed), "nothing is executed before it is started"
    shown = installation.over_api("plan", "return", plan, "--start")
    assert "SUCCEEDED" in shown
    assert "injected by the simulator" in shown
    assert misplaced(cloud, before, closed) == {}
    assert disabled(cloud) == closed
    back = installation.ask("GET", f"/v1/action_plans/{plan}/return")["uuid"]
    assert "identical" in installation.vigil("replay", "verify", back)


def test_a_failure_is_undone_once_although_engine_and_applier_are_killed(
    installation: Installation, cloud: Cloud
) -> None:
    afresh(installation, cloud, by_itself="true")
    before, closed = hosts(cloud), disabled(cloud)
    plan = half_failed(installation, cloud)
    restart(installation)
    audit = ended(installation, plan)["audit_uuid"]
    restart(installation)

    def made() -> Any:
        found = installation.ask("GET", f"/v1/action_plans/{plan}/return")
        return found if found["state"] == "MADE" else None

    back = eventually("the return plan", made)["uuid"]
    restart(installation)
    assert ended(installation, back)["state"] == "SUCCEEDED"
    plans = installation.ask("GET", f"/v1/action_plans?audit_uuid={audit}")["action_plans"]
    assert [one["uuid"] for one in plans] == [plan, back]
    assert misplaced(cloud, before, closed) == {}
    assert disabled(cloud) == closed


def afresh(installation: Installation, cloud: Cloud, by_itself: str) -> None:
    """Begins with a new cloud and the option."""
    for role in WORKERS:
        installation.kill(role)
    cloud.replace(hosts=12, servers=70, seed=1)
    installation.set(BY_ITSELF, by_itself)
    installation.start(*WORKERS)


def restart(installation: Installation) -> None:
    """Kills the processes that make and execute plans, and starts them again."""
    for role in WORKERS:
        installation.kill(role)
    installation.start(*WORKERS)
