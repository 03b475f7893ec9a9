"""The scenarios of the demo: a cloud, what is wrong with it, and the figures that show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import pstdev
from typing import Any

from interfaces.demo.cloud import Snapshot

Figures = Callable[[Snapshot], dict[str, float]]
"""Reads what a goal is measured by: name, with its unit → value."""


@dataclass(frozen=True)
class Scenario:
    """A scenario.

    Attributes:
        name: as the command line names it.
        story: what is wrong, and what shall be done about it.
        goal: of the audit.
        figures: what is true before and after, in the terms of the goal.
        strategy: of the audit; None: the default one of the goal.
        parameters: of the strategy.
        hosts, servers, seed: of the simulated cloud.
    """

    name: str
    story: str
    goal: str
    figures: Figures
    strategy: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    hosts: int = 16
    servers: int = 120
    seed: int = 42


ZONE = ("compute-00001", "compute-00002", "compute-00003")
OLD_POOL = "storage-1@hdd#bulk-2"
MAINTAINED = "compute-00003"


def _consolidation(cloud: Snapshot) -> dict[str, float]:
    used = sum(1 for host in cloud.hosts if cloud.servers[host])
    return {
        "hosts with servers": used,
        "hosts without servers": len(cloud.hosts) - used,
        "disabled hosts": _disabled(cloud),
        "servers": cloud.servers.total(),
    }


def _balance(cloud: Snapshot) -> dict[str, float]:
    return {
        "standard deviation of the hosts' CPU use, % points": pstdev(cloud.loads),
        "CPU use of the busiest host, %": max(cloud.loads),
        "CPU use of the idlest host, %": min(cloud.loads),
    }


def _maintenance(cloud: Snapshot) -> dict[str, float]:
    return {
        f"servers on {MAINTAINED}": cloud.servers[MAINTAINED],
        f"{MAINTAINED} is disabled (1: yes)": cloud.hosts.get(MAINTAINED) == "disabled",
        "servers": cloud.servers.total(),
    }


def _zone(cloud: Snapshot) -> dict[str, float]:
    return {
        "servers on the three old hosts": sum(cloud.servers[host] for host in ZONE),
        f"volumes in {OLD_POOL}": cloud.volumes[OLD_POOL],
        "servers": cloud.servers.total(),
        "volumes": cloud.volumes.total(),
    }


def _energy(cloud: Snapshot) -> dict[str, float]:
    return {
        "machines that are on": cloud.machines["power on"],
        "machines that are off": cloud.machines["power off"],
        "power of all hosts, W": cloud.watts,
        "servers": cloud.servers.total(),
    }


def _storage(cloud: Snapshot) -> dict[str, float]:
    return {f"used of {pool.name}, %": pool.used for pool in cloud.pools} | {
        "volumes": cloud.volumes.total()
    }


def _disabled(cloud: Snapshot) -> int:
    return sum(status == "disabled" for status in cloud.hosts.values())


_SCENARIOS = (
    Scenario(
        "consolidation",
        "Many hosts run few servers. Empty as many hosts as possible, and disable them.",
        "server_consolidation",
        _consolidation,
        hosts=30,
        servers=300,
    ),
    Scenario(
        "balance",
        "Some hosts are busy, others idle. Move servers until the measured CPU use of the hosts "
        "deviates by at most 8 % points.",
        "workload_balancing",
        _balance,
        "workload_stabilization",
        {"metrics": ["instance_cpu_usage"], "thresholds": {"instance_cpu_usage": 0.08}},
    ),
    Scenario(
        "maintenance",
        f"{MAINTAINED} gets a new disk tomorrow. Close it for new servers, and empty it.",
        "cluster_maintaining",
        _maintenance,
        "host_maintenance",
        {"maintenance_node": MAINTAINED},
    ),
    Scenario(
        "zone",
        f"Three old hosts and the pool {OLD_POOL} are to be retired. Move their servers and "
        "volumes away.",
        "hardware_maintenance",
        _zone,
        "zone_migration",
        {
            "compute_nodes": [{"src_node": host} for host in ZONE],
            "storage_pools": [{"src_pool": OLD_POOL, "src_type": "hdd", "dst_type": "ssd"}],
            "parallel_total": 100,
            "parallel_per_node": 50,
            "parallel_per_pool": 50,
        },
    ),
    Scenario(
        "energy",
        "Hosts without servers take power. Switch them off, but for a spare.",
        "saving_energy",
        _energy,
        "saving_energy",
        servers=24,
    ),
    Scenario(
        "storage",
        "Two storage pools are fuller than 75 %. Move volumes until they are below.",
        "workload_balancing",
        _storage,
        "storage_capacity_balance",
        {"volume_threshold": 75.0},
        hosts=30,
        servers=300,
    ),
)
SCENARIOS: Mapping[str, Scenario] = {one.name: one for one in _SCENARIOS}
"""Name → scenario; the first one is the default."""
