"""Situations on a real cloud, made for one question and undone afterwards."""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
from openstack.connection import Connection

from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import Conflicting, ResourceNotFound
from infrastructure.openstack.service import CloudService, placement
from tests.conformance.actions.ground import host_of, server_of, until
from tests.conformance.actions.real import RealGround

Json = dict[str, Any]
_ATTEMPTS = 5
STOP, START = "VIGIL_TEST_HOST_STOP", "VIGIL_TEST_HOST_START"
"""Name commands that stop and start the nova-compute of ``{host}``."""
FAST = "VIGIL_TEST_FAST_METADATA"
"""Names server metadata, as ``key=value``, that makes live migrations of a test cloud quick."""


class Situations(RealGround):
    """Servers, flavors, groups, aggregates and traits of our own; hosts that change for a moment.

    What is made by a method that returns something goes away with ``clean``; what is a context
    manager goes away with its block.
    """

    def __init__(self, connection: Connection, nova: CloudService) -> None:
        super().__init__(connection, nova)
        self._tiny: str | None = None
        self._touched: set[str] = set()

    def names(self) -> list[str]:
        """Hosts that take servers, the roomiest first."""
        sizes = self._memory()
        found = (host for hosts in self._zones.values() for host in hosts)
        return sorted(found, key=lambda host: (-sizes[host], host))

    def zones(self) -> Mapping[str, list[str]]:
        """Zone → hosts that take servers."""
        return self._zones

    def unique(self, word: str) -> str:
        """A name that nobody else uses."""
        return f"{self._name}-{word}-{uuid4().hex[:4]}"

    def flavor(
        self,
        specs: Mapping[str, str] | None = None,
        *,
        vcpus: int = 1,
        ram: int = 64,
        disk: int = 1,
    ) -> str:
        """A flavor's id; it is tiny unless told otherwise (MB, GB)."""
        body = {"name": self.unique("flavor"), "vcpus": vcpus, "ram": ram, "disk": disk}
        made = str(self.nova.send_once("POST", "/flavors", {"flavor": body}).body["flavor"]["id"])
        self._undo.append(lambda: self.nova.send_once("DELETE", f"/flavors/{made}", None))
        if specs:
            path = f"/flavors/{made}/os-extra_specs"
            self.nova.send_once("POST", path, {"extra_specs": dict(specs)})
        return made

    def server(
        self,
        *,
        host: str | None = None,
        zone: str | None = None,
        group: str | None = None,
        flavor: str | None = None,
    ) -> str:
        """A server's id; it runs, on the host if one is named."""
        if flavor is None:
            flavor = self._tiny = self._tiny or self.flavor()
        name = self.unique("server")
        self._boot(name, host=host, zone=zone, group=group, flavor=flavor)
        if FAST in os.environ:
            key, _, value = os.environ[FAST].partition("=")
            path = f"/servers/{self._servers[name]}/metadata"
            self.nova.send_once("POST", path, {"metadata": {key: value}})
        return self._servers[name]

    def group(self, policy: str, **rules: int) -> str:
        """A server group's id."""
        body: Json = {"name": self.unique("group"), "policy": policy}
        if rules:
            body["rules"] = rules
        answer = self.nova.send_once("POST", "/os-server-groups", {"server_group": body})
        made = str(answer.body["server_group"]["id"])
        self._undo.append(lambda: self.nova.send_once("DELETE", f"/os-server-groups/{made}", None))
        return made

    def project(self) -> str:
        """The project that our servers belong to."""
        return str(self.connection.session.get_project_id())

    def delete(self, server: str) -> None:
        """Deletes a server now; ``clean`` will not miss it."""
        self._delete(server)

    def settled(self, server: str) -> str:
        """The host of a server, once nothing goes on with it."""
        self._idle(server)
        return host_of(self.nova, server)

    def status(self, server: str) -> str:
        """The API status of a server."""
        return str(server_of(self.nova, server)["status"])

    def act(self, server: str, body: Json, version: str | None = None) -> None:
        """An action of the servers API."""
        self.nova.send_once("POST", f"/servers/{server}/action", body, version=version)

    def until_status(self, server: str, status: str) -> None:
        """Waits until a server has a status, with nothing going on."""

        def there() -> bool:
            shown = server_of(self.nova, server)
            return bool(shown["status"] == status and shown["OS-EXT-STS:task_state"] is None)

        until(there)

    @contextmanager
    def aggregate(
        self, metadata: Mapping[str, str], *hosts: str
    ) -> Iterator[Callable[[Mapping[str, str]], None]]:
        """An aggregate with metadata and hosts; what it gives changes the metadata."""

        def describe(metadata: Mapping[str, str]) -> None:
            change = {"set_metadata": {"metadata": dict(metadata)}}
            self.nova.send_once("POST", f"{path}/action", change)

        body: Json = {"aggregate": {"name": self.unique("aggregate")}}
        made = self.nova.send_once("POST", "/os-aggregates", body).body["aggregate"]["id"]
        path = f"/os-aggregates/{made}"
        with ExitStack() as undo:
            undo.callback(self.nova.send_once, "DELETE", path, None)
            describe(metadata)
            for host in hosts:
                self.nova.send_once("POST", f"{path}/action", {"add_host": {"host": host}})
                gone = {"remove_host": {"host": host}}
                undo.callback(self.nova.send_once, "POST", f"{path}/action", gone)
            yield describe

    @contextmanager
    def trait(self, *hosts: str) -> Iterator[str]:
        """A new trait that these hosts have."""
        name = _trait(self.unique("trait"))
        inventory = placement(self.connection, ConnectionLimits())
        with ExitStack() as undo:
            inventory.send_once("PUT", f"/traits/{name}", None)
            undo.callback(inventory.send_once, "DELETE", f"/traits/{name}", None)
            for host in hosts:
                self._traits(host, lambda found: {*found, name})
                undo.callback(self._traits, host, lambda found: {*found} - {name})
            yield name

    @contextmanager
    def disabled(self, host: str) -> Iterator[None]:
        """A host that takes no new servers."""
        with self._service(host, {"status": "disabled"}, {"status": "enabled"}):
            yield

    @contextmanager
    def down(self, host: str) -> Iterator[None]:
        """A host whose compute service counts as dead."""
        with self._service(host, {"forced_down": True}, {"forced_down": False}):
            until(lambda: self._state(host) == "down")
            yield
        until(lambda: self._state(host) == "up")

    @contextmanager
    def dead(self, host: str) -> Iterator[None]:
        """A host whose nova-compute does not run."""
        if not {STOP, START} <= os.environ.keys():
            pytest.skip(f"{STOP} and {START} do not say how")
        _run(STOP, host)
        try:
            until(lambda: self._state(host) == "down")
            yield
        finally:
            _run(START, host)
        until(lambda: self._state(host) == "up")

    @contextmanager
    def changed(self, server: str, there: Json, status: str, back: Json) -> Iterator[None]:
        """A server in another state, by two actions."""
        self.act(server, there)
        self.until_status(server, status)
        try:
            yield
        finally:
            self.act(server, back)
            self.until_status(server, "ACTIVE")

    @contextmanager
    def flying(self, server: str, host: str) -> Iterator[None]:
        """A server on its way to a host, which it does not reach."""
        with self.slow(server):
            body = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
            self.act(server, body, version="2.30")
            try:
                until(lambda: bool(self._migrations(server, "running")))
                yield
            finally:
                for migration in self._migrations(server):
                    path = f"/servers/{server}/migrations/{migration}"
                    self.nova.send_once("DELETE", path, None)
                self.settled(server)

    @contextmanager
    def booked(self, host: str, **resources: int) -> Iterator[str]:
        """An allocation on a host (resource class → amount) whose consumer is nobody: its uuid."""
        inventory = placement(self.connection, ConnectionLimits())
        consumer = str(uuid4())
        body: Json = {
            "allocations": {self._provider(host): {"resources": resources}},
            "project_id": self.project(),
            "user_id": str(self.connection.session.get_user_id()),
            "consumer_generation": None,
        }
        inventory.send_once("PUT", f"/allocations/{consumer}", body, version="1.28")
        try:
            yield consumer
        finally:
            inventory.send_once("DELETE", f"/allocations/{consumer}", None)

    def clean(self) -> None:
        """Removes everything that was made here, whatever becomes of a part."""
        with ExitStack() as stack:
            for undo in self._undo:
                stack.callback(_forgiving, undo)
        self._undo.clear()

    def remains(self) -> list[str]:
        """What is left of these tests: nothing, after ``clean``. Others may use the cloud too."""
        aggregates = self.nova.get("/os-aggregates")["aggregates"]
        groups = self.nova.get("/os-server-groups")["server_groups"]
        listed = [
            *self.nova.list_all("/servers/detail", "servers"),
            *self.nova.list_all("/flavors/detail", "flavors", {"is_public": "none"}),
        ]
        left = [item["name"] for item in (*aggregates, *groups, *listed)]
        left = [name for name in left if name.startswith(self._name)]
        traits = placement(self.connection, ConnectionLimits()).get("/traits")["traits"]
        left += [name for name in traits if name.startswith(_trait(self._name))]
        left += [
            f"{host}, forced down" for host in self._touched if self._found(host)["forced_down"]
        ]
        return left

    def _migrations(self, server: str, status: str | None = None) -> list[int]:
        """Ids of the live migrations of a server that go on."""
        found = self.nova.get(f"/servers/{server}/migrations")["migrations"]
        return [m["id"] for m in found if status in {None, m["status"]}]

    @contextmanager
    def _service(self, host: str, change: Json, back: Json) -> Iterator[None]:
        identity = self._found(host)["id"]
        self._touched.add(host)
        self.nova.send_once("PUT", f"/os-services/{identity}", change)
        try:
            yield
        finally:
            self.nova.send_once("PUT", f"/os-services/{identity}", back)

    def _state(self, host: str) -> str:
        return str(self._found(host)["state"])

    def _found(self, host: str) -> Json:
        query = {"binary": "nova-compute", "host": host}
        [service] = self.nova.get("/os-services", query)["services"]
        found: Json = service
        return found

    def _traits(self, host: str, change: Callable[[list[str]], set[str]]) -> None:
        """Changes the traits of a host; the host itself may change them at the same time."""
        inventory = placement(self.connection, ConnectionLimits())
        path = f"/resource_providers/{self._provider(host)}/traits"
        for _ in range(_ATTEMPTS):
            found = inventory.get(path)
            found["traits"] = sorted(change(found["traits"]))
            with suppress(Conflicting):
                inventory.send_once("PUT", path, found)
                return
        raise AssertionError(f"the traits of {host} change all the time")

    def _provider(self, host: str) -> str:
        hypervisors = self.nova.list_all("/os-hypervisors/detail", "hypervisors")
        [provider] = [str(h["id"]) for h in hypervisors if h["service"]["host"] == host]
        return provider


def _trait(name: str) -> str:
    return f"CUSTOM_{name.upper().replace('-', '_')}"


def _run(variable: str, host: str) -> None:
    command = [word.format(host=host) for word in shlex.split(os.environ[variable])]
    subprocess.run(command, check=True, timeout=90, stdout=subprocess.DEVNULL)


def _forgiving(undo: Callable[[], object]) -> None:
    with suppress(ResourceNotFound):
        undo()
