from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openstack.connection import Connection

from application.ports.cloud import CloudRefused, CloudUnreachable
from domain.cluster.compute.allocations import Allocation
from domain.cluster.compute.reasons import BAD_VALUE, SERVICE_NOT_FOUND
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.connection import ConnectionLimits, connect
from tests.integration.openstack.nova_records import hypervisor, server, service
from tests.integration.openstack.scripted import Asked, Say, ScriptedCloud

Json = dict[str, Any]
PAGE = 2


def _inventory(total: int, reserved: int = 0, ratio: float = 1.0) -> Json:
    return {"total": total, "reserved": reserved, "allocation_ratio": ratio, "max_unit": total}


def _paged(key: str, items: list[Json]) -> Callable[[Asked], Say]:
    def answer(asked: Asked) -> Say:
        ids = [item["id"] for item in items]
        start = ids.index(asked.query["marker"]) + 1 if "marker" in asked.query else 0
        page = items[start : start + int(asked.query["limit"])]
        more = start + len(page) < len(items)
        return Say(200, {key: page, f"{key}_links": [{"rel": "next", "href": "-"}] if more else []})

    return answer


def _by_offset(key: str, items: list[Json]) -> Callable[[Asked], Say]:
    def answer(asked: Asked) -> Say:
        start = int(asked.query["offset"])
        return Say(200, {key: items[start : start + int(asked.query["limit"])]})

    return answer


class Cluster:
    """What a scripted cloud holds."""

    def __init__(self, cloud: ScriptedCloud) -> None:
        self.cloud = cloud
        self.hypervisors = [hypervisor("node-1"), hypervisor("node-10")]
        self.services = [service("node-10", status="disabled", zone="az-2"), service("node-1")]
        self.servers = [server("s1", "node-1"), server("s2", "node-10")]
        self.groups: list[Json] = []
        self.aggregates: list[Json] = []
        self.allocations: dict[str, Json] = {}
        self.inventories = {
            "VCPU": _inventory(16, 2, 4.0),
            "MEMORY_MB": _inventory(65536, 512, 1.5),
            "DISK_GB": _inventory(1000, 10, 2.0),
        }

    def script(self) -> None:
        """Has the cloud answer accordingly."""
        on = self.cloud.on
        on("GET", "/os-hypervisors/detail", _paged("hypervisors", self.hypervisors))
        on("GET", "/os-services", Say(200, {"services": self.services}))
        on("GET", "/servers/detail", _paged("servers", self.servers))
        on("GET", "/os-server-groups", _by_offset("server_groups", self.groups))
        on("GET", "/os-aggregates", Say(200, {"aggregates": self.aggregates}))
        providers = [{"uuid": h["id"], "generation": 7} for h in self.hypervisors]
        on("GET", "/resource_providers", Say(200, {"resource_providers": providers}))
        for provider in providers:
            at = f"/resource_providers/{provider['uuid']}"
            on("GET", f"{at}/inventories", Say(200, {"inventories": self.inventories}))
            booked = {"allocations": self.allocations.get(provider["uuid"], {})}
            on("GET", f"{at}/allocations", Say(200, booked))
            on("GET", f"{at}/traits", Say(200, {"traits": ["COMPUTE_NODE", "HW_CPU_X86_AVX2"]}))


@pytest.fixture
def cluster(cloud: ScriptedCloud) -> Cluster:
    return Cluster(cloud)


@pytest.fixture
def collector(connection: Connection, limits: ConnectionLimits) -> NovaCollector:
    return NovaCollector(connection, ConnectionLimits(page=PAGE, read_retries=0))


def test_every_field_of_a_host_is_mapped(cluster: Cluster, collector: NovaCollector) -> None:
    cluster.inventories["PCPU"] = _inventory(8, 1)
    cluster.services[0]["disabled_reason"] = "maintenance"
    cluster.aggregates = [
        {"id": 3, "uuid": "agg", "name": "a", "hosts": ["node-10"], "metadata": {}}
    ]
    cluster.script()
    hosts = {host.name: host for host in collector.collect().hosts}
    assert hosts["node-10"] == HostRow(
        id="id-node-10",
        name="node-10",
        hypervisor_hostname="node-10.example.org",
        state="up",
        status="disabled",
        disabled_reason="maintenance",
        zone="az-2",
        vcpus=16,
        memory_mb=65536,
        disk_gb=1000,
        vcpus_reserved=2,
        memory_reserved_mb=512,
        disk_reserved_gb=10,
        cpu_ratio=4.0,
        ram_ratio=1.5,
        disk_ratio=2.0,
        traits=("COMPUTE_NODE", "HW_CPU_X86_AVX2"),
        aggregates=("agg",),
        pcpus=7,
        generation=7,
    )


def _holds(vcpus: int, memory_mb: int, disk_gb: int, **more: int) -> Json:
    amounts = {"VCPU": vcpus, "MEMORY_MB": memory_mb, "DISK_GB": disk_gb}
    return {"resources": {k: v for k, v in (amounts | more).items() if v}}


def test_what_servers_do_not_account_for_is_kept_with_its_host(
    cluster: Cluster, collector: NovaCollector
) -> None:
    """s1 migrates to node-10: there its allocation is, at its source its migration has one."""
    cluster.allocations = {
        "id-node-1": {"migration": _holds(2, 4096, 26)},
        "id-node-10": {
            "s1": _holds(2, 4096, 26),
            "s2": _holds(2, 4096, 26),
            "orphan": _holds(1, 0, 0, PCPU=3, CUSTOM_FPGA=1),
        },
    }
    cluster.script()
    found = {host.name: host.other_allocations for host in collector.collect().hosts}
    assert found == {
        "node-1": (),
        "node-10": (Allocation("orphan", 1, 0, 0, 3), Allocation("s1", 2, 4096, 26)),
    }


def test_hosts_are_joined_with_services_by_their_exact_names(
    cluster: Cluster, collector: NovaCollector
) -> None:
    """Upstream matches names as substrings: node-1 could be given node-10's service."""
    cluster.script()
    hosts = {host.name: (host.status, host.zone) for host in collector.collect().hosts}
    assert hosts == {"node-1": ("enabled", "az-1"), "node-10": ("disabled", "az-2")}


def test_every_field_of_a_server_is_mapped(cluster: Cluster, collector: NovaCollector) -> None:
    odd = {
        "status": "VERIFY_RESIZE",
        "locked": True,
        "pinned_availability_zone": "az-1",
        "OS-EXT-STS:vm_state": "resized",
        "OS-EXT-STS:task_state": "resize_confirming",
    }
    cluster.servers = [server("s1", "node-1", **odd)]
    cluster.groups = [{"id": "g", "name": "spread", "policy": "anti-affinity", "members": ["s1"]}]
    cluster.script()
    assert list(collector.collect().servers) == [
        ServerRow(
            id="s1",
            name="name-s1",
            host="node-1",
            vcpus=2,
            memory_mb=4096,
            disk_gb=26,
            state="resized",
            status="VERIFY_RESIZE",
            task_state="resize_confirming",
            project_id="project",
            flavor="m1",
            locked=True,
            pinned_zone="az-1",
            zone="az-1",
            metadata={"role": "web"},
            extra_specs={"hw:cpu_policy": "shared"},
            groups=("g",),
            created_at="2026-01-01T00:00:00Z",
        )
    ]


def test_a_server_that_boots_from_a_volume_has_no_local_root_disk(
    cluster: Cluster, collector: NovaCollector
) -> None:
    cluster.servers = [server("s1", "node-1", image="")]
    cluster.script()
    assert collector.collect().servers[0].disk_gb == 6


def test_a_server_without_flavor_or_host_is_handed_on_as_it_is(
    cluster: Cluster, collector: NovaCollector
) -> None:
    cluster.servers = [server("s1", None, flavor={}), server("s2", "node-1", flavor=None)]
    cluster.script()
    rows = collector.collect().servers
    assert [(row.host, row.vcpus, row.memory_mb, row.disk_gb) for row in rows] == [
        (None, None, None, None),
        ("node-1", None, None, None),
    ]


def test_deleted_servers_are_left_out_and_deferred_ones_kept(
    cluster: Cluster, collector: NovaCollector
) -> None:
    deleted: Json = {"status": "DELETED", "OS-EXT-STS:vm_state": "deleted"}
    deferred: Json = {"status": "SOFT_DELETED", "OS-EXT-STS:vm_state": "soft-delete"}
    cluster.servers = [server("s1", "node-1", **deleted), server("s2", "node-1", **deferred)]
    cluster.script()
    assert [server.id for server in collector.collect().servers] == ["s2"]


def test_groups_and_aggregates_are_mapped(cluster: Cluster, collector: NovaCollector) -> None:
    rules = {"max_server_per_host": 2}
    cluster.groups = [
        {"id": "g1", "name": "new", "policy": "anti-affinity", "rules": rules, "members": ["s1"]},
        {"id": "g2", "name": "old", "policies": ["soft-affinity"], "members": []},
        {"id": "g3", "name": "one more than a page", "policy": "affinity", "members": ["s1"]},
    ]
    meta = {"availability_zone": "az-1", "ssd": "true"}
    cluster.aggregates = [
        {"id": 1, "uuid": "a", "name": "fast", "availability_zone": "az-1", "hosts": ["node-1"]}
        | {"metadata": meta}
    ]
    cluster.script()
    found = collector.collect()
    assert list(found.groups) == [
        GroupRow("g1", "new", "anti-affinity", ("s1",), 2),
        GroupRow("g2", "old", "soft-affinity", (), 1),
        GroupRow("g3", "one more than a page", "affinity", ("s1",), 1),
    ]
    assert list(found.aggregates) == [AggregateRow("1", "a", "fast", "az-1", ("node-1",), meta)]
    assert {server.id: server.groups for server in found.servers} == {"s1": ("g1", "g3"), "s2": ()}


def _groups(*names: str) -> list[Json]:
    return [{"id": name, "name": name, "policy": "affinity", "members": []} for name in names]


class _Deleting:
    """Answers from a list of which the first item is deleted after some of the requests."""

    def __init__(self, groups: list[Json], after: tuple[int, ...]) -> None:
        self.groups = groups
        self.after = after
        self.requests = 0

    def __call__(self, asked: Asked) -> Say:
        answer = _by_offset("server_groups", self.groups)(asked)
        self.requests += 1
        if self.requests in self.after:
            del self.groups[0]
        return answer


def test_a_group_deleted_between_two_pages_hides_no_other_group(
    cluster: Cluster, collector: NovaCollector, cloud: ScriptedCloud
) -> None:
    """The list is paged by offset: what follows moved up by one, the first of the next page was
    never listed, and its members were moved as if they were in no group."""
    cluster.script()
    cloud.on("GET", "/os-server-groups", _Deleting(_groups("a", "b", "c", "d"), after=(1,)))
    assert [group.id for group in collector.collect().groups] == ["b", "c", "d"]


def test_a_list_of_groups_that_never_stands_still_is_no_list(
    cluster: Cluster, collector: NovaCollector, cloud: ScriptedCloud
) -> None:
    cluster.script()
    many = _groups(*(str(number) for number in range(100, 150)))
    cloud.on("GET", "/os-server-groups", _Deleting(many, after=tuple(range(50))))
    with pytest.raises(CloudUnreachable, match="too fast"):
        collector.collect()


def test_bare_metal_is_left_out_with_its_servers(
    cluster: Cluster, collector: NovaCollector
) -> None:
    metal = hypervisor("metal", hypervisor_type="ironic", hypervisor_hostname="node-uuid")
    cluster.hypervisors.append(metal)
    on_metal = {"OS-EXT-SRV-ATTR:hypervisor_hostname": "node-uuid"}
    cluster.servers.append(server("s3", "metal", **on_metal))
    cluster.script()
    found = collector.collect()
    assert {host.name for host in found.hosts} == {"node-1", "node-10"}
    assert {server.id for server in found.servers} == {"s1", "s2"}


def test_the_number_of_requests_follows_pages_and_hosts_never_servers(
    cluster: Cluster, collector: NovaCollector, cloud: ScriptedCloud
) -> None:
    cluster.servers = [server(f"s{n}", "node-1") for n in range(41)]
    cluster.hypervisors.append(hypervisor("node-2"))
    cluster.services.append(service("node-2"))
    cluster.script()
    found = collector.collect()
    assert len(found.servers) == 41
    pages_of_servers, pages_of_hosts, hosts = 21, 2, 3
    services = aggregates = groups = providers = 1
    lists = pages_of_servers + pages_of_hosts + services + aggregates + groups + providers
    assert found.calls == lists + 3 * hosts
    spoken = [a for a in cloud.asked if "/identity" not in a.path]
    discovery = 2
    assert len(spoken) <= found.calls + discovery


def test_a_host_that_placement_does_not_know_is_named_and_left_out(
    cluster: Cluster, collector: NovaCollector, cloud: ScriptedCloud
) -> None:
    cluster.script()
    missing = Say(404, {"errors": [{"status": 404, "detail": "no such provider"}]})
    cloud.on("GET", "/resource_providers/id-node-10/inventories", missing)
    found = collector.collect()
    assert [host.name for host in found.hosts] == ["node-1"]
    assert [(why.reason, why.facts["resource"]) for why in found.problems] == [
        (BAD_VALUE, "node-10")
    ]


def test_a_host_without_a_service_is_named(cluster: Cluster, collector: NovaCollector) -> None:
    del cluster.services[0]
    cluster.script()
    found = collector.collect()
    assert [(why.reason, why.facts) for why in found.problems] == [
        (SERVICE_NOT_FOUND, {"host": "node-10"})
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/os-hypervisors/detail",
        "/os-services",
        "/servers/detail",
        "/os-server-groups",
        "/os-aggregates",
        "/resource_providers",
        "/resource_providers/id-node-10/inventories",
        "/resource_providers/id-node-10/traits",
    ],
)
@pytest.mark.parametrize(("status", "kind"), [(503, CloudUnreachable), (403, CloudRefused)])
def test_a_part_that_cannot_be_read_fails_the_whole(
    cluster: Cluster,
    collector: NovaCollector,
    cloud: ScriptedCloud,
    path: str,
    status: int,
    kind: type[Exception],
) -> None:
    """Upstream drops what it cannot read and publishes the rest as if it were everything."""
    cluster.script()
    cloud.on("GET", path, Say(status, {"error": {"code": status, "message": "not today"}}))
    with pytest.raises(kind, match="not today"):
        collector.collect()


@pytest.mark.parametrize("what", ["server", "service"])
def test_a_cell_that_does_not_answer_fails_the_whole(
    cluster: Cluster, collector: NovaCollector, what: str
) -> None:
    """Nova lists what it can and shows the rest as UNKNOWN: that is a partial model."""
    if what == "server":
        cluster.servers.append({"id": "s3", "status": "UNKNOWN", "tenant_id": "p"})
    else:
        cluster.services.append({"binary": "nova-compute", "host": "x", "status": "UNKNOWN"})
    cluster.script()
    with pytest.raises(CloudUnreachable, match="cell"):
        collector.collect()


@pytest.mark.parametrize(
    ("newest", "says"), [("2.60", ["2.61", "2.69"]), ("2.65", ["2.69"]), ("2.69", [])]
)
def test_what_an_old_nova_does_not_tell_is_said(
    tmp_path: Path, limits: ConnectionLimits, newest: str, says: list[str]
) -> None:
    """Flavors without extra specs looked like flavors that ask for nothing, and a list without the
    servers of a cell that was down looked whole."""
    old = ScriptedCloud(newest=newest)
    Cluster(old).script()
    connection = connect("scripted", old.clouds_yaml(tmp_path), limits)
    problems = NovaCollector(connection, limits).collect().problems
    assert [str(one).split(" ")[4] for one in problems] == [f"<{version}:" for version in says]
    assert all(one.facts["field"] == "microversion" for one in problems)
    connection.session.session.close()
    old.close()
