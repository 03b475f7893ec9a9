"""All sixteen strategies, from an audit by the unmodified client to their effects in the cloud."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from openstack.connection import Connection

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import compute
from tests.e2e.client.session import Session
from tests.e2e.client.sixteen import cluster, identity
from tests.integration.cli.running import RunningVigil, running_vigil
from tests.integration.supervision.conftest import eventually

Json = dict[str, Any]
Effects = Counter[tuple[str, str]]
"""(kind of request, resource) → how often."""
RUNNING = ("PENDING", "ONGOING", "RECOMMENDED")
PATIENCE = 60.0


@dataclass(frozen=True)
class Case:
    """An audit.

    Attributes:
        actions: type → number of actions of its plan.
        zone: the zone of its scope; empty: the whole cloud.
    """

    goal: str
    strategy: str
    actions: Mapping[str, int]
    zone: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)

    def words(self) -> list[str]:
        """The parameters as arguments of the client."""
        shown = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in self.parameters.items()
        }
        return [word for name, text in shown.items() for word in ("-p", f"{name}={text}")]


ACTUATED = [
    {"action_type": "nop", "input_parameters": {"message": "by hand"}},
    {"action_type": "stop", "resource_id": identity("acted-on"), "input_parameters": {}},
]
BRIEF = {"period": 60, "granularity": 60}
DISABLE = "change_nova_service_state"
CASES = (
    Case("dummy", "dummy", {"nop": 2, "sleep": 1}, parameters={"para1": 1.0, "para2": "hi"}),
    Case("dummy", "dummy_with_scorer", {"nop": 3, "sleep": 1}),
    Case("dummy", "dummy_with_resize", {"nop": 2, "sleep": 1, "migrate": 2, "resize": 1}),
    Case("unclassified", "actuator", {"nop": 1, "stop": 1}, parameters={"actions": ACTUATED}),
    Case("server_consolidation", "basic", {"migrate": 1, DISABLE: 1}, "basic", BRIEF),
    Case("thermal_optimization", "outlet_temperature", {"migrate": 1}, "heat"),
    Case("saving_energy", "saving_energy", {DISABLE: 1, "change_node_power_state": 1}, "energy"),
    Case(
        "server_consolidation",
        "vm_workload_consolidation",
        {"migrate": 1, DISABLE: 1},
        "consolidation",
    ),
    Case("workload_balancing", "workload_stabilization", {"migrate": 2}, "stabilization"),
    Case("workload_balancing", "workload_balance", {"migrate": 1}, "balance", BRIEF),
    Case(
        "airflow_optimization",
        "uniform_airflow",
        {"migrate": 1},
        "airflow",
        {"threshold_airflow": 120.0, "threshold_power": 100.0},
    ),
    Case("noisy_neighbor", "noisy_neighbor", {"migrate": 1}, "noise"),
    Case(
        "hardware_maintenance",
        "zone_migration",
        {"migrate": 2},
        parameters={"compute_nodes": [{"src_node": "upgrade-1", "dst_node": "upgrade-2"}]},
    ),
    Case(
        "cluster_maintaining",
        "host_maintenance",
        {"migrate": 2, DISABLE: 1},
        parameters={"maintenance_node": "maintenance-1"},
    ),
    Case(
        "server_consolidation",
        "node_resource_consolidation",
        {"migrate": 1, DISABLE: 2},
        "resources",
    ),
)
STORAGE = Case(
    "workload_balancing",
    "storage_capacity_balance",
    {"volume_migrate": 1},
    parameters={"volume_threshold": 70.0},
)
"""Comes last: it migrates volumes of servers that the others migrate."""


@pytest.fixture
def vigil(tmp_path: Path) -> Iterator[RunningVigil]:
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps(cluster()), encoding="utf-8")
    options = {
        "DEFAULT.enable_authentication": "false",
        "nova.migration_interval": "0.25",
        "vigil.simulator_cluster_file": str(file),
        "vigil.simulator_speed": "20",
    }
    words = [word for one in options.items() for word in ("--set", "=".join(one))]
    with running_vigil(tmp_path / "data", *words) as running:
        running.start()
        yield running


@pytest.fixture
def cloud(vigil: RunningVigil) -> Iterator[Connection]:
    connection = connect("simulator", vigil.folder / "clouds.yaml")
    yield connection
    connection.session.session.close()


def _create(client: Session, case: Case, folder: Path, *more: str) -> str:
    """Creates the audit; a scope needs an audit template."""
    where: tuple[str, ...] = ("-g", case.goal, "-s", case.strategy)
    if case.zone:
        scope = folder / f"{case.zone}.json"
        zones = [{"name": case.zone}]
        scope.write_text(json.dumps([{"compute": [{"availability_zones": zones}]}]))
        client(
            *("audittemplate", "create", case.zone, case.goal, "-s", case.strategy),
            *("--scope", str(scope)),
        )
        where = ("-a", case.zone)
    made = client.json("audit", "create", *where, *case.words(), "--auto-trigger", *more)
    assert made["Strategy"] == case.strategy
    return str(made["UUID"])


def _executed(client: Session, case: Case, audit: str) -> list[Json]:
    """Waits for the end of an audit and of its plan; returns the plan's actions."""
    found: list[Json] = []

    def ended() -> bool:
        shown = client.json("audit", "show", audit)
        if shown["State"] in RUNNING:
            return False
        assert (shown["State"], shown["Status Message"]) == ("SUCCEEDED", None), case.strategy
        (listed,) = client.json("actionplan", "list", "--audit", audit)
        found[:] = [client.json("actionplan", "show", listed["UUID"])]
        return found[0]["State"] not in RUNNING

    eventually(ended, f"the plan of {case.strategy} has ended", PATIENCE)
    (plan,) = found
    actions: list[Json] = client.json("action", "list", "--action-plan", plan["UUID"], "--detail")
    assert plan["State"] == "SUCCEEDED", (case.strategy, plan, actions)
    assert Counter(one["Action"] for one in actions) == case.actions, (case.strategy, plan)
    assert {one["State"] for one in actions} == {"SUCCEEDED"}
    return actions


def _wanted(actions: list[Json]) -> Effects:
    """The requests that actions have to send."""
    wanted: Effects = Counter()
    for one in actions:
        kind, given = one["Action"], one["Parameters"]
        resource = str(given.get("resource_id"))
        if kind == "migrate" and given["migration_type"] == "live":
            wanted["os-migrateLive", resource] += 1
        elif kind in ("migrate", "resize"):
            wanted[kind, resource] += 1
            wanted["confirmResize", resource] += 1
        elif kind == DISABLE:
            wanted[given["state"], given["resource_name"]] += 1
        elif kind == "change_node_power_state":
            wanted[kind, given["resource_name"]] += 1
        elif kind not in ("nop", "sleep"):
            wanted[kind, resource] += 1
    return wanted


REQUESTS = {"os-stop": "stop", "os-migrate_volume": "volume_migrate"}
"""Request → type of action, where the names differ."""


def _journal(cloud: Connection, url: str) -> Effects:
    """The requests that changed the cloud."""
    headers = {"X-Auth-Token": cloud.session.get_token()}
    entries = requests.get(f"{url}/vigil/journal", headers=headers, timeout=20).json()["journal"]
    found: Effects = Counter()
    for entry in entries:
        body, path = entry["body"], entry["path"].split("/")
        if path[-1] == "power":
            found["change_node_power_state", entry["target"]] += 1
        elif "status" in body:
            found[body["status"], entry["target"]] += 1
        else:
            (name,) = body
            found[REQUESTS.get(name, name), path[-2]] += 1
    return found


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_strategy_has_its_effects_once_and_logs_no_error(
    vigil: RunningVigil, cloud: Connection, tmp_path: Path
) -> None:
    up = vigil.state()
    with Session(up["api_url"]) as client:
        names = {one["Name"] for one in client.json("strategy", "list")}
        assert names == {case.strategy for case in (*CASES, STORAGE)}
        audits = {_create(client, case, tmp_path, "--force"): case for case in CASES}
        every = [one for audit, case in audits.items() for one in _executed(client, case, audit)]
        last = _create(client, STORAGE, tmp_path)
        every += _executed(client, STORAGE, last)
    assert _journal(cloud, up["simulator_url"]) == _wanted(every)
    nova = compute(cloud, ConnectionLimits())
    servers = nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    hosts = {one["id"]: one["OS-EXT-SRV-ATTR:host"] for one in servers}
    resized = {one["Parameters"]["resource_id"] for one in every if one["Action"] == "resize"}
    for action in every:
        given = action["Parameters"]
        is_placed = action["Action"] == "migrate" and given.get("destination_node")
        if is_placed and given["resource_id"] not in resized:  # a resize may go to any host
            assert hosts[given["resource_id"]] == given["destination_node"]
    assert vigil.stop() == 0
    log = vigil.log()
    assert "Traceback" not in log
    loud = [line for line in log.splitlines() if " ERROR " in line or " WARNING " in line]
    assert [line for line in loud if "NO AUTHENTICATION" not in line] == []
