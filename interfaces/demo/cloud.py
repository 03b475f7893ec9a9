"""Figures of the cloud, read from Nova like any client reads them."""

from collections import Counter
from dataclasses import dataclass

import openstack
from openstack.connection import Connection

SUCCEEDED = ("completed", "done", "finished", "confirmed")
"""Nova's final states of a successful migration, live or cold."""
FAILED = ("error", "failed", "cancelled")


@dataclass(frozen=True)
class Figures:
    """A cloud at one moment.

    Attributes:
        hosts: number of compute hosts; used: of those with servers; disabled: of disabled ones.
        migrations: number of completed migrations so far; failed: of failed ones.
    """

    hosts: int
    used: int
    disabled: int
    servers: int
    migrations: int
    failed: int

    @property
    def empty(self) -> int:
        """Number of hosts without servers, which could be switched off."""
        return self.hosts - self.used


def connect(name: str, config_file: str) -> Connection:
    """Connects to a cloud of clouds.yaml."""
    config = openstack.config.OpenStackConfig(config_files=[config_file])
    return Connection(config=config.get_one(name), vendor_hook=None)


def figures(cloud: Connection) -> Figures:
    """Reads the present figures."""
    servers = list(cloud.compute.servers(details=True, all_projects=True))
    services = [one for one in cloud.compute.services() if one.binary == "nova-compute"]
    endings = Counter(one.status for one in cloud.compute.migrations())
    return Figures(
        hosts=len(services),
        used=len({one.hypervisor_hostname for one in servers}),
        disabled=sum(one.status == "disabled" for one in services),
        servers=len(servers),
        migrations=sum(endings[status] for status in SUCCEEDED),
        failed=sum(endings[status] for status in FAILED),
    )
