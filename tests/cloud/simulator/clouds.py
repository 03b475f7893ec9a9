"""A real and a simulated cloud, spoken to in the same words."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from openstack.connection import Connection
from requests import Response

from tests.cloud.simulator.shapes import Shape, shape_of

HEADERS = (
    "openstack-api-version",
    "x-openstack-nova-api-version",
    "x-openstack-request-id",
    "x-compute-request-id",
    "vary",
    "content-type",
)
T = TypeVar("T")
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """What is compared of an answer."""

    status: int
    headers: frozenset[str]
    shape: Shape
    body: Any = field(compare=False)


@dataclass
class Subject:
    """One of the two clouds."""

    connection: Connection

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        version: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request as it is."""
        headers = dict(headers or {})
        if version:
            headers["OpenStack-API-Version"] = f"{service} {version}"
        session = self.connection.session
        kind = {"service_type": service, "interface": "public", "region_name": "RegionOne"}
        response: Response = session.request(
            path,
            method,
            endpoint_filter=kind,
            headers=headers,
            json=body,
            raise_exc=False,
            redirect=False,
        )
        return _answer(response)

    def get(self, path: str, version: str = "2.96") -> Any:
        """A Nova document."""
        answer = self.ask("compute", "GET", path, version)
        assert answer.status == 200, answer.body
        return answer.body

    def act(self, server_id: str, action: dict[str, Any], version: str) -> Answer:
        """Ask Nova to do something to a server."""
        return self.ask("compute", "POST", f"/servers/{server_id}/action", version, action)

    @cached_property
    def ids(self) -> dict[str, str]:
        """One of each kind of thing."""
        hypervisors = self.get("/os-hypervisors?with_servers=true")["hypervisors"]
        hypervisor = next(h for h in hypervisors if h.get("servers"))
        services = self.get("/os-services?binary=nova-compute")["services"]
        server = self.movable()
        actions = self.get(f"/servers/{server['id']}/os-instance-actions")["instanceActions"]
        return {
            "host": hypervisor["hypervisor_hostname"],
            "hypervisor": hypervisor["id"],
            "service": services[0]["id"],
            "server": server["id"],
            "action": actions[-1]["request_id"],
            "flavor": self.get("/flavors")["flavors"][0]["id"],
            "aggregate": str(self.get("/os-aggregates")["aggregates"][0]["id"]),
            "group": self.get("/os-server-groups?all_projects=1")["server_groups"][0]["id"],
        }

    def movable(self) -> dict[str, Any]:
        """A small server that nothing keeps on its host."""
        groups = self.get("/os-server-groups?all_projects=1")["server_groups"]
        bound = {member for group in groups for member in group["members"]}
        servers = self.get("/servers/detail?all_tenants=1")["servers"]
        free = [
            s
            for s in servers
            if s["status"] == "ACTIVE"
            and s["OS-EXT-STS:task_state"] is None
            and s["id"] not in bound
            and s["pinned_availability_zone"] is None
            and not s["locked"]
        ]
        chosen: dict[str, Any] = min(free, key=lambda s: (s["flavor"]["ram"], s["name"]))
        return chosen

    def server(self, server_id: str) -> dict[str, Any]:
        """A server as it is now."""
        shown: dict[str, Any] = self.get(f"/servers/{server_id}")["server"]
        return shown

    def settled(self, server_id: str, status: str = "ACTIVE") -> dict[str, Any]:
        """A server once nothing is being done to it any more."""

        def reached() -> dict[str, Any] | None:
            server = self.server(server_id)
            done = server["status"] == status and server["OS-EXT-STS:task_state"] is None
            return server if done else None

        return until(reached, f"{server_id} is {status}")


def until(condition: Callable[[], T | None], what: str) -> T:
    """Poll until there is something.

    Raises:
        AssertionError: not in time.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


def _answer(response: Response) -> Answer:
    present = frozenset(name for name in HEADERS if name in response.headers)
    kind = response.headers.get("content-type", "")
    body = response.json() if response.content and "json" in kind else response.text or None
    return Answer(response.status_code, present, shape_of(body), body)
