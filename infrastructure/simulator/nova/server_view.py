"""A server as Nova shows it, by microversion."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.clock import iso_micro, iso_zulu
from infrastructure.simulator.core.http.calls import Json
from infrastructure.simulator.core.model import Flavor, Host, Server
from infrastructure.simulator.core.people import stable_hex
from infrastructure.simulator.core.world import World

IMAGE_ID = "5a1f8d0e-3c1b-5d8e-9d77-4a0f6f0f2c11"
_WITH_PROGRESS = ("ACTIVE", "RESIZE", "VERIFY_RESIZE", "MIGRATING")
_DISABLED, _UNKNOWN, _DOWN, _UP = "MAINTENANCE", "UNKNOWN", "DOWN", "UP"


Attachments = Callable[[str], Iterable[str]]
"""Server id → ids of the volumes attached to it."""


@dataclass(frozen=True)
class ServerView:
    """The form in which a caller sees servers.

    Attributes:
        prefix: of the compute service: scheme, address and mount point.
    """

    world: World
    attached: Attachments
    prefix: str
    version: Version
    is_admin: bool

    def brief(self, server: Server) -> Json:
        """Id, name and links."""
        return {"id": server.id, "name": server.name, "links": self._links("servers", server.id)}

    def _links(self, kind: str, item: str) -> list[Json]:
        return [
            {"rel": "self", "href": f"{self.prefix}/v2.1/{kind}/{item}"},
            {"rel": "bookmark", "href": f"{self.prefix}/{kind}/{item}"},
        ]

    def _bookmark(self, kind: str, item: str) -> list[Json]:
        return [{"rel": "bookmark", "href": f"{self.prefix}/{kind}/{item}"}]

    def detail(self, server: Server) -> Json:
        """Everything that this version shows in lists."""
        world, version = self.world, self.version
        host = world.hosts.get(server.host)
        body = self._base(server, world.flavors[server.flavor])
        status = server.status
        if status in _WITH_PROGRESS:
            body["progress"] = 0
        body |= {
            "OS-EXT-AZ:availability_zone": host.zone if host else "",
            "config_drive": "",
            "key_name": None,
            "OS-SRV-USG:launched_at": iso_micro(server.created),
            "OS-SRV-USG:terminated_at": None,
        }
        if self.is_admin:
            body |= self._administrative(server)
        elif version >= (2, 90):
            body["OS-EXT-SRV-ATTR:hostname"] = server.name
        body |= {
            "OS-EXT-STS:task_state": server.task_state,
            "OS-EXT-STS:vm_state": server.vm_state,
            "OS-EXT-STS:power_state": server.power_state,
            "os-extended-volumes:volumes_attached": self._volumes(server),
        }
        body |= self._later(server)
        if self.is_admin and version >= (2, 16):
            body["host_status"] = _host_status(host)
        return body

    def one(self, server: Server) -> Json:
        """What this version shows of a single server."""
        body = self.detail(server)
        if self.version >= (2, 71):
            group = self.world.group_of.get(server.id)
            body["server_groups"] = [group.id] if group else []
        return body

    def _base(self, server: Server, flavor: Flavor) -> Json:
        return {
            "accessIPv4": "",
            "accessIPv6": "",
            "addresses": {},
            "created": iso_zulu(server.created),
            "flavor": self._flavor(flavor),
            "hostId": host_id(server.project_id, server.host),
            "id": server.id,
            "image": {"id": IMAGE_ID, "links": self._bookmark("images", IMAGE_ID)},
            "links": self._links("servers", server.id),
            "metadata": server.metadata,
            "name": server.name,
            "status": server.status,
            "tenant_id": server.project_id,
            "user_id": server.user_id,
            "updated": iso_zulu(server.updated),
            "OS-DCF:diskConfig": "MANUAL",
        }

    def _volumes(self, server: Server) -> list[Json]:
        kept: Json = {"delete_on_termination": False} if self.version >= (2, 3) else {}
        return [{"id": volume, **kept} for volume in self.attached(server.id)]

    def _flavor(self, flavor: Flavor) -> Json:
        if self.version < (2, 47):
            return {"id": flavor.id, "links": self._bookmark("flavors", flavor.id)}
        return {
            "vcpus": flavor.vcpus,
            "ram": flavor.ram_mb,
            "disk": flavor.disk_gb,
            "ephemeral": 0,
            "swap": 0,
            "original_name": flavor.name,
            "extra_specs": flavor.extra_specs,
        }

    def _administrative(self, server: Server) -> Json:
        host = server.host or None
        shown: Json = {
            "OS-EXT-SRV-ATTR:host": host,
            "OS-EXT-SRV-ATTR:instance_name": instance_name(server),
            "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
        }
        if self.version >= (2, 3):
            shown |= {
                "OS-EXT-SRV-ATTR:hostname": server.name,
                "OS-EXT-SRV-ATTR:kernel_id": "",
                "OS-EXT-SRV-ATTR:launch_index": 0,
                "OS-EXT-SRV-ATTR:ramdisk_id": "",
                "OS-EXT-SRV-ATTR:reservation_id": "r-" + stable_hex("reservation", server.id)[:8],
                "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
                "OS-EXT-SRV-ATTR:user_data": None,
            }
        return shown

    def _later(self, server: Server) -> Json:
        """Attributes that came with later microversions."""
        added: tuple[tuple[Version, str, object], ...] = (
            ((2, 9), "locked", server.locked),
            ((2, 19), "description", server.description),
            ((2, 26), "tags", server.tags),
            ((2, 63), "trusted_image_certificates", None),
            ((2, 73), "locked_reason", server.locked_reason),
            ((2, 96), "pinned_availability_zone", server.pinned_zone),
        )
        return {name: value for since, name, value in added if self.version >= since}


def instance_name(server: Server) -> str:
    """The hypervisor's name for a server."""
    return f"instance-{server.number:08x}"


def host_id(project_id: str, host: str) -> str:
    """A host's name as its tenants see it."""
    if not host:
        return ""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest()


def _host_status(host: Host | None) -> str:
    if host is None:
        return ""
    if host.status == "disabled":
        return _DISABLED
    if host.forced_down:
        return _DOWN
    return _UP if host.alive else _UNKNOWN
