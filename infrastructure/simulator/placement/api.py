"""Placement: resource providers, inventories, allocations."""

import uuid
from collections.abc import Iterator

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.errors import ApiForbidden, ApiNotFound, BadRequest
from infrastructure.simulator.core.http.calls import App, Json, call_of, query, reply
from infrastructure.simulator.core.http.microversions import MAXIMUM, MINIMUM, text
from infrastructure.simulator.core.model import Host, Migration, Resources, Server
from infrastructure.simulator.core.people import ADMIN, ADMIN_PROJECT
from infrastructure.simulator.core.world import World

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
DISABLED = "COMPUTE_STATUS_DISABLED"
TRAITS = (
    "OWNER_NOVA",
    "COMPUTE_NODE",
    "COMPUTE_ACCELERATORS",
    "COMPUTE_DEVICE_TAGGING",
    "COMPUTE_IMAGE_TYPE_QCOW2",
    "COMPUTE_IMAGE_TYPE_RAW",
    "COMPUTE_NET_ATTACH_INTERFACE",
    "COMPUTE_TRUSTED_CERTS",
    "COMPUTE_VOLUME_ATTACH_WITH_TAG",
    "COMPUTE_VOLUME_EXTEND",
    "COMPUTE_VOLUME_MULTI_ATTACH",
    "HW_CPU_X86_AVX2",
    "HW_CPU_X86_VMX",
)
_LIST_PARAMETERS = {"name", "uuid", "member_of", "resources", "in_tree", "required"}


def amounts(resources: Resources) -> Json:
    """Resources by class."""
    return dict(zip(CLASSES, resources, strict=True))


def traits(host: Host) -> list[str]:
    """The traits of a host; a disabled one has COMPUTE_STATUS_DISABLED."""
    return [*TRAITS, DISABLED] if host.status == "disabled" or host.forced_down else list(TRAITS)


def inventory(host: Host) -> Json:
    """A host's inventory, by resource class."""
    rows = (
        (host.vcpus, host.vcpus_reserved, host.cpu_ratio),
        (host.ram_mb, host.ram_reserved_mb, host.ram_ratio),
        (host.disk_gb, host.disk_reserved_gb, host.disk_ratio),
    )
    return {
        name: {
            "total": total,
            "reserved": reserved,
            "min_unit": 1,
            "max_unit": total,
            "step_size": 1,
            "allocation_ratio": ratio,
        }
        for name, (total, reserved, ratio) in zip(CLASSES, rows, strict=True)
    }


def _provider(host: Host, version: Version) -> Json:
    base = f"/resource_providers/{host.id}"
    names = [("inventories", (1, 0)), ("usages", (1, 0)), ("aggregates", (1, 1))]
    names += [("traits", (1, 6)), ("allocations", (1, 11))]
    links = [{"rel": "self", "href": base}]
    links += [{"rel": name, "href": f"{base}/{name}"} for name, since in names if version >= since]
    shown: Json = {
        "uuid": host.id,
        "name": host.name,
        "generation": host.generation,
        "links": links,
    }
    if version >= (1, 14):
        shown |= {"parent_provider_uuid": None, "root_provider_uuid": host.id}
    return shown


def _allow(req: falcon.Request, rule: str) -> Version:
    call = call_of(req)
    if not ({"admin", "service"} & set(call.caller.roles)):
        raise ApiForbidden(f"Policy does not allow placement:{rule} to be performed.")
    return call.version


class PlacementVersionResource:
    """Discovery."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """List the versions."""
        version = {
            "id": "v1.0",
            "max_version": text(MAXIMUM["placement"]),
            "min_version": text(MINIMUM["placement"]),
            "status": "CURRENT",
            "links": [{"rel": "self", "href": ""}],
        }
        reply(resp, {"versions": [version]})


class ProvidersResource:
    """The paths under `/resource_providers`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List providers."""
        version, asked = _allow(req, "resource_providers:list"), query(req)
        for name in sorted(asked.keys() - _LIST_PARAMETERS):
            raise BadRequest(
                "Invalid query string parameters: Additional properties are not allowed "
                f"({name!r} was unexpected)"
            )
        with self._world.transaction():
            found = [_provider(h, version) for h in self._matching(asked)]
        reply(resp, {"resource_providers": found})

    def _matching(self, asked: dict[str, str]) -> Iterator[Host]:
        world = self._world
        members = self._members(asked["member_of"]) if "member_of" in asked else None
        needed = _needed(asked["resources"]) if "resources" in asked else None
        for host in world.hosts.values():
            if asked.get("name", host.name) != host.name:
                continue
            if any(asked.get(key, host.id) != host.id for key in ("uuid", "in_tree")):
                continue
            if members is not None and host.name not in members:
                continue
            if needed is not None and not world.ledger.fits(host, needed):
                continue
            if "required" in asked and not _has(traits(host), asked["required"]):
                continue
            yield host

    def _members(self, asked: str) -> set[str]:
        wanted = set(asked.removeprefix("in:").split(","))
        return {h for a in self._world.aggregates if a.uuid in wanted for h in a.hosts}

    def _host(self, provider_id: str) -> Host:
        host = self._world.host_by_id.get(provider_id)
        if host is None:
            raise ApiNotFound(f"No resource provider with uuid {provider_id} found")
        return host

    def on_get_one(self, req: falcon.Request, resp: falcon.Response, provider_id: str) -> None:
        """Show a provider."""
        version = _allow(req, "resource_providers:show")
        with self._world.transaction():
            shown = _provider(self._host(provider_id), version)
        reply(resp, shown)

    def _part(
        self, req: falcon.Request, resp: falcon.Response, provider_id: str, part: str
    ) -> None:
        _allow(req, f"resource_providers:{part}:list")
        with self._world.transaction():
            host = self._host(provider_id)
            body: Json = {"resource_provider_generation": host.generation}
            match part:
                case "inventories":
                    body[part] = inventory(host)
                case "usages":
                    body[part] = amounts(self._world.ledger.used(host.name))
                case _:
                    body[part] = traits(host)
        reply(resp, body)

    def on_get_inventories(
        self, req: falcon.Request, resp: falcon.Response, provider_id: str
    ) -> None:
        """Show its inventories."""
        self._part(req, resp, provider_id, "inventories")

    def on_get_usages(self, req: falcon.Request, resp: falcon.Response, provider_id: str) -> None:
        """Show its usages."""
        self._part(req, resp, provider_id, "usages")

    def on_get_traits(self, req: falcon.Request, resp: falcon.Response, provider_id: str) -> None:
        """Show its traits."""
        if call_of(req).version < (1, 6):
            raise ApiNotFound("")
        self._part(req, resp, provider_id, "traits")

    def on_get_inventory(
        self, req: falcon.Request, resp: falcon.Response, provider_id: str, resource_class: str
    ) -> None:
        """Show its inventory of one class."""
        _allow(req, "resource_providers:inventories:show")
        with self._world.transaction():
            host = self._host(provider_id)
            if resource_class not in CLASSES:
                raise ApiNotFound(f"No inventory of class {resource_class} for {provider_id}")
            shown: Json = inventory(host)[resource_class]
            shown["resource_provider_generation"] = host.generation
        reply(resp, shown)

    def on_get_aggregates(
        self, req: falcon.Request, resp: falcon.Response, provider_id: str
    ) -> None:
        """Show the aggregates it is in."""
        version = _allow(req, "resource_providers:aggregates:list")
        if version < (1, 1):
            raise ApiNotFound("")
        with self._world.transaction():
            host = self._host(provider_id)
            member = [a.uuid for a in self._world.aggregates if host.name in a.hosts]
            shown: Json = {"aggregates": member}
            if version >= (1, 19):
                shown["resource_provider_generation"] = host.generation
        reply(resp, shown)

    def on_get_allocations(
        self, req: falcon.Request, resp: falcon.Response, provider_id: str
    ) -> None:
        """Show its allocations, by consumer."""
        version = _allow(req, "resource_providers:allocations:list")
        world = self._world
        with world.transaction():
            host = self._host(provider_id)
            shown: Json = {}
            for consumer, resources in world.ledger.on(host.name).items():
                shown[consumer] = {"resources": amounts(resources)}
                if version >= (1, 28):
                    shown[consumer]["consumer_generation"] = self._generation(consumer)
            generation = host.generation
        reply(resp, {"allocations": shown, "resource_provider_generation": generation})

    def _generation(self, consumer: str) -> int:
        server = self._world.servers.get(consumer)
        return server.consumer_generation if server else 1


class AllocationsResource:
    """The path `/allocations/{consumer_id}`: a server, a migration for the end it leaves, more."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_get(self, req: falcon.Request, resp: falcon.Response, consumer_id: str) -> None:
        """Show a consumer's allocations; empty for an unknown consumer."""
        version = _allow(req, "allocations:list")
        try:
            uuid.UUID(consumer_id)
        except ValueError as error:
            raise BadRequest(f"Expected a uuid but received {consumer_id}.") from error
        world = self._world
        with world.transaction():
            held = world.ledger.of(consumer_id)
            body: Json = {"allocations": {}}
            if held is not None:
                host = world.hosts[held[0]]
                taken = {"resources": amounts(held[1]), "generation": host.generation}
                body["allocations"][host.id] = taken
                body |= self._owner(consumer_id, version)
        reply(resp, body)

    def _owner(self, consumer_id: str, version: Version) -> Json:
        consumer = self._consumer(consumer_id)
        shown: Json = {}
        if version >= (1, 12):
            shown |= {
                "project_id": consumer.project_id if consumer else ADMIN_PROJECT.id,
                "user_id": consumer.user_id if consumer else ADMIN.id,
            }
        if version >= (1, 28):
            shown["consumer_generation"] = (
                consumer.consumer_generation if isinstance(consumer, Server) else 1
            )
        if version >= (1, 38):
            shown["consumer_type"] = _type(consumer)
        return shown

    def _consumer(self, consumer_id: str) -> Server | Migration | None:
        world = self._world
        if consumer_id in world.servers:
            return world.servers[consumer_id]
        return next((m for m in world.open.values() if m.uuid == consumer_id), None)


def _type(consumer: Server | Migration | None) -> str:
    if consumer is None:
        return "unknown"
    return "INSTANCE" if isinstance(consumer, Server) else "MIGRATION"


class TraitsResource:
    """The path `/traits`."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List every trait that a host here can have."""
        _allow(req, "traits:list")
        wanted = query(req).get("name", "")
        names = [*TRAITS, DISABLED]
        if wanted.startswith("startswith:"):
            names = [n for n in names if n.startswith(wanted.removeprefix("startswith:"))]
        elif wanted.startswith("in:"):
            names = [n for n in names if n in wanted.removeprefix("in:").split(",")]
        reply(resp, {"traits": names})


class ResourceClassesResource:
    """The path `/resource_classes`."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """List the resource classes that hosts here have."""
        _allow(req, "resource_classes:list")
        rows = [
            {"name": name, "links": [{"rel": "self", "href": f"/resource_classes/{name}"}]}
            for name in CLASSES
        ]
        reply(resp, {"resource_classes": rows})


def _needed(asked: str) -> Resources:
    wanted = dict.fromkeys(CLASSES, 0)
    for part in asked.split(","):
        name, _, amount = part.partition(":")
        if name not in wanted or not amount.isdecimal():
            raise BadRequest(f"Badly formed resources parameter: {asked}")
        wanted[name] = int(amount)
    return (wanted["VCPU"], wanted["MEMORY_MB"], wanted["DISK_GB"])


def _has(held: list[str], required: str) -> bool:
    return all(
        (name.removeprefix("!") in held) != name.startswith("!") for name in required.split(",")
    )


def add_routes(app: App, world: World) -> None:
    """Serve Placement under /placement."""
    app.add_route("/placement", PlacementVersionResource())
    providers = ProvidersResource(world)
    base = "/placement/resource_providers"
    app.add_route(base, providers)
    app.add_route(base + "/{provider_id}", providers, suffix="one")
    for part in ("inventories", "usages", "traits", "aggregates", "allocations"):
        app.add_route(f"{base}/{{provider_id}}/{part}", providers, suffix=part)
    app.add_route(
        base + "/{provider_id}/inventories/{resource_class}", providers, suffix="inventory"
    )
    app.add_route("/placement/allocations/{consumer_id}", AllocationsResource(world))
    app.add_route("/placement/traits", TraitsResource())
    app.add_route("/placement/resource_classes", ResourceClassesResource())
