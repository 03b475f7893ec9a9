"""Everything that can be chosen when a simulator is started."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REGION = "RegionOne"
PASSWORD = "simulator"  # noqa: S105 - a twin on loopback; printed in its clouds.yaml


@dataclass(frozen=True)
class SimulatorConfig:
    """Settings of one simulated cloud.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        hosts: hypervisors to generate.
        servers: servers to generate.
        seed: of the generated cluster, its load and its random faults.
        speed: simulated seconds per wall second.
        down_hosts: generated hosts whose service is down.
        cluster_file: load the cluster from this JSON file instead of generating one.
        state_file: SQLite file that makes the cloud survive a restart; None keeps it in memory.
        faults: fault rules to begin with, each as POST /vigil/faults takes it.
        endpoints: further catalogue entries, (service type, URL): a Vigil under test, say.
        token_lifetime: seconds (wall) for which a token is valid.
        live_slots: live migrations that one source host runs at once.
    """

    host: str = "127.0.0.1"
    port: int = 0
    hosts: int = 30
    servers: int = 300
    seed: int = 42
    speed: float = 1.0
    down_hosts: int = 0
    cluster_file: Path | None = None
    state_file: Path | None = None
    faults: tuple[dict[str, Any], ...] = field(default=())
    token_lifetime: float = 86400.0
    live_slots: int = 1
    endpoints: tuple[tuple[str, str], ...] = ()


_CLOUD = """\
  {name}:
    region_name: {region}
    identity_api_version: 3
    auth_type: password
    auth:
      auth_url: {url}/identity/v3
      username: {user}
      password: {password}
      project_name: {project}
      user_domain_id: default
      project_domain_id: default
"""


def clouds_yaml(base_url: str, cloud: str = "simulator") -> str:
    """The text of a clouds.yaml: an administrator's entry and `<cloud>-demo`, a plain member's."""
    shared = {"url": base_url, "region": REGION, "password": PASSWORD}
    admin = _CLOUD.format(name=cloud, user="admin", project="admin", **shared)
    demo = _CLOUD.format(name=f"{cloud}-demo", user="demo", project="demo", **shared)
    return f"clouds:\n{admin}{demo}"


_SERVICE = """\
[keystone_authtoken]
auth_type = password
auth_url = {url}/identity
www_authenticate_uri = {url}/identity
username = vigil
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
"""


def keystone_conf(base_url: str) -> str:
    """The text of a configuration file: how a service has this cloud's Keystone validate tokens."""
    return _SERVICE.format(url=base_url, password=PASSWORD)
