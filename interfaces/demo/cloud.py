"""What the cloud itself says, asked as any client asks it."""

from collections import Counter
from dataclasses import dataclass

import openstack
from openstack.connection import Connection

DONE = ("completed", "done", "finished", "confirmed")
"""How Nova calls the end of a live migration that went well, or of a cold one."""
WRONG = ("error", "failed", "cancelled")


@dataclass(frozen=True)
class Figures:
    """A cloud at one moment.

    Attributes:
        hosts: compute hosts; used: those with a server; disabled: those closed for new servers.
        migrations: how many it ever completed; failed: how many went wrong.
    """

    hosts: int
    used: int
    disabled: int
    servers: int
    migrations: int
    failed: int

    @property
    def empty(self) -> int:
        """Hosts without a server: they could be switched off."""
        return self.hosts - self.used


def connect(name: str, config_file: str) -> Connection:
    """A connection to the cloud of a clouds.yaml entry."""
    config = openstack.config.OpenStackConfig(config_files=[config_file])
    return Connection(config=config.get_one(name), vendor_hook=None)


def figures(cloud: Connection) -> Figures:
    """The cloud as it is now."""
    servers = list(cloud.compute.servers(details=True, all_projects=True))
    services = [one for one in cloud.compute.services() if one.binary == "nova-compute"]
    endings = Counter(one.status for one in cloud.compute.migrations())
    return Figures(
        hosts=len(services),
        used=len({one.hypervisor_hostname for one in servers}),
        disabled=sum(one.status == "disabled" for one in services),
        servers=len(servers),
        migrations=sum(endings[status] for status in DONE),
        failed=sum(endings[status] for status in WRONG),
    )
