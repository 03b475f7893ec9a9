"""Cinder and Ironic are read in bulk, whole or not at all, whatever they answer."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from openstack.connection import Connection

from application.ports.cloud import (
    BaremetalCollector,
    CloudRefused,
    CloudUnreachable,
    StorageCollector,
    correlated,
)
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import Attachment, PoolRow, StorageNodeRow, VolumeTypeRow
from domain.cluster_models.reasons import SERVICE_ABSENT
from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.probes import probe
from tests.integration.openstack.scripted import Asked, Say, ScriptedCloud

Json = dict[str, Any]
PAGE = 2


class ScriptedStorage(ScriptedCloud):
    """A scripted cloud that also has Cinder and Ironic."""

    def __init__(self, *, without: frozenset[str] = frozenset(), cinder: str = "3.71") -> None:
        self.without, self.cinder = without, cinder
        super().__init__()

    def _token(self) -> Json:
        token = super()._token()
        urls = {"volumev3": f"{self.url}/volume/v3", "baremetal": f"{self.url}/baremetal"}
        token["token"]["catalog"] += [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {"id": kind, "interface": "public", "region": "RegionOne", "url": url}
                ],
            }
            for kind, url in urls.items()
            if kind not in self.without
        ]
        return token

    def _known(self, service: str, path: str, asked: Asked) -> Say:
        if service == "volume" and path.rstrip("/") in ("", "v3"):
            return Say(200, {"versions": [self._version("v3.0", "volume/v3", self.cinder, "3.0")]})
        if service == "baremetal" and path.rstrip("/") in ("", "v1"):
            return Say(200, {"versions": [self._version("v1", "baremetal/v1", "1.30", "1.1")]})
        return super()._known(service, path, asked)

    def _version(self, identity: str, path: str, newest: str, oldest: str) -> Json:
        return {
            "id": identity,
            "status": "CURRENT",
            "version": newest,
            "min_version": oldest,
            "links": [{"rel": "self", "href": f"{self.url}/{path}/"}],
        }


@pytest.fixture
def cloud() -> Iterator[ScriptedStorage]:
    """A cloud of which each test says what Cinder and Ironic answer."""
    scripted = ScriptedStorage()
    storage(scripted)
    yield scripted
    scripted.close()


@pytest.fixture
def limits() -> ConnectionLimits:
    """Small pages, little patience."""
    return ConnectionLimits(timeout=5.0, read_retries=1, page=PAGE)


@pytest.fixture
def cinder(connection: Connection, limits: ConnectionLimits) -> StorageCollector:
    """The collector of block storage."""
    return CinderCollector(connection, limits)


@pytest.fixture
def ironic(connection: Connection, limits: ConnectionLimits) -> BaremetalCollector:
    """The collector of bare metal."""
    return IronicNodes(connection, limits)


def storage(cloud: ScriptedCloud, *volumes: Json, pools: list[Json] | None = None) -> None:
    """Has Cinder hold these volumes and pools, one backend and one type."""
    service = {"binary": "cinder-volume", "host": "h@b", "zone": "z", "status": "enabled"}
    on = cloud.on
    on("GET", "/v3/os-services", Say(200, {"services": [{**service, "state": "up"}]}))
    on("GET", "/v3/scheduler-stats/get_pools", Say(200, {"pools": pools or [pool("h@b#p")]}))
    on("GET", "/v3/types", paged("volume_types", [kind("t")], "volume_type_links"))
    on("GET", "/v3/snapshots", paged("snapshots", []))
    on("GET", "/v3/volumes/detail", paged("volumes", list(volumes)))


def pool(name: str, **known: object) -> Json:
    """A pool with what its driver reports."""
    return {"name": name, "capabilities": {"volume_backend_name": "b", **known}}


def kind(name: str) -> Json:
    """A volume type for backend b."""
    return {"id": f"id-{name}", "name": name, "extra_specs": {"volume_backend_name": "b"}}


def volume(identity: str, **more: object) -> Json:
    """A volume as an administrator sees it."""
    return {
        "id": identity,
        "name": None,
        "size": 10,
        "status": "in-use",
        "volume_type": "t",
        "bootable": "false",
        "multiattach": False,
        "encrypted": False,
        "metadata": {"k": "v"},
        "os-vol-host-attr:host": "h@b#p",
        "os-vol-tenant-attr:tenant_id": "project",
        "availability_zone": "z",
        "created_at": "2026-01-01T00:00:00.000000",
        "attachments": [
            {"id": identity, "attachment_id": "a1", "server_id": "s1", "host_name": "c1"}
        ],
        **more,
    }


def paged(
    key: str, items: list[Json], links: str | None = None, identity: str = "id"
) -> Callable[[Asked], Say]:
    """A list that Cinder pages."""

    def answer(asked: Asked) -> Say:
        page, more = cut(asked, items, identity)
        document: Json = {key: page}
        if more:
            document[links or f"{key}_links"] = [{"rel": "next", "href": "-"}]
        return Say(200, document)

    return answer


def cut(asked: Asked, items: list[Json], identity: str) -> tuple[list[Json], bool]:
    """One page, and whether it is full."""
    ids = [item[identity] for item in items]
    start = ids.index(asked.query["marker"]) + 1 if "marker" in asked.query else 0
    page = items[start : start + int(asked.query["limit"])]
    return page, len(page) == int(asked.query["limit"])


def test_rows_carry_what_cinder_says(cloud: ScriptedCloud, cinder: StorageCollector) -> None:
    storage(
        cloud,
        volume("v1", snapshot_id="s", source_volid="w", migration_status="success"),
        pools=[
            pool(
                "h@b#p",
                total_capacity_gb=100,
                free_capacity_gb="infinite",
                provisioned_capacity_gb=7.5,
                allocated_capacity_gb=8,
                reserved_percentage=5,
                thin_provisioning_support=True,
                max_over_subscription_ratio="20.0",
                total_volumes=3,
            )
        ],
    )
    cloud.on("GET", "/v3/snapshots", paged("snapshots", [{"id": "s1", "volume_id": "v1"}]))
    found = cinder.collect()
    assert found.nodes == [StorageNodeRow("h@b", zone="z")]
    assert found.pools == [
        PoolRow(
            "h@b#p",
            backend_name="b",
            total_volumes=3,
            total_gb=100,
            free_gb="infinite",
            provisioned_gb=7.5,
            allocated_gb=8,
            reserved_percent=5,
            thin=True,
            thick=None,
            oversubscription="20.0",
        )
    ]
    assert found.types == [VolumeTypeRow("id-t", "t", "b", {"volume_backend_name": "b"})]
    (row,) = found.volumes
    assert (row.id, row.name, row.pool, row.size_gb) == ("v1", "", "h@b#p", 10)
    assert row.attachments == (Attachment("s1", "a1"),)
    assert (row.bootable, row.project_id, row.snapshots) == ("false", "project", 1)
    assert (row.snapshot_id, row.source_id, row.migration_status) == ("s", "w", "success")
    model, quarantined = StorageModel.build(found.nodes, found.pools, found.volumes, found.types)
    assert quarantined == ()
    assert model.volumes.bootable.tolist() == [False]
    assert model.nodes.volume_types[0] == ("t",)


def test_lists_are_read_in_pages_and_types_once(
    cloud: ScriptedCloud, cinder: StorageCollector
) -> None:
    """Defect of the ancestor: the types were listed again for every backend."""
    storage(cloud, *(volume(f"v{n}") for n in range(5)))
    kinds = [kind(f"t{n}") for n in range(3)]
    cloud.on("GET", "/v3/types", paged("volume_types", kinds, "volume_type_links"))
    found = cinder.collect()
    assert [row.id for row in found.volumes] == ["v0", "v1", "v2", "v3", "v4"]
    assert [row.name for row in found.types] == ["t0", "t1", "t2"]
    assert len(cloud.asked_for("GET", "/volumes/detail")) == 3
    assert len(cloud.asked_for("GET", "/types")) == 2
    assert found.calls == 3 + 2 + 1 + 1 + 1
    for asked in (*cloud.asked_for("GET", "/volumes/detail"), *cloud.asked_for("GET", "/types")):
        assert asked.headers["openstack-api-version"] == "volume 3.71"
    assert cloud.asked_for("GET", "/types")[0].query["is_public"] == "None"
    assert cloud.asked_for("GET", "/volumes/detail")[0].query["all_tenants"] == "true"


def test_a_volume_of_a_cluster_is_in_the_clusters_pool(
    cloud: ScriptedCloud, cinder: StorageCollector
) -> None:
    storage(cloud, volume("v1", cluster_name="c@b#p"))
    assert cinder.collect().volumes[0].pool == "c@b#p"


def test_a_list_whose_marker_is_deleted_meanwhile_is_begun_again(
    cloud: ScriptedCloud, cinder: StorageCollector
) -> None:
    volumes = [volume(f"v{n}") for n in range(3)]
    whole = paged("volumes", volumes)
    gone = Say(404, {"itemNotFound": {"code": 404, "message": "Volume v1 could not be found."}})
    rest = paged("volumes", [volumes[0], volumes[2]])
    cloud.on("GET", "/v3/volumes/detail", whole, gone, rest)
    assert [row.id for row in cinder.collect().volumes] == ["v0", "v2"]


def test_a_list_that_never_holds_still_is_no_answer(
    cloud: ScriptedCloud, cinder: StorageCollector
) -> None:
    whole = paged("volumes", [volume(f"v{n}") for n in range(3)])
    gone = Say(404, {"itemNotFound": {"code": 404, "message": "gone"}})
    cloud.on("GET", "/v3/volumes/detail", whole, gone, whole, gone)
    with pytest.raises(CloudUnreachable, match="changes too fast"):
        cinder.collect()


@pytest.mark.parametrize(
    "path", ["types", "os-services", "scheduler-stats/get_pools", "snapshots", "volumes/detail"]
)
def test_a_collection_is_whole_or_an_error(
    cloud: ScriptedCloud, cinder: StorageCollector, path: str
) -> None:
    cloud.on("GET", f"/v3/{path}", Say(500, {"computeFault": {"message": "no database"}}))
    with pytest.raises(CloudUnreachable, match="no database"):
        cinder.collect()
    refusal = {"forbidden": {"code": 403, "message": "Policy doesn't allow that"}}
    cloud.on("GET", f"/v3/{path}", Say(403, refusal))
    with pytest.raises(CloudRefused, match="Policy doesn't allow that"):
        cinder.collect()


@pytest.mark.parametrize(
    ("missing", "collector", "kind", "words"),
    [
        ("volumev3", CinderCollector, ModelKind.STORAGE, "no block-storage service"),
        ("baremetal", IronicNodes, ModelKind.BAREMETAL, "no baremetal service"),
    ],
)
def test_a_cloud_without_the_service_says_so(
    tmp_path: Path,
    limits: ConnectionLimits,
    missing: str,
    collector: Any,
    kind: ModelKind,
    words: str,
) -> None:
    scripted = ScriptedStorage(without=frozenset({missing}))
    connection = connect("scripted", scripted.clouds_yaml(tmp_path), limits)
    try:
        with pytest.raises(CloudRefused, match=words) as refusal:
            collector(connection, limits).collect()
        assert refusal.value.because.reason == SERVICE_ABSENT
        with pytest.raises(CloudRefused, match=words):
            probe(connection, limits, IronicNodes(connection, limits), kind)
    finally:
        connection.session.session.close()
        connection.close()
        scripted.close()


def test_an_older_cinder_is_asked_in_its_own_version(
    tmp_path: Path, limits: ConnectionLimits
) -> None:
    scripted = ScriptedStorage(cinder="3.27")
    storage(scripted, volume("v1"))
    connection = connect("scripted", scripted.clouds_yaml(tmp_path), limits)
    try:
        assert len(CinderCollector(connection, limits).collect().volumes) == 1
        (asked,) = scripted.asked_for("GET", "/volumes/detail")
        assert asked.headers["openstack-api-version"] == "volume 3.27"
    finally:
        connection.session.session.close()
        connection.close()
        scripted.close()


def test_requests_carry_the_correlation_id(cloud: ScriptedCloud, cinder: StorageCollector) -> None:
    ours = UUID(int=7)
    with correlated(ours):
        cinder.collect()
    (asked,) = cloud.asked_for("GET", "/os-services")
    assert asked.headers["x-openstack-request-id"] == f"req-{ours}"


def node(number: int, **more: object) -> Json:
    """A machine as Ironic lists chosen fields."""
    return {
        "uuid": f"n{number}",
        "name": None,
        "power_state": None,
        "maintenance": False,
        "extra": {"compute_node_id": f"h{number}"},
        **more,
    }


def _nodes(items: list[Json]) -> Callable[[Asked], Say]:
    def answer(asked: Asked) -> Say:
        page, more = cut(asked, items, "uuid")
        return Say(200, {"nodes": page, **({"next": "http://elsewhere/v1/nodes"} if more else {})})

    return answer


def test_machines_are_read_in_pages_with_the_fields_that_the_service_knows(
    cloud: ScriptedCloud, ironic: BaremetalCollector
) -> None:
    cloud.on("GET", "/v1/nodes", _nodes([node(n) for n in range(5)]))
    found = ironic.collect()
    assert [row.id for row in found.nodes] == ["n0", "n1", "n2", "n3", "n4"]
    assert found.calls == 3
    asked = cloud.asked_for("GET", "/v1/nodes")[0]
    fields = asked.query["fields"].split(",")
    assert {"uuid", "maintenance", "extra", "resource_class"} <= set(fields)
    assert not {"fault", "driver_info"} & set(fields)  # 1.42 and large, respectively
    assert asked.headers["x-openstack-ironic-api-version"] == "1.30"
    model, quarantined = BaremetalModel.build(found.nodes)
    assert quarantined == ()
    assert model.by_compute_node["h3"] == 3


def test_a_machine_list_that_breaks_off_is_an_error(
    cloud: ScriptedCloud, ironic: BaremetalCollector
) -> None:
    whole = _nodes([node(n) for n in range(5)])
    broken = Say(503, {"error_message": {"faultstring": "no conductor"}})
    cloud.on("GET", "/v1/nodes", whole, broken)
    with pytest.raises(CloudUnreachable, match="no conductor"):
        ironic.collect()


@pytest.mark.parametrize(
    "error",
    [
        {"faultcode": "Client", "faultstring": "Unknown field\n x", "debuginfo": None},
        '{"faultcode": "Client", "faultstring": "Unknown field x", "debuginfo": null}',
    ],
)
def test_ironics_refusals_are_told_in_its_words(
    cloud: ScriptedCloud, ironic: BaremetalCollector, error: object
) -> None:
    """They were shown as the raw document: Ironic's error holds its words as ``faultstring``."""
    cloud.on("GET", "/v1/nodes", Say(406, {"error_message": error}))
    with pytest.raises(CloudRefused) as refusal:
        ironic.collect()
    assert refusal.value.because.facts["error"] == "Unknown field x"


@pytest.mark.parametrize("body", [{"error_message": "{torn"}, {"error_message": "plain"}, [], 5])
def test_an_error_without_known_words_is_quoted(
    cloud: ScriptedCloud, ironic: BaremetalCollector, body: object
) -> None:
    cloud.on("GET", "/v1/nodes", Say(406, body))
    with pytest.raises(CloudRefused) as refusal:
        ironic.collect()
    assert refusal.value.because.facts["error"] == json.dumps(body)
