"""A zone of a real cloud: servers of our own in it, and the way back to how it was."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from infrastructure.openstack.errors import Conflicting, Invalid, ResourceNotFound
from infrastructure.openstack.service import CloudService
from tests.cloud.simulator.clouds import until

Json = dict[str, Any]
_PASSES = 4
"""How often a server that a group or a full host keeps away is moved back again."""


@dataclass(frozen=True)
class Zone:
    """The zone with the most hosts; the cloud needs one with three.

    Attributes:
        hosts: names of its hosts that are up and enabled; the first has the fewest servers.
        image, flavor: ids for servers of our own.
    """

    nova: CloudService
    name: str
    hosts: tuple[str, ...]
    image: str
    flavor: str

    def scope(self) -> list[Json]:
        """The scope of an audit of the zone."""
        return [{"compute": [{"availability_zones": [{"name": self.name}]}]}]

    def servers(self) -> dict[str, Json]:
        """Every server on the zone's hosts by id, as it is now."""
        found = self.nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
        return {one["id"]: one for one in found if host_of(one) in self.hosts}

    def server(self, identity: str) -> Json:
        """A server as it is now."""
        found: Json = self.nova.get(f"/servers/{identity}")["server"]
        return found

    def on(self, host: str) -> list[str]:
        """The servers on a host."""
        return [identity for identity, one in self.servers().items() if host_of(one) == host]

    def service(self, host: str) -> Json:
        """The nova-compute service of a host."""
        services = self.nova.get("/os-services", {"binary": "nova-compute"})["services"]
        found: Json = next(one for one in services if one["host"] == host)
        return found

    def boot(self, host: str) -> str:
        """Creates a server on a host; returns its id."""
        body = {
            "name": f"vigil-test-{uuid4().hex[:8]}",
            "flavorRef": self.flavor,
            "imageRef": self.image,
            "networks": "none",
            "host": host,
        }
        made = self.nova.send_once("POST", "/servers", {"server": body}).body["server"]["id"]
        self.rests(made, "ACTIVE")
        return str(made)

    def act(self, identity: str, action: Json, version: str | None = None) -> None:
        """Sends an action to a server."""
        self.nova.send_once("POST", f"/servers/{identity}/action", action, version=version)

    def rests(self, identity: str, status: str) -> None:
        """Waits until a server has a status and no task."""

        def resting() -> bool:
            now = self.server(identity)
            return now["status"] == status and now["OS-EXT-STS:task_state"] is None

        until(resting, f"server {identity} is {status}")

    @contextmanager
    def put_back(self) -> Iterator[list[str]]:
        """The ids of servers of our own, deleted in the end; all else is as it was before."""
        before, own = self.servers(), list[str]()
        try:
            yield own
        finally:
            for host in self.hosts:
                service = self.service(host)
                if service["status"] != "enabled":
                    self.nova.send_once(
                        "PUT", f"/os-services/{service['id']}", {"status": "enabled"}
                    )
            for identity in own:
                self._delete(identity)
            for _ in range(_PASSES):
                for identity, was in before.items():
                    with suppress(Conflicting, Invalid):
                        self._back(identity, was)
            now = {identity: host_of(self.server(identity)) for identity in before}
            assert now == {identity: host_of(one) for identity, one in before.items()}

    def _back(self, identity: str, was: Json) -> None:
        now = self.server(identity)
        if now["status"] == "SHUTOFF" and was["status"] == "ACTIVE":
            self.act(identity, {"os-start": None})
            self.rests(identity, "ACTIVE")
        if host_of(now) != host_of(was):
            move = {"host": host_of(was), "block_migration": "auto"}
            self.act(identity, {"os-migrateLive": move}, "2.30")
            self.rests(identity, was["status"])

    def _delete(self, identity: str) -> None:
        def gone() -> bool:
            try:
                self.server(identity)
            except ResourceNotFound:
                return True
            return False

        with suppress(ResourceNotFound):
            self.nova.send_once("DELETE", f"/servers/{identity}", None)
        until(gone, f"server {identity} is deleted")


def host_of(server: Json) -> str:
    """The host of a server."""
    return str(server["OS-EXT-SRV-ATTR:host"])
