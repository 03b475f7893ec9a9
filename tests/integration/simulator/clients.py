"""What the tests of the simulator share: a small known cloud, a client, patience."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from openstack.config.loader import OpenStackConfig
from openstack.connection import Connection
from requests import Response

from infrastructure.simulator import clouds_yaml

T = TypeVar("T")
PATIENCE = 30.0
SPEED = 40.0


def until(condition: Callable[[], T], what: str) -> T:
    """Poll until a condition holds.

    Raises:
        AssertionError: not in time.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


class Client:
    """openstacksdk as it comes, and Nova's actions in any microversion."""

    def __init__(self, base_url: str, folder: Path, cloud: str = "simulator") -> None:
        file = folder / "clouds.yaml"
        file.write_text(clouds_yaml(base_url))
        config = OpenStackConfig(config_files=[str(file)], load_envvars=False)
        self.base_url = base_url
        self.sdk = Connection(config=config.get_one(cloud=cloud))

    def ask(
        self,
        method: str,
        path: str,
        version: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> Response:
        """A request to a path below the base URL, with the client's token."""
        service = path.strip("/").split("/")[0]
        newest = {"compute": "2.96", "placement": "1.39"}
        headers = dict(headers or {})
        if service in newest:
            headers["OpenStack-API-Version"] = f"{service} {version or newest[service]}"
        answer: Response = self.sdk.session.request(
            self.base_url + path,
            method,
            json=body,
            headers=headers,
            raise_exc=False,
            **extra,
        )
        return answer

    def get(self, path: str, version: str | None = None) -> Any:
        """A document."""
        answer = self.ask("GET", path, version)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, server_id: str, action: dict[str, Any], version: str = "2.96") -> Response:
        """Something done to a server."""
        return self.ask("POST", f"/compute/v2.1/servers/{server_id}/action", version, action)

    def live(self, server_id: str, host: str | None = None, version: str = "2.30") -> Response:
        """A live migration."""
        action = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
        return self.act(server_id, action, version)

    def server(self, server_id: str) -> dict[str, Any]:
        """A server."""
        shown: dict[str, Any] = self.get(f"/compute/v2.1/servers/{server_id}")["server"]
        return shown

    def host_of(self, server_id: str) -> str:
        """Where a server is."""
        return str(self.server(server_id)["OS-EXT-SRV-ATTR:host"])

    def settled(self, server_id: str, status: str = "ACTIVE") -> dict[str, Any]:
        """A server once it rests in a status and its migrations are over."""

        def rests() -> dict[str, Any] | None:
            server = self.server(server_id)
            done = server["status"] == status and server["OS-EXT-STS:task_state"] is None
            path = f"/compute/v2.1/servers/{server_id}/migrations"
            return server if done and not self.get(path)["migrations"] else None

        found = until(rests, f"{server_id} is {status}")
        assert found is not None
        return found

    def migrations(self, server_id: str) -> list[dict[str, Any]]:
        """Every migration of a server, newest first."""
        path = f"/compute/v2.1/os-migrations?instance_uuid={server_id}"
        shown: list[dict[str, Any]] = self.get(path)["migrations"]
        return shown

    def action(self, server_id: str, request_id: str) -> dict[str, Any]:
        """What a request did to a server."""
        path = f"/compute/v2.1/servers/{server_id}/os-instance-actions/{request_id}"
        shown: dict[str, Any] = self.get(path)["instanceAction"]
        return shown

    def fault(self, **rule: Any) -> int:
        """Make something go wrong; the rule's number."""
        answer = self.ask("POST", "/vigil/faults", body=rule)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["fault"]["id"])

    def journal(self, server_id: str | None = None) -> list[dict[str, Any]]:
        """Accepted requests."""
        query = f"?server_id={server_id}" if server_id else ""
        shown: list[dict[str, Any]] = self.get(f"/vigil/journal{query}")["journal"]
        return shown

    def taken(self, host: str) -> dict[str, int]:
        """What Placement says is used on a host."""
        providers = self.get(f"/placement/resource_providers?name={host}")["resource_providers"]
        uuid = providers[0]["uuid"]
        usages: dict[str, int] = self.get(f"/placement/resource_providers/{uuid}/usages")["usages"]
        return usages

    def provider(self, host: str) -> str:
        """The UUID of a host."""
        found = self.get(f"/placement/resource_providers?name={host}")["resource_providers"]
        return str(found[0]["uuid"])


def uid(number: int) -> str:
    """The UUID of the n-th thing in the small cloud."""
    return f"00000000-0000-4000-8000-{number:012d}"


# name, zone, vCPU, MiB
_HOSTS = (
    ("a1", "a", 16, 65536),
    ("a2", "a", 16, 65536),
    ("a3", "a", 16, 65536),
    ("tiny", "a", 2, 4096),
    ("b1", "b", 16, 65536),
)
# name, host, vCPU, MiB, more
_SERVERS: tuple[tuple[str, str, int, int, dict[str, Any]], ...] = (
    ("free-1", "a1", 1, 2048, {}),
    ("free-2", "a1", 1, 2048, {}),
    ("free-3", "a2", 1, 2048, {}),
    ("big", "a1", 8, 32768, {}),
    ("pinned", "b1", 1, 2048, {"pinned_zone": "b"}),
    ("apart-1", "a1", 1, 2048, {}),
    ("apart-2", "a2", 1, 2048, {}),
    ("together-1", "a3", 1, 2048, {}),
    ("together-2", "a3", 1, 2048, {}),
    ("asleep", "a2", 1, 2048, {"state": "stopped"}),
    ("kept", "a2", 1, 2048, {"locked": True, "locked_reason": "mine"}),
)
IDS = {name: uid(100 + n) for n, (name, *_) in enumerate(_SERVERS)}
HOST_IDS = {name: uid(n) for n, (name, *_) in enumerate(_HOSTS, 1)}


def small_cloud(folder: Path) -> Path:
    """The file of a cloud in which every refusal can be provoked."""
    cluster = {
        "meta": {"seed": 7},
        "hosts": [
            {
                "id": HOST_IDS[name],
                "name": name,
                "zone": zone,
                "vcpus": vcpus,
                "ram_mb": ram,
                "disk_gb": 1000,
                "cpu_ratio": 4.0,
            }
            for name, zone, vcpus, ram in _HOSTS
        ],
        "instances": [
            {
                "id": IDS[name],
                "name": name,
                "host": host,
                "flavor": f"c{vcpus}r{ram}",
                "vcpus": vcpus,
                "ram_mb": ram,
                "disk_gb": 10,
                "cpu_util_pct": 20.0,
                "ram_used_mb": ram // 2,
                **more,
            }
            for name, host, vcpus, ram, more in _SERVERS
        ],
        "flavors": [
            {
                "id": "huge",
                "name": "huge",
                "vcpus": 64,
                "ram_mb": 262144,
                "disk_gb": 10,
                "extra_specs": {"hw:cpu_policy": "shared"},
            },
            {"id": "wider", "name": "wider", "vcpus": 2, "ram_mb": 4096, "disk_gb": 10},
        ],
        "groups": [
            {
                "id": uid(900),
                "name": "apart",
                "policy": "anti-affinity",
                "members": [IDS["apart-1"], IDS["apart-2"]],
            },
            {
                "id": uid(901),
                "name": "together",
                "policy": "affinity",
                "members": [IDS["together-1"], IDS["together-2"]],
            },
        ],
    }
    file = folder / "cluster.json"
    file.write_text(json.dumps(cluster))
    return file
