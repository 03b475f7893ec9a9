"""Actuation is switched off in the middle of plans, with two appliers that are killed meanwhile."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import compute
from tests.faults.crash.installation import Cloud, Installation, eventually

pytestmark = pytest.mark.slow

APPLIERS = ("applier", "applier#2")


def propose(installation: Installation, servers: list[tuple[str, str]]) -> str:
    """Has a plan made that migrates servers one after another; returns its uuid."""
    actions = [
        {
            "action_type": "migrate",
            "resource_id": server,
            "input_parameters": {"migration_type": "live", "source_node": host},
        }
        for server, host in servers
    ]
    body = {
        "audit_type": "ONESHOT",
        "goal": "unclassified",
        "strategy": "actuator",
        "force": True,
        "parameters": {"actions": actions},
    }
    eventually("goals are listed", lambda: installation.ask("GET", "/v1/goals")["goals"] or None)
    uuid = installation.ask("POST", "/v1/audits", json=body)["uuid"]

    def found() -> str | None:
        plans = installation.ask("GET", f"/v1/action_plans?audit_uuid={uuid}")["action_plans"]
        return plans[0]["uuid"] if plans else None

    return eventually("the plan", found)


def plan(installation: Installation, uuid: str) -> dict[str, Any]:
    headers = {"OpenStack-API-Version": "infra-optim latest"}
    found: dict[str, Any] = installation.ask("GET", f"/v1/action_plans/{uuid}", headers=headers)
    return found


def test_nothing_begins_while_it_is_off_and_every_plan_ends_after_it(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, speed=20.0)
    cloud.replace(hosts=8, servers=12, seed=3)
    installation = Installation(tmp_path, f"sqlite:///{tmp_path / 'vigil.db'}", cloud)
    installation.set("watcher_workflow_engines.taskflow.max_workers", "1")
    installation.start("projector", "relay", "decision-engine", "scheduler", "api", *APPLIERS)
    try:
        _drive(installation, cloud)
    finally:
        installation.stop()
        cloud.stop()


def _drive(installation: Installation, cloud: Cloud) -> None:
    limits = ConnectionLimits()
    nova = compute(connect("simulator", cloud.config, limits), limits)
    servers = nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    active = [one for one in servers if one["status"] == "ACTIVE" and not one["locked"]]
    movable = [(one["id"], one["OS-EXT-SRV-ATTR:host"]) for one in active][:6]
    plans = [propose(installation, movable[:3]), propose(installation, movable[3:])]
    for uuid in plans:
        installation.ask("POST", f"/v1/action_plans/{uuid}/start", json={})
    eventually("migrations begin", lambda: cloud.migrations_of() or None)

    installation.ask("PUT", "/v1/actuation", json={"state": "off", "reason": "test"})
    begun = cloud.migrations_of()

    def waiting() -> bool | None:
        messages = [plan(installation, uuid)["status_message"] or "" for uuid in plans]
        return all(text.startswith("Waiting: actuation is off") for text in messages) or None

    eventually("both plans say that they wait", waiting)
    for applier in APPLIERS:
        installation.kill(applier)
    installation.start(*APPLIERS)
    eventually("the successors say that they wait", waiting)
    assert cloud.migrations_of() == begun

    installation.ask("PUT", "/v1/actuation", json={"state": "on", "reason": "done"})
    for uuid in plans:  # the cloud may refuse a server: its plan fails
        eventually("the plan ends", partial(_ended, installation, uuid))
    assert len(cloud.migrations_of()) > len(begun)
    assert set(cloud.migrations_of().values()) == {1}


def _ended(installation: Installation, uuid: str) -> bool | None:
    return plan(installation, uuid)["state"] in {"SUCCEEDED", "FAILED"} or None
