import json
from typing import Any

import pytest

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.allocations import Allocation
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.numa.cells import NumaCell
from domain.cluster.compute.records import AggregateRow, GroupRow
from domain.cluster.formats.anonymise import Models, anonymised
from domain.cluster.formats.cluster_file import FORMAT, VERSION, read_cluster, write_cluster
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.kernel.errors import InvalidValue
from tests.unit.cluster.build import host, model, server
from tests.world.plugins import solve_offline


def rich() -> ComputeModel:
    """A cluster with every kind of record."""
    hosts = [
        host(
            1,
            hypervisor_hostname="node-1.acme.example",
            zone="acme-east",
            traits=("HW_CPU_X86_AVX2", "CUSTOM_ACME_RACK_7"),
            aggregates=("5e6c9a30-acme",),
            devices={"acme-gpu": 2},
            pcpus=4,
            numa=(NumaCell(0, 8, 4, 32768, ((2048, 512), (1048576, 4))), NumaCell(8, 8, 0, 32768)),
            other_allocations=(Allocation("acme-orphan", 1), Allocation("s3", 2, 2048, 10, 2)),
            generation=12,
        ),
        host(2, status="disabled", disabled_reason="acme maintenance", disk_gb=0),
        host(3, status="disabled", disabled_reason="watcher_disabled", ram_ratio=1.5),
    ]
    servers = [
        server(
            1,
            1,
            flavor="acme.large",
            project_id="acme-prod",
            metadata={"owner": "acme"},
            numa_nodes=(8,),
        ),
        server(2, 1, task_state="migrating", groups=("acme-group",), pinned_zone="acme-east"),
        server(
            3,
            2,
            groups=("acme-group",),
            extra_specs={
                "hw:cpu_policy": "dedicated",
                "trait:CUSTOM_ACME_RACK_7": "required",
                "pci_passthrough:alias": "acme-gpu:1",
                "aggregate_instance_extra_specs:acme-disk": "<or> acme-ssd <or> acme-nvme",
                "acme:note": "internal",
                "hw:pmem": "6GB, acme-log",
            },
        ),
        server(4, None, status="SHELVED_OFFLOADED", state="shelved_offloaded"),
    ]
    groups = (GroupRow("acme-group", "acme web", "anti-affinity", ("s2", "s3", "s-gone"), 2),)
    metadata = {
        "acme-disk": "acme-ssd",
        "filter_tenant_id": "acme-prod",
        "filter_tenant_id_acme": "acme-prod, acme-test",
        "acme-contact": "ops",
    }
    aggregates = (
        AggregateRow("7", "5e6c9a30-acme", "acme fast", "acme-east", ("c1", "c-gone"), metadata),
    )
    return model(hosts, servers, groups, aggregates)


METRICS = {
    "host_cpu_usage": {"h1": 12.5, "h2": 3.0},
    "host_ram_usage": {"h1": 1234567.0},
    "instance_cpu_usage": {"s1": 80.25},
    "instance_ram_usage": {"s1": 1024.0, "s3": 7.0},
    "host_outlet_temp": {"h1": 21.5},
}


def through_json(data: dict[str, object]) -> dict[str, Any]:
    return json.loads(json.dumps(data))  # type: ignore[no-any-return]


def with_cells(cells: object) -> dict[str, object]:
    """A file with one host of such NUMA cells."""
    return {"hosts": [{"id": "h", "name": "c", "numa": cells}]}


def with_others(held: object) -> dict[str, object]:
    """A file with one host on which others hold that."""
    return {"hosts": [{"id": "h", "name": "c", "other_allocations": held}]}


def test_cells_are_written_as_objects_and_only_where_they_are_known() -> None:
    written = through_json(write_cluster(rich()))
    pages = {"2048": 512, "1048576": 4}
    assert [host.get("numa") for host in written["hosts"]] == [
        [
            {"id": 0, "cpus": 8, "pcpus": 4, "memory_mb": 32768, "pages": pages},
            {"id": 8, "cpus": 8, "pcpus": 0, "memory_mb": 32768, "pages": {}},
        ],
        None,
        None,
    ]
    assert [one.get("numa_nodes") for one in written["instances"]] == [[8], None, None]
    least = read_cluster(with_cells([{"id": 3, "cpus": 2}])).model
    assert least.hosts.numa[0] == (NumaCell(3, cpus=2),)
    assert read_cluster(with_cells(None)).model.hosts.numa[0] is None


def test_allocations_of_others_are_written_as_objects_and_only_where_there_are_any() -> None:
    written = through_json(write_cluster(rich()))
    assert [host.get("other_allocations") for host in written["hosts"]] == [
        {
            "acme-orphan": {"vcpus": 1},
            "s3": {"vcpus": 2, "ram_mb": 2048, "disk_gb": 10, "pcpus": 2},
        },
        None,
        None,
    ]
    least = read_cluster(with_others({"x": {"ram_mb": 5}, "a": {}})).model
    assert least.hosts.other_allocations[0] == (Allocation("a"), Allocation("x", memory_mb=5))
    assert read_cluster(with_others(None)).model.hosts.other_allocations[0] is None


def test_a_whole_model_and_its_metrics_come_back_to_the_last_column() -> None:
    file = read_cluster(through_json(write_cluster(rich(), METRICS, {"cloud": "east"})))
    assert file.model.to_columns() == rich().to_columns()
    assert file.quarantined == ()
    assert {name: file.metrics[name] for name in METRICS} == METRICS
    assert file.meta == {"cloud": "east"}


def test_what_only_a_scope_makes_comes_back_too() -> None:
    whole = rich()
    scoped = whole.restrict(whole.hosts.zone.where(lambda zone: zone == "acme-east"), ["s1"])
    assert scoped.outside == {"s3"}
    again = read_cluster(through_json(write_cluster(scoped))).model
    assert again.to_columns() == scoped.to_columns()


def test_servers_that_could_not_be_read_still_cast_their_shadow() -> None:
    hosts, servers = [host(1), host(2)], [server(1, 1, vcpus=None), server(2, 1)]
    seen, _ = ComputeModel.build(hosts, servers)
    again = read_cluster(through_json(write_cluster(seen))).model
    assert again.hosts.unseen.tolist() == [1, 0]


def test_the_portable_form_is_read_as_it_is() -> None:
    portable = {
        "meta": {"seed": 42},
        "hosts": [{"id": "h", "name": "c", "vcpus": 8, "ram_mb": 1024, "disk_gb": 10}],
        "instances": [
            {"id": "s", "host": "h", "vcpus": 1, "ram_mb": 1, "disk_gb": 1, "cpu_util_pct": 9.0},
            {"id": "t", "host": "nowhere", "vcpus": 1, "ram_mb": 1, "disk_gb": 1},
        ],
    }
    file = read_cluster(portable)
    assert file.model.servers.id == ("s",)
    assert [one.id for one in file.quarantined] == ["t"]
    assert file.metrics["instance_cpu_usage"] == {"s": 9.0}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"format": "other"}, "format"),
        ({"format": FORMAT, "version": VERSION + 1}, "version"),
        ({"format": FORMAT}, "version"),
        ({"hosts": {}}, "hosts"),
        ({"unplaced": [1]}, "unplaced"),
        ({"meta": []}, "meta"),
        ({"metrics": {"host_power": [1]}}, "metrics.host_power"),
        ({"metrics": {"host_power": {"h": "1"}}}, "metrics.host_power.h"),
        ({"outside": [1]}, "outside"),
        ({"hosts": [{"id": "h", "name": "c", "unseen": -1}]}, "hosts[0].unseen"),
        ({"instances": [{"name": "x"}]}, "instances[0]"),
        ({"instances": [{"id": "s"}], "unplaced": [{"name": "x"}]}, "unplaced[0]"),
        ({"instances": [{"id": "s"}], "unplaced": [{"id": "t", "name": 1}]}, "unplaced[0].name"),
        ({"unplaced": [{"id": "t", "excluded": 1}]}, "unplaced[0].excluded"),
        (with_cells({}), "hosts[0].numa"),
        (with_cells([]), "hosts[0].numa"),
        (with_cells([1]), "hosts[0].numa"),
        (with_cells([{"cpus": 4}]), "hosts[0].numa[0].id"),
        (with_cells([{"id": 0}, {"id": 0}]), "hosts[0].numa"),
        (with_cells([{"id": 0}, {"id": 1, "pcpus": -1}]), "hosts[0].numa[1].pcpus"),
        (with_cells([{"id": 0, "memory_mb": 1.5}]), "hosts[0].numa[0].memory_mb"),
        (with_cells([{"id": 0, "pages": [2048]}]), "hosts[0].numa[0].pages"),
        (with_cells([{"id": 0, "pages": {"2M": 1}}]), "hosts[0].numa[0].pages"),
        (with_cells([{"id": 0, "pages": {"2048": "1"}}]), "hosts[0].numa[0].pages.2048"),
        (with_others([]), "hosts[0].other_allocations"),
        (with_others({"x": 1}), "hosts[0].other_allocations.x"),
        (with_others({"x": {"vcpus": -1}}), "hosts[0].other_allocations.x.vcpus"),
        (with_others({"x": {"ram_mb": "1"}}), "hosts[0].other_allocations.x.ram_mb"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(data: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        read_cluster(data)
    assert refused.value.field == field


HOST = {"id": "h", "name": "c", "vcpus": 8, "ram_mb": 1024, "disk_gb": 10}
SERVER = {"id": "s", "host": "h", "vcpus": 1, "ram_mb": 1, "disk_gb": 1}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("hosts", "id", {}),
        ("hosts", "id", None),
        ("hosts", "id", ""),
        ("hosts", "name", 7),
        ("hosts", "status", ["enabled"]),
        ("hosts", "zone", 1),
        ("hosts", "disabled_reason", {"a": 1}),
        ("hosts", "traits", "HW_CPU_X86_AVX2"),
        ("hosts", "aggregates", [[1]]),
        ("hosts", "devices", ["gpu"]),
        ("hosts", "generation", "3"),
        ("hosts", "unseen", "1"),
        ("hosts", "unseen", 10**30),
        ("hosts", "cpu_util_pct", "20 %"),
        ("hosts", "ram_used_mb", [1]),
        ("instances", "id", [1]),
        ("instances", "host", ["h"]),
        ("instances", "state", 1),
        ("instances", "task_state", True),
        ("instances", "locked", "false"),
        ("instances", "excluded", "false"),
        ("instances", "metadata", "a=b"),
        ("instances", "metadata", {"a": None}),
        ("instances", "extra_specs", {"hw:cpu_policy": ["dedicated"]}),
        ("instances", "groups", "g"),
        ("instances", "numa_nodes", 1),
        ("instances", "numa_nodes", ["0"]),
        ("instances", "pinned_zone", 1.5),
        ("instances", "cpu_util_pct", "x"),
        ("instances", "name", "\ud800"),
        ("groups", "members", "s"),
        ("groups", "members", [None]),
        ("groups", "max_per_host", "2"),
        ("groups", "policy", ["affinity"]),
        ("aggregates", "hosts", "c"),
        ("aggregates", "metadata", []),
        ("aggregates", "zone", 1),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_by_its_place(
    kind: str, field: str, value: object
) -> None:
    """Most ended in a traceback from deep inside the model; the text "false" locked a server, and
    the text "g" put one into the groups of its letters."""
    usual: dict[str, dict[str, object]] = {
        "hosts": HOST,
        "instances": SERVER,
        "groups": {"id": "g"},
        "aggregates": {"id": "1"},
    }
    data: dict[str, object] = {name: [record] for name, record in usual.items()}
    with pytest.raises(InvalidValue) as refused:
        read_cluster({**data, kind: [{**usual[kind], field: value}]})
    assert refused.value.field.startswith(f"{kind}[0].{field}")


def test_null_says_no_more_than_a_field_that_is_left_out() -> None:
    """Tools that write every field wrote null where they knew nothing, and the reader fell."""
    nothing = {"zone": None, "traits": None, "devices": None, "status": None, "cpu_util_pct": None}
    silent = {"metadata": None, "extra_specs": None, "groups": None, "locked": None, "name": None}
    read = read_cluster({"hosts": [{**HOST, **nothing}], "instances": [{**SERVER, **silent}]})
    plain = read_cluster({"hosts": [HOST], "instances": [SERVER]})
    assert read.model.to_columns() == plain.model.to_columns()
    assert read.metrics == plain.metrics


def test_fields_that_are_not_known_are_ignored_whatever_they_hold() -> None:
    odd = {"colour": {"a": [1]}, "pcpus": 2, "cpu_ratio": "x", "unseen": None}
    file = read_cluster(
        {
            "hosts": [{**HOST, "colour": 1}],
            "instances": [{**SERVER, **odd}],
            "groups": [{"id": "g", "vcpus": 1}],
            "aggregates": [{"id": "1", "pcpus": []}],
        }
    )
    assert file.quarantined == ()


def test_numbers_serve_as_ids_and_as_values_of_maps() -> None:
    specs = {"hw:numa_nodes": 2, "hw:cpu_sockets": True}
    file = read_cluster(
        {
            "hosts": [{**HOST, "id": 1, "aggregates": [7]}],
            "instances": [{**SERVER, "host": 1, "extra_specs": specs, "groups": [3]}],
            "groups": [{"id": 3, "policy": "affinity"}],
            "aggregates": [{"id": 7, "hosts": ["c"]}],
        }
    )
    assert file.quarantined == ()
    assert file.model.servers.extra_specs[0] == {"hw:numa_nodes": "2", "hw:cpu_sockets": "True"}
    assert file.model.hosts.aggregates[0] == ("7",)
    assert file.model.servers.groups[0] == ("3",)


@pytest.mark.parametrize("value", ["4", 10**30, 1.5, -1])
def test_an_amount_that_makes_no_sense_sets_one_server_aside_and_not_the_file(
    value: object,
) -> None:
    file = read_cluster(
        {"hosts": [HOST], "instances": [{**SERVER, "vcpus": value}, {**SERVER, "id": "t"}]}
    )
    assert file.model.servers.id == ("t",)
    assert [one.id for one in file.quarantined] == ["s"]


def test_an_anonymised_cluster_names_nobody_and_keeps_what_decides() -> None:
    models, figures = anonymised(Models(rich()), METRICS)
    shown = models.compute
    text = json.dumps(write_cluster(shown, figures))
    for telling in ("acme", "ACME", "vm1", "node-1", "owner", "internal", "ops", "gone"):
        assert telling not in text, telling
    assert figures["instance_cpu_usage"] == {"server-2": 80.25}
    specs = shown.servers.extra_specs[2]
    assert specs["hw:cpu_policy"] == "dedicated"
    assert specs["trait:CUSTOM_TRAIT_1"] == "required"
    assert "CUSTOM_TRAIT_1" in shown.hosts.traits[0]
    assert "HW_CPU_X86_AVX2" in shown.hosts.traits[0]
    assert list(shown.hosts.disabled_reason.table) == [None, "a reason", "watcher_disabled"]
    assert shown.aggregates[0].uuid in shown.hosts.aggregates[0]
    assert shown.servers.task_state[1] == "migrating"
    holders = [one.consumer for one in shown.hosts.other_allocations[0] or ()]
    assert holders == ["consumer-1", shown.servers.id[2]]


def test_a_strategy_decides_the_same_on_the_anonymised_cluster() -> None:
    hosts = [host(n) for n in range(12)]
    busy = [server(n, n % 11, vcpus=1 + n % 4) for n in range(30)]
    whole = model(hosts, busy)
    metrics = {"instance_cpu_usage": {f"s{n}": float(n) for n in range(30)}}
    plain = solve_offline(through_json(write_cluster(whole, metrics)))
    shown, figures = anonymised(Models(whole), metrics)
    masked = solve_offline(through_json(write_cluster(shown.compute, figures)))
    assert plain.planned
    assert [one.action.type for one in plain.planned] == [one.action.type for one in masked.planned]
    assert plain.indicators == masked.indicators


def test_bare_metal_nodes_survive_a_round_trip() -> None:
    rows = [
        BaremetalNodeRow(
            "n1", "one", "power on", "power off", extra={"compute_node_id": "h1"}, maintenance=True
        ),
        BaremetalNodeRow("n2", maintenance=False, instance_id="s1", fault="power failure"),
    ]
    nodes, _ = BaremetalModel.build(rows)
    compute, _ = ComputeModel.build((), ())
    found = read_cluster(json.loads(json.dumps(write_cluster(compute, baremetal=nodes))))
    assert found.baremetal is not None
    assert found.baremetal.to_columns() == nodes.to_columns()
    assert read_cluster(write_cluster(compute)).baremetal is None


def test_anonymised_storage_and_nodes_name_nobody_and_keep_their_links() -> None:
    compute = model([host(0)], [server(0, 0)])
    storage, _ = StorageModel.build(
        [StorageNodeRow("acme@fast", zone="acme-az", cluster="acme-ha@fast")],
        [PoolRow("acme@fast#p1", "acme-label", total_gb=10, free_gb="infinite")],
        [
            VolumeRow(
                *("acme-v", "acme data", "acme@fast#p1", 3, "in-use", "acme gold"),
                attachments=(Attachment("s0", "acme-a"),),
                metadata={"acme": "acme"},
                project_id="acme-p",
                source_id="acme-s",
            )
        ],
        [VolumeTypeRow("acme-t", "acme gold", "acme-label", {"acme": "1"})],
    )
    own: dict[str, object] = {"compute_node_id": compute.hosts.id[0], "acme": 1}
    nodes, _ = BaremetalModel.build(
        [
            BaremetalNodeRow(
                *("acme-n", "acme"),
                maintenance=False,
                extra=own,
                resource_class="acme",
                instance_id="s0",
            )
        ]
    )
    shown, _ = anonymised(Models(compute, storage, nodes), {})
    assert shown.storage is not None
    assert shown.baremetal is not None
    data = write_cluster(shown.compute, {}, {}, shown.baremetal, shown.storage)
    assert "acme" not in json.dumps(data)
    found = read_cluster(json.loads(json.dumps(data)))
    assert found.quarantined == ()
    assert found.storage is not None
    assert found.storage.volumes.servers == ((shown.compute.servers.id[0],),)
    assert found.storage.nodes.volume_types[0] == (found.storage.types[0].name,)
    assert found.baremetal is not None
    assert found.baremetal.nodes.compute_node == (shown.compute.hosts.id[0],)
    assert found.baremetal.nodes.instance_id == (shown.compute.servers.id[0],)


def test_a_bad_bare_metal_node_is_quarantined_and_one_without_an_id_is_an_error() -> None:
    found = read_cluster({"nodes": [{"id": "n1", "maintenance": "perhaps"}, {"id": "n2"}]})
    assert found.baremetal is not None
    assert found.baremetal.nodes.id == ("n2",)
    assert [one.id for one in found.quarantined] == ["n1"]
    with pytest.raises(InvalidValue, match=r"nodes\[0\]"):
        read_cluster({"nodes": [{"name": "one"}]})
