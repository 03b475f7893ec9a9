"""Small whole clouds, of which a test replaces one field of one record."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from application.cluster_models.kinds import BAREMETAL, COMPUTE, STORAGE, CollectedKind
from tests.integration.openstack.nova_records import hypervisor, server, service
from tests.integration.openstack.scripted import Asked, Say, ScriptedCloud

Json = dict[str, Any]
Lists = Mapping[str, list[Any]]
Path = tuple[Any, ...]
MISSING = object()
ODD: tuple[object, ...] = (
    *(MISSING, None, True, False, 5, -1, 1.5, 2**70, float("nan"), float("inf")),
    *("odd", "", "\ud800", "UNKNOWN", [], [None], [["odd"]], {}, {"odd": None}, {"\ud800": 2**70}),
)
"""Values that an API of a wrong or damaged record could give instead of the right one."""


@dataclass(frozen=True)
class OddWorld:
    """A cloud as lists of records.

    Attributes:
        kind: of the model.
        records: path of a list → its records.
        script: has a scripted cloud answer with these lists.
        ids: name of a list in the model's JSON form → name of its column of ids.
        names: path of a list, place in it → what a reason may name the record by.
        falls_with: path of a list, place in it → ids of other records that cannot be used without
            this one.
    """

    kind: CollectedKind[Any]
    records: Lists
    script: Callable[[ScriptedCloud, Lists], None]
    names: Callable[[str, int], set[str]]
    falls_with: Callable[[str, int], set[str]] = field(default=lambda _path, _at: set())


def paths(value: object, at: Path = ()) -> Iterator[Path]:
    """Every place in a record, the record itself first."""
    yield at
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*at, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from paths(one, (*at, place))


def replaced(records: Lists, path: str, at: int, place: Path, odd: object) -> Lists:
    """The records with one value replaced, or without it."""
    copy = {name: deepcopy(items) for name, items in records.items()}
    target: Any = copy[path]
    steps = (at, *place)
    for step in steps[:-1]:
        target = target[step]
    if odd is not MISSING:
        target[steps[-1]] = deepcopy(odd)
    elif place:
        del target[steps[-1]]
    else:
        target[steps[-1]] = {}
    return copy


def _document(key: str, items: list[Any]) -> Say:
    return Say(200, {key: items})


def _paged(
    key: str, items: list[Any], identity: str = "id", links: str | None = None
) -> Callable[[Asked], Say]:
    ids = [item.get(identity) if isinstance(item, dict) else None for item in items]

    def answer(asked: Asked) -> Say:
        start = ids.index(asked.query["marker"]) + 1 if "marker" in asked.query else 0
        page = items[start : start + int(asked.query["limit"])]
        document: Json = {key: page}
        if start + len(page) < len(items):
            document[links or f"{key}_links"] = [{"rel": "next", "href": "-"}]
        return Say(200, document)

    return answer


def _by_offset(key: str, items: list[Any]) -> Callable[[Asked], Say]:
    def answer(asked: Asked) -> Say:
        start = int(asked.query["offset"])
        return Say(200, {key: items[start : start + int(asked.query["limit"])]})

    return answer


# -- compute -------------------------------------------------------------------------------------

_HOSTS = ("c1", "c2", "c3")


def _server(number: int, host: str) -> Json:
    more = {"updated": "2026-01-01T00:00:09Z", "OS-EXT-AZ:availability_zone": "z"}
    return server(f"s{number}", host, **more)


def _provider(name: str) -> Json:
    inventory = {"total": 16, "reserved": 1, "allocation_ratio": 2.0}
    holds = {"resources": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1, "PCPU": 1}}
    classes = ("VCPU", "PCPU", "MEMORY_MB", "DISK_GB")
    return {
        "listed": {"uuid": f"id-{name}", "generation": 7},
        "inventories": {"inventories": {kind: dict(inventory) for kind in classes}},
        "traits": {"traits": ["COMPUTE_NODE"]},
        "allocations": {"allocations": {"migration": holds}},
    }


def _script_compute(cloud: ScriptedCloud, lists: Lists) -> None:
    cloud.on("GET", "/os-hypervisors/detail", _paged("hypervisors", lists["hypervisors"]))
    cloud.on("GET", "/os-services", _document("services", lists["services"]))
    cloud.on("GET", "/servers/detail", _paged("servers", lists["servers"]))
    cloud.on("GET", "/os-server-groups", _by_offset("server_groups", lists["groups"]))
    cloud.on("GET", "/os-aggregates", _document("aggregates", lists["aggregates"]))
    providers = [one if isinstance(one, dict) else {} for one in lists["providers"]]
    listed = [one.get("listed") for one in providers]
    cloud.on("GET", "/resource_providers", _document("resource_providers", listed))
    for name, provider in zip(_HOSTS, providers, strict=True):
        for part in ("inventories", "traits", "allocations"):
            document = provider.get(part)
            body = document if isinstance(document, dict) else {}
            cloud.on("GET", f"/resource_providers/id-{name}/{part}", Say(200, body))


def _compute_names(path: str, at: int) -> set[str]:
    if path in ("hypervisors", "services", "providers"):
        return {_HOSTS[at], f"id-{_HOSTS[at]}", f"svc-{_HOSTS[at]}"}
    return {str(COMPUTE_RECORDS[path][at]["id"])}


def _compute_falls(path: str, at: int) -> set[str]:
    if path not in ("hypervisors", "services", "providers"):
        return set()
    servers = COMPUTE_RECORDS["servers"]
    return {s["id"] for s in servers if s["OS-EXT-SRV-ATTR:host"] == _HOSTS[at]}


COMPUTE_RECORDS: Lists = {
    "hypervisors": [hypervisor(name) for name in _HOSTS],
    "services": [service(name, zone="z") for name in _HOSTS],
    "servers": [_server(n, _HOSTS[n % 3]) for n in range(5)],
    "groups": [
        {
            "id": f"g{n}",
            "name": "group",
            "policy": "anti-affinity",
            "rules": {"max_server_per_host": 2},
            "members": ["s0", "s1"],
        }
        for n in range(3)
    ],
    "aggregates": [
        {
            "id": n,
            "uuid": f"a{n}",
            "name": "aggregate",
            "availability_zone": "z",
            "hosts": ["c1"],
            "metadata": {"ssd": "true"},
        }
        for n in range(2)
    ],
    "providers": [_provider(name) for name in _HOSTS],
}
COMPUTE_WORLD = OddWorld(COMPUTE, COMPUTE_RECORDS, _script_compute, _compute_names, _compute_falls)


# -- block storage -------------------------------------------------------------------------------


def _volume(number: int) -> Json:
    return {
        "id": f"v{number}",
        "name": "volume",
        "size": 10,
        "status": "in-use",
        "volume_type": "t",
        "os-vol-host-attr:host": f"h@b{number % 2}#p",
        "os-vol-tenant-attr:tenant_id": "project",
        "cluster_name": None,
        "attachments": [{"id": f"v{number}", "server_id": "s1", "attachment_id": "a1"}],
        "bootable": "true",
        "multiattach": False,
        "encrypted": False,
        "metadata": {"tier": "gold"},
        "snapshot_id": None,
        "source_volid": None,
        "migration_status": None,
        "availability_zone": "z",
        "created_at": "2026-01-01T00:00:00",
    }


STORAGE_RECORDS: Lists = {
    "os-services": [
        {
            "binary": "cinder-volume",
            "host": f"h@b{n}",
            "zone": "z",
            "status": "enabled",
            "state": "up",
            "disabled_reason": None,
            "cluster": None,
        }
        for n in range(2)
    ],
    "pools": [
        {
            "name": f"h@b{n}#p",
            "capabilities": {
                "volume_backend_name": "b",
                "total_volumes": 3,
                "total_capacity_gb": 100,
                "free_capacity_gb": 50.5,
                "provisioned_capacity_gb": 20,
                "allocated_capacity_gb": 20,
                "reserved_percentage": 5,
                "thin_provisioning_support": True,
                "thick_provisioning_support": False,
                "max_over_subscription_ratio": "20.0",
            },
        }
        for n in range(2)
    ],
    "types": [
        {
            "id": f"t{n}",
            "name": "t",
            "is_public": True,
            "extra_specs": {"volume_backend_name": "b"},
        }
        for n in range(3)
    ],
    "snapshots": [{"id": f"snap{n}", "volume_id": "v1"} for n in range(3)],
    "volumes": [_volume(n) for n in range(5)],
}


def _script_storage(cloud: ScriptedCloud, lists: Lists) -> None:
    cloud.on("GET", "/v3/os-services", _document("services", lists["os-services"]))
    cloud.on("GET", "/v3/scheduler-stats/get_pools", _document("pools", lists["pools"]))
    types = _paged("volume_types", lists["types"], links="volume_type_links")
    cloud.on("GET", "/v3/types", types)
    cloud.on("GET", "/v3/snapshots", _paged("snapshots", lists["snapshots"]))
    cloud.on("GET", "/v3/volumes/detail", _paged("volumes", lists["volumes"]))


def _storage_names(path: str, at: int) -> set[str]:
    record = STORAGE_RECORDS[path][at]
    return {record[key] for key in ("id", "host", "name") if key in record}


def _storage_falls(path: str, at: int) -> set[str]:
    return {f"h@b{at}#p"} if path == "os-services" else set()


STORAGE_WORLD = OddWorld(STORAGE, STORAGE_RECORDS, _script_storage, _storage_names, _storage_falls)


# -- bare metal ----------------------------------------------------------------------------------

BAREMETAL_RECORDS: Lists = {
    "nodes": [
        {
            "uuid": f"n{n}",
            "name": f"machine-{n}",
            "power_state": "power on",
            "target_power_state": None,
            "maintenance": False,
            "maintenance_reason": None,
            "provision_state": "active",
            "extra": {"compute_node_id": f"h{n}"},
            "properties": {"cpus": 8},
            "instance_uuid": None,
            "resource_class": "metal",
            "fault": None,
        }
        for n in range(5)
    ]
}


def _script_baremetal(cloud: ScriptedCloud, lists: Lists) -> None:
    paged = _paged("nodes", lists["nodes"], "uuid", links="x_links")
    cloud.on("GET", "/v1/nodes", paged)


BAREMETAL_WORLD = OddWorld(
    BAREMETAL,
    BAREMETAL_RECORDS,
    _script_baremetal,
    lambda _path, at: {f"n{at}", f"machine-{at}"},
)
