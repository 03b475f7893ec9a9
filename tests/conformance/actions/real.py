"""Ground on a real OpenStack: servers of our own, deleted afterwards."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from openstack.connection import Connection

from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import CloudService, placement
from tests.conformance.actions.ground import Case, host_of, server_of, until

Json = dict[str, Any]


class RealGround:
    """Needs two zones of which one has three hosts of different size, an image and admin rights.

    The environment says how a migration is made to break or to last, as ``key=value`` of server
    metadata that the cloud's test driver heeds: VIGIL_TEST_FAIL_METADATA, VIGIL_TEST_SLOW_METADATA.
    """

    def __init__(self, connection: Connection, nova: CloudService) -> None:
        self.connection = connection
        self.nova = nova
        self._undo: list[Callable[[], object]] = []
        self._name = f"vigil-test-{uuid4().hex[:8]}"
        self._servers: dict[str, str] = {}
        services = nova.get("/os-services", {"binary": "nova-compute"})["services"]
        self._zones: dict[str, list[str]] = {}
        for service in services:
            if (service["status"], service["state"]) == ("enabled", "up"):
                self._zones.setdefault(service["zone"], []).append(service["host"])
        self._zone = min(self._zones, key=lambda zone: (-len(self._zones[zone]), zone))

    def movable(self) -> Case:
        return self._case("movable")

    def another(self) -> Case:
        return self._case("another")

    def several(self, count: int) -> list[Case]:
        """Servers that may all go to their destinations at once."""
        return [self._case(f"several-{number}") for number in range(count)]

    def disposable(self) -> str:
        self._boot("disposable", host=self._hosts()[0])
        return self._servers["disposable"]

    def kept_apart(self) -> Case:
        if "apart-1" not in self._servers:
            group = self._group()
            first, second = self._hosts()[:2]
            self._boot("apart-1", host=first, group=group)
            self._boot("apart-2", host=second, group=group)
        case = self._case("apart-1")
        return Case(case.server, case.source, host_of(self.nova, self._servers["apart-2"]))

    def pinned(self) -> Case:
        if "pinned" not in self._servers:
            self._boot("pinned", zone=self._zone)
        others = [zone for zone in self._zones if zone != self._zone]
        if not others:
            pytest.skip("the cloud has one zone only")
        case = self._case("pinned")
        return Case(case.server, case.source, self._zones[others[0]][0])

    def too_large(self) -> Case:
        sizes = self._memory()
        hosts = sorted((h for hosts in self._zones.values() for h in hosts), key=sizes.__getitem__)
        small, large = hosts[0], hosts[-1]
        if sizes[small] == sizes[large]:
            pytest.skip("the cloud's hosts are all of one size")
        if "large" not in self._servers:
            self._boot("large", host=large, flavor=self._flavor(sizes[small] + 1024))
        source = host_of(self.nova, self._servers["large"])
        return Case(self._servers["large"], source, small)

    def bigger_flavor(self) -> tuple[str, str]:
        name = f"{self._name}-bigger"
        for flavor in self._flavors():
            if flavor["name"] == name:
                return flavor["id"], name
        smallest = self._smallest()
        return self._make_flavor(name, smallest["ram"] + 64, smallest["disk"]), name

    def spare_host(self) -> str:
        return self._hosts()[-1]

    @contextmanager
    def failing(self, server: str) -> Iterator[None]:
        with self._metadata(server, "VIGIL_TEST_FAIL_METADATA"):
            yield

    @contextmanager
    def slow(self, server: str) -> Iterator[None]:
        with self._metadata(server, "VIGIL_TEST_SLOW_METADATA"):
            yield

    def clean(self) -> None:
        """Removes everything that was made here."""
        for undo in reversed(self._undo):
            try:
                undo()
            except ResourceNotFound:
                continue

    @contextmanager
    def _metadata(self, server: str, variable: str) -> Iterator[None]:
        key, _, value = os.environ.get(variable, "").partition("=")
        if not key:
            pytest.skip(f"{variable} is not set")
        self.nova.send_once("POST", f"/servers/{server}/metadata", {"metadata": {key: value}})
        yield
        self.nova.send_once("DELETE", f"/servers/{server}/metadata/{key}", None)

    def _case(self, name: str) -> Case:
        if name not in self._servers:
            self._boot(name, host=self._hosts()[0])
        server = self._servers[name]
        self._idle(server)
        source = host_of(self.nova, server)
        destination = next(host for host in self._hosts() if host != source)
        return Case(server, source, destination)

    def _hosts(self) -> list[str]:
        """Hosts of the largest zone, the roomiest first."""
        sizes = self._memory()
        return sorted(self._zones[self._zone], key=lambda host: (-sizes[host], host))

    def _memory(self) -> dict[str, int]:
        inventory = placement(self.connection, ConnectionLimits())
        sizes = {}
        for hypervisor in self.nova.list_all("/os-hypervisors/detail", "hypervisors"):
            found = inventory.get(f"/resource_providers/{hypervisor['id']}/inventories")
            sizes[hypervisor["service"]["host"]] = int(found["inventories"]["MEMORY_MB"]["total"])
        return sizes

    def _boot(
        self,
        name: str,
        *,
        host: str | None = None,
        zone: str | None = None,
        group: str | None = None,
        flavor: str | None = None,
    ) -> None:
        server: Json = {
            "name": f"{self._name}-{name}",
            "flavorRef": flavor or self._smallest()["id"],
            "imageRef": self._image(),
            "networks": "none",
        }
        if host:
            server["host"] = host
        if zone:
            server["availability_zone"] = zone
        body: Json = {"server": server}
        if group:
            body["os:scheduler_hints"] = {"group": group}
        made = self.nova.send_once("POST", "/servers", body).body["server"]["id"]
        self._undo.append(lambda: self._delete(made))
        self._servers[name] = made
        self._idle(made)

    def _idle(self, server: str) -> None:
        def quiet() -> bool:
            shown = server_of(self.nova, server)
            assert shown["status"] != "ERROR", shown.get("fault")
            return shown["status"] != "BUILD" and shown["OS-EXT-STS:task_state"] is None

        until(quiet)

    def _delete(self, server: str) -> None:
        self.nova.send_once("DELETE", f"/servers/{server}", None)

        def gone() -> bool:
            try:
                server_of(self.nova, server)
            except ResourceNotFound:
                return True
            return False

        until(gone)

    def _image(self) -> str:
        wanted = {"service_type": "image", "interface": "public"}
        images = self.connection.session.get(
            "/v2/images?status=active", endpoint_filter=wanted
        ).json()["images"]
        return str(images[0]["id"])

    def _flavors(self) -> list[Json]:
        return self.nova.list_all("/flavors/detail", "flavors", {"is_public": "none"})

    def _smallest(self) -> Json:
        return min(
            (f for f in self._flavors() if not f["name"].startswith("vigil-test")),
            key=lambda flavor: (flavor["ram"], flavor["vcpus"]),
        )

    def _flavor(self, ram: int) -> str:
        return self._make_flavor(f"{self._name}-large", ram, 1)

    def _make_flavor(self, name: str, ram: int, disk: int) -> str:
        flavor = {"name": name, "vcpus": 1, "ram": ram, "disk": disk}
        made = str(self.nova.send_once("POST", "/flavors", {"flavor": flavor}).body["flavor"]["id"])
        self._undo.append(lambda: self.nova.send_once("DELETE", f"/flavors/{made}", None))
        return made

    def _group(self) -> str:
        group = {"name": self._name, "policy": "anti-affinity"}
        answer = self.nova.send_once("POST", "/os-server-groups", {"server_group": group})
        made = str(answer.body["server_group"]["id"])
        self._undo.append(lambda: self.nova.send_once("DELETE", f"/os-server-groups/{made}", None))
        return made
