"""Appliers are killed, or stopped until others take over, during plans with actions of all types.

Each request is accepted once, each plan ends, and no server waits for a person.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from application.ports.event_log import RecordedEvent
from domain.plans import ActionPlan
from domain.plans.events import ActionFailed, ActionIntended, ActionSucceeded
from infrastructure.event_log import open_event_log
from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits, connect
from tests.faults.crash.installation import HASTE, ROLES, Cloud, Installation, eventually
from tests.faults.crash.striking import APPLIERS, KILLS, Killer, Rounds, struck_through
from tests.faults.crash.test_kill import ENDED
from tests.faults.crash.test_kill_steps import final_state, launched

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
OPTIONS = {
    **HASTE,
    "watcher_planners.weight.parallelization": ",".join(f"{kind}:6" for kind in TYPES),
}
VICTIMS = {"applier": 6, "applier#2": 6, "appliers": 3, "stopped": 1, "nats": 1, "nats-store": 1}
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


@dataclass(frozen=True)
class Verdict:
    """What is wrong: requests that the cloud accepted twice, and what was lost or left undone."""

    doubled: Sequence[object] = ()
    lost: Sequence[object] = ()


@dataclass
class OfAllTypes(Rounds):
    """Plans of all types, each on a new cloud.

    Attributes:
        plans: their ids.
        states: of their actions.
        verdict: what was doubled or lost.
    """

    installation: Installation
    cloud: Cloud
    plans: list[UUID] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)

    def one(self) -> None:
        self.exposed.clear()
        wanted, limits = list[Json](), ConnectionLimits()
        while {one["action_type"] for one in wanted} != set(TYPES):  # few clouds lack something
            self.cloud.replace(hosts=12, servers=60, seed=self.chance.randrange(10_000))
            clouds = Clouds(connect("simulator", self.cloud.config, limits), limits)
            wanted = of_all_types(clouds)
        plan = launched(self.installation, wanted)
        eventually("it has begun", partial(has_begun, self.installation, plan), 120)
        self.exposed.set()
        eventually("the plan has ended", partial(final_state, self.installation, plan), 240)
        self.plans.append(UUID(plan))
        path = f"/v1/actions/detail?action_plan_uuid={plan}"
        actions = self.installation.ask("GET", path)["actions"]
        self.states.update(one["state"] for one in actions)
        found = judge(actions, self.cloud.journal(), clouds)
        self.verdict = Verdict(
            [*self.verdict.doubled, *found.doubled], [*self.verdict.lost, *found.lost]
        )
        assert not found.doubled, found.doubled
        assert not found.lost, found.lost


def has_begun(installation: Installation, plan: str) -> bool | None:
    """Whether an applier executes a plan, or has."""
    return installation.ask("GET", f"/v1/action_plans/{plan}")["state"] != "PENDING" or None


def judge(actions: Sequence[Json], journal: Sequence[Json], clouds: Clouds) -> Verdict:
    """Compares the outcomes with what the cloud accepted and shows."""
    accepted = Counter((one["method"], one["path"], *_names(one["body"])) for one in journal)
    paths = " ".join(str(one["path"]) for one in journal)
    services = clouds.compute.get("/os-services", {"binary": "nova-compute"})["services"]
    disabled = {one["host"] for one in services if one["status"] == "disabled"}
    lost: list[object] = [one for one in actions if one["state"] not in ENDED]
    for one in actions:
        resource = str(one["input_parameters"].get("resource_id"))
        if one["state"] == "SUCCEEDED" and one["action_type"] not in {"nop", "sleep"}:
            lost += [] if resource in paths or resource in disabled else [one]
    for server in _servers(clouds):
        if server["status"] not in QUIET or server["OS-EXT-STS:task_state"] is not None:
            lost.append((server["id"], server["status"], server["OS-EXT-STS:task_state"]))
    return Verdict([one for one, times in accepted.items() if times > 1], lost)


def kills_by_type(database: str, plans: Sequence[UUID], killer: Killer) -> Counter[str]:
    """Type of action → strikes while one of this type was in progress, by the log."""
    log, found = open_event_log(database), Counter[str]()
    for plan in plans:
        begun: dict[UUID, datetime] = {}
        spans: list[tuple[str, datetime, datetime]] = []
        proposed = log.find(ActionPlan, plan)
        assert proposed is not None
        for entry in log.history(plan):
            event = entry.event if isinstance(entry, RecordedEvent) else None
            if isinstance(event, ActionIntended):
                begun.setdefault(event.action_id, event.timestamp)
            elif isinstance(event, ActionSucceeded | ActionFailed) and event.action_id in begun:
                kind = proposed.actions[event.action_id].spec.type
                spans.append((kind, begun[event.action_id], event.timestamp))
        for at, _ in killer.strikes:
            found.update({kind for kind, first, last in spans if first <= at <= last})
    log.close()
    return found


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
    killer = Killer(installation, random.Random(seed), VICTIMS, pause=(0.0, 0.9))
    rounds = OfAllTypes(random.Random(seed + 1), installation, cloud)
    seconds = struck_through(killer, rounds, max(1, KILLS // 4))
    by_type = kills_by_type(database_url, rounds.plans, killer)
    with capsys.disabled():
        print(
            f"\n{database_url.partition(':')[0]}: {len(killer.strikes)} kills "
            f"{dict(killer.counts())} in {rounds.count} rounds, {seconds:.0f} s, seed {seed}\n"
            f"  kills while an action of the type was in progress: {dict(by_type)}\n"
            f"  actions {dict(rounds.states)}, requests doubled {len(rounds.verdict.doubled)}, "
            f"lost {len(rounds.verdict.lost)}"
        )
    if rounds.failure is not None:
        raise rounds.failure
    assert rounds.states["SUCCEEDED"] > 0
