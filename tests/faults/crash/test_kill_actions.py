"""Appliers are killed, or stopped until others take over, during plans with actions of all types.

Each request is accepted once, each plan ends, and no server waits for a person.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits, connect
from tests.faults.crash.installation import HASTE, ROLES, Cloud, Installation, eventually
from tests.faults.crash.test_kill_steps import final_state, launched

KILLS = max(1, int(os.environ.get("VIGIL_TEST_KILLS", "100")) // 4)
TYPES = (
    "migrate",
    "resize",
    "stop",
    "shelve",
    "delete",
    "change_nova_service_state",
    "change_node_power_state",
    "volume_migrate",
    "nop",
    "sleep",
)
APPLIERS = ("applier", "applier#2")
OPTIONS = {
    **HASTE,
    "watcher_planners.weight.parallelization": ",".join(f"{kind}:6" for kind in TYPES),
}
STRIKES = ("kill", "both", "stop", "nats", "store"), (12, 3, 1, 1, 1)
"""What happens, and how often in relation to the others."""
QUIET = {"ACTIVE", "SHUTOFF", "SHELVED", "SHELVED_OFFLOADED", "PAUSED", "SUSPENDED"}
Json = dict[str, Any]


@dataclass
class Plan:
    """The actions of a plan, as parameters of ``actuator``."""

    actions: list[Json] = field(default_factory=list)

    def add(self, kind: str, resource: str | None, **given: object) -> None:
        """Adds an action."""
        named = {} if resource is None else {"resource_id": resource}
        self.actions.append({"action_type": kind, **named, "input_parameters": given})


def of_all_types(clouds: Clouds) -> list[Json]:
    """Actions of all types, each on another resource."""
    plan, nova = Plan(), clouds.compute
    servers = iter(_idle_servers(clouds))
    for kind in ("live", "live", "live", "cold", "cold", "cold"):
        one = next(servers)
        source = one["OS-EXT-SRV-ATTR:host"]
        plan.add("migrate", one["id"], migration_type=kind, source_node=source)
    for _ in range(2):
        one = next(servers)
        for flavor in _smaller(clouds, one)[:1]:
            plan.add("resize", one["id"], flavor=flavor)
    for kind in ("stop", "stop", "shelve", "shelve", "delete", "delete"):
        plan.add(kind, next(servers)["id"])
    used = {one["OS-EXT-SRV-ATTR:host"] for one in _servers(clouds)}
    services = nova.get("/os-services", {"binary": "nova-compute"})["services"]
    busy = [one["host"] for one in services if one["host"] in used and one["status"] == "enabled"]
    for name in busy[:2]:
        plan.add("change_nova_service_state", name, resource_name=name, state="disabled")
    for node in clouds.baremetal.get("/nodes/detail")["nodes"]:
        if node["name"] not in used and node["power_state"] == "power on":
            plan.add("change_node_power_state", node["uuid"], state="off")
            break
    for volume in _free_volumes(clouds)[:2]:
        plan.add("volume_migrate", volume["id"], migration_type="retype", destination_type="ssd")
    plan.add("nop", None, message="hi")
    plan.add("sleep", None, duration=0.5)
    return plan.actions


def _servers(clouds: Clouds) -> list[Json]:
    return clouds.compute.list_all("/servers/detail", "servers", {"all_tenants": "true"})


def _idle_servers(clouds: Clouds) -> list[Json]:
    """Servers that can be acted on; those without volumes, which are left to the volumes."""
    return [
        one
        for one in _servers(clouds)
        if one["status"] == "ACTIVE"
        and not one["locked"]
        and not one["OS-EXT-STS:task_state"]
        and not one["os-extended-volumes:volumes_attached"]
    ]


def _smaller(clouds: Clouds, server: Json) -> list[str]:
    """Flavors that fit where the server is, the smallest first."""
    now = server["flavor"]
    flavors = clouds.compute.list_all("/flavors/detail", "flavors", {"is_public": "none"})
    fitting = [
        one for one in flavors if one["name"] != now["original_name"] and one["disk"] >= now["disk"]
    ]
    return [str(one["id"]) for one in sorted(fitting, key=lambda one: one["ram"])]


def _free_volumes(clouds: Clouds) -> list[Json]:
    cinder, everyone = clouds.block_storage, {"all_tenants": "true"}
    copied = {one["volume_id"] for one in cinder.list_all("/snapshots", "snapshots", everyone)}
    return [
        one
        for one in cinder.list_all("/volumes/detail", "volumes", everyone)
        if one["status"] == "available"
        and one["volume_type"] == "hdd"
        and not one["migration_status"]
        and one["id"] not in copied
    ]


@dataclass
class Killer:
    """Kills or stops an applier every now and then, or loses NATS, until it has struck enough."""

    installation: Installation
    chance: random.Random
    strikes: Counter[str] = field(default_factory=Counter)

    def run(self, enough: Callable[[], bool]) -> None:
        while not enough():
            time.sleep(self.chance.uniform(0.0, 0.9))
            kind = self.chance.choices(("kill", "both", "stop", "nats", "store"), (12, 3, 1, 1, 1))[
                0
            ]
            self._strike(kind)
            self.strikes[kind] += 1

    def _strike(self, kind: str) -> None:
        victim = self.chance.choice(APPLIERS)
        if kind == "stop":
            self._stop(victim)
        elif kind in {"nats", "store"}:
            self.installation.lose_nats(store=kind == "store")
        else:
            for one in APPLIERS if kind == "both" else (victim,):
                self.installation.kill(one)
                self.installation.start(one)

    def _stop(self, victim: str) -> None:
        """Stops an applier for longer than its heartbeat counts; the other one takes over."""
        group = self.installation.group(victim)
        os.killpg(group, signal.SIGSTOP)
        time.sleep(self.chance.uniform(3.5, 5.0))
        os.killpg(group, signal.SIGCONT)


@dataclass
class Rounds:
    """Plans of all types, one after the other, each on a new cloud."""

    installation: Installation
    cloud: Cloud
    chance: random.Random
    enough: threading.Event = field(default_factory=threading.Event)
    count: int = 0
    states: Counter[str] = field(default_factory=Counter)
    failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self._round()
                self.count += 1
        except BaseException as failure:  # noqa: BLE001 - reported by the test itself
            self.failure = failure

    def _round(self) -> None:
        wanted, limits = list[Json](), ConnectionLimits()
        while {one["action_type"] for one in wanted} != set(TYPES):  # few clouds lack something
            self.cloud.replace(hosts=12, servers=60, seed=self.chance.randrange(10_000))
            clouds = Clouds(connect("simulator", self.cloud.config, limits), limits)
            wanted = of_all_types(clouds)
        plan = launched(self.installation, wanted)
        eventually("the plan has ended", partial(final_state, self.installation, plan), 240)
        path = f"/v1/actions/detail?action_plan_uuid={plan}"
        actions = self.installation.ask("GET", path)["actions"]
        judge(actions, self.cloud.journal(), clouds)
        self.states.update(one["state"] for one in actions)


def judge(actions: Sequence[Json], journal: Sequence[Json], clouds: Clouds) -> None:
    """Compares the outcomes with what the cloud accepted and shows."""
    assert {one["state"] for one in actions} <= {"SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED"}
    accepted = Counter((one["method"], one["path"], *_names(one["body"])) for one in journal)
    assert set(accepted.values()) <= {1}, [one for one, times in accepted.items() if times > 1]
    paths = " ".join(str(one["path"]) for one in journal)
    services = clouds.compute.get("/os-services", {"binary": "nova-compute"})["services"]
    disabled = {one["host"] for one in services if one["status"] == "disabled"}
    for one in actions:
        resource = str(one["input_parameters"].get("resource_id"))
        if one["state"] == "SUCCEEDED" and one["action_type"] not in {"nop", "sleep"}:
            assert resource in paths or resource in disabled, f"success without an effect: {one}"
    for server in _servers(clouds):
        assert server["status"] in QUIET, (server["id"], server["status"])
        assert server["OS-EXT-STS:task_state"] is None, server["id"]


def _names(body: object) -> list[str]:
    return sorted(body) if isinstance(body, dict) else []


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path, speed=20.0)
    cloud.replace(hosts=12, servers=60, seed=1)
    yield cloud
    cloud.stop()


@pytest.fixture
def installation(tmp_path: Path, database_url: str, cloud: Cloud) -> Iterator[Installation]:
    installation = Installation(tmp_path, database_url, cloud, OPTIONS)
    installation.start(*ROLES, APPLIERS[1])
    yield installation
    installation.stop()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_request_of_any_action_is_repeated_or_forgotten(
    installation: Installation, cloud: Cloud, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    killer = Killer(installation, random.Random(seed))
    rounds = Rounds(installation, cloud, random.Random(seed + 1))
    thread, began = threading.Thread(target=rounds.run), time.monotonic()
    thread.start()
    killer.run(lambda: killer.strikes.total() >= KILLS or not thread.is_alive())
    rounds.enough.set()
    thread.join()
    with capsys.disabled():
        print(
            f"\n{database_url.partition(':')[0]}: {dict(killer.strikes)} in {rounds.count} rounds, "
            f"actions {dict(rounds.states)}, {time.monotonic() - began:.0f} s, seed {seed}"
        )
    if rounds.failure is not None:
        raise rounds.failure
    assert rounds.states["SUCCEEDED"] > 0
