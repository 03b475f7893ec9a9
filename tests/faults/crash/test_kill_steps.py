"""``kill -9`` of the applier during cold migrations: each is requested and confirmed once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import CloudService, compute
from tests.faults.crash.installation import HASTE, Cloud, Installation, eventually

SERVERS = 24


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path, speed=20.0)
    cloud.replace(hosts=12, servers=70, seed=3)
    yield cloud
    cloud.stop()


@pytest.fixture
def nova(cloud: Cloud) -> CloudService:
    limits = ConnectionLimits()
    return compute(connect("simulator", cloud.config, limits), limits)


@pytest.fixture
def installation(tmp_path: Path, database_url: str, cloud: Cloud) -> Iterator[Installation]:
    options = {**HASTE, "watcher_planners.weight.parallelization": "migrate:6"}
    installation = Installation(tmp_path, database_url, cloud, options)
    installation.start()
    yield installation
    installation.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_cold_migration_is_requested_and_confirmed_once(
    installation: Installation, cloud: Cloud, nova: CloudService
) -> None:
    plan = launched(installation, cold_migrations(running(nova)))
    ended, kills = threading.Event(), list[int]()
    thread = threading.Thread(target=kill_until, args=(installation, cloud, ended, kills))
    thread.start()
    try:
        eventually("the plan has ended", lambda: final_state(installation, plan), 240)
    finally:
        ended.set()
        thread.join()
    assert len(kills) > 2, "the control: appliers were killed between these requests"
    actions = installation.ask("GET", f"/v1/actions/detail?action_plan_uuid={plan}")["actions"]
    moved = [
        one["input_parameters"]["resource_id"] for one in actions if one["state"] == "SUCCEEDED"
    ]
    assert len(moved) >= SERVERS - 2, "the scheduler finds no host for one or two of them"
    assert requests(cloud, "confirmResize") == Counter(moved)
    assert set(requests(cloud, "migrate").values()) == {1}
    servers = nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    assert "VERIFY_RESIZE" not in {server["status"] for server in servers}


def requests(cloud: Cloud, kind: str) -> Counter[str]:
    """Server → accepted requests of a kind."""
    return Counter(one["server_id"] for one in cloud.journal() if kind in (one["body"] or {}))


def running(nova: CloudService) -> list[dict[str, Any]]:
    """Servers that can be migrated."""
    servers = nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    return [one for one in servers if one["status"] == "ACTIVE" and not one["locked"]][:SERVERS]


def cold_migrations(servers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Actions of ``actuator``; the scheduler chooses the hosts."""
    return [
        {
            "action_type": "migrate",
            "resource_id": server["id"],
            "input_parameters": {
                "migration_type": "cold",
                "source_node": server["OS-EXT-SRV-ATTR:host"],
            },
        }
        for server in servers
    ]


def launched(installation: Installation, actions: list[dict[str, Any]]) -> str:
    """A launched plan of some actions."""
    body = {
        "audit_type": "ONESHOT",
        "goal": "unclassified",
        "strategy": "actuator",
        "parameters": {"actions": actions},
        "auto_trigger": True,
    }
    eventually(
        "strategies", lambda: installation.ask("GET", "/v1/strategies")["strategies"] or None
    )
    key = {"Idempotency-Key": str(uuid4())}
    audit = installation.ask("POST", "/v1/audits", json=body, headers=key)["uuid"]

    def found() -> str | None:
        plans = installation.ask("GET", f"/v1/action_plans?audit_uuid={audit}")["action_plans"]
        return plans[0]["uuid"] if plans else None

    return eventually("the plan", found)


def final_state(installation: Installation, plan: str) -> str | None:
    state: str = installation.ask("GET", f"/v1/action_plans/{plan}")["state"]
    return state if state in {"SUCCEEDED", "FAILED", "CANCELLED"} else None


def kill_until(
    installation: Installation, cloud: Cloud, ended: threading.Event, kills: list[int]
) -> None:
    """Kills the applier whenever it has sent some more requests: between any two of an action.

    Args:
        installation: its applier is killed and started again.
        cloud: counts the requests.
        ended: set when the plan has ended.
        kills: gets the number of requests before each kill.
    """
    chance = random.Random()
    while not ended.is_set():
        enough = len(cloud.journal()) + chance.randint(1, 6)
        while len(cloud.journal()) < enough:
            if ended.wait(0.05):
                return
        time.sleep(chance.uniform(0, 0.1))
        installation.kill("applier")
        kills.append(enough)
        installation.start("applier")
