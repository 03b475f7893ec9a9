"""Where the suite acts: a cloud with servers that are ours to push around."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from openstack.connection import Connection

from infrastructure.openstack.service import CloudService

Json = dict[str, Any]
_PATIENCE = 90.0


@dataclass(frozen=True)
class Case:
    """A server and a host that it may or may not go to."""

    server: str
    source: str
    destination: str

    def live(self) -> Json:
        """Parameters of its live migration."""
        return self._parameters("live")

    def cold(self) -> Json:
        """Parameters of its cold migration."""
        return self._parameters("cold")

    def _parameters(self, kind: str) -> Json:
        return {
            "resource_id": self.server,
            "migration_type": kind,
            "source_node": self.source,
            "destination_node": self.destination,
        }


class Ground(Protocol):
    """A cloud as the suite needs it. Cases are found anew each time: servers move."""

    connection: Connection
    nova: CloudService

    def movable(self) -> Case:
        """A server that may go to the destination, with nothing going on."""
        ...

    def another(self) -> Case:
        """The same, with another server."""
        ...

    def disposable(self) -> str:
        """A server that may be deleted. The suite has one."""
        ...

    def kept_apart(self) -> Case:
        """The destination holds a member of the server's anti-affinity group."""
        ...

    def pinned(self) -> Case:
        """The destination is not in the zone that the server is pinned to."""
        ...

    def too_large(self) -> Case:
        """The destination can never hold the server."""
        ...

    def bigger_flavor(self) -> tuple[str, str]:
        """Id and name of a flavor that the movable server does not have."""
        ...

    def spare_host(self) -> str:
        """A host that may be disabled for a moment."""
        ...

    def failing(self, server: str) -> AbstractContextManager[None]:
        """The next live migration of a server breaks on its way."""
        ...

    def slow(self, server: str) -> AbstractContextManager[None]:
        """Live migrations of a server take so long that one can look at them and abort them."""
        ...


def server_of(nova: CloudService, server_id: str) -> Json:
    """A server as it is now."""
    server: Json = nova.get(f"/servers/{server_id}")["server"]
    return server


def host_of(nova: CloudService, server_id: str) -> str:
    """Where a server is now."""
    return str(server_of(nova, server_id)["OS-EXT-SRV-ATTR:host"])


def service_of(nova: CloudService, host: str) -> Json:
    """The nova-compute service of a host, as it is now."""
    services = nova.get("/os-services", {"binary": "nova-compute"})["services"]
    found: Json = next(service for service in services if service["host"] == host)
    return found


def requests_of(nova: CloudService, server_id: str, action: str) -> list[str]:
    """The requests of a kind that a server has ever had: how often an effect was had."""
    actions = nova.get(f"/servers/{server_id}/os-instance-actions")["instanceActions"]
    return [item["request_id"] for item in actions if item["action"] == action]


def until(true: Callable[[], bool]) -> None:
    """Waits for a condition, with patience that ends."""
    deadline = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.1)
