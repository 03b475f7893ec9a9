"""One odd field of one record sets that record aside, by its id; all others are collected."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.cluster_models.record import encode_model, read_model
from application.ports.cloud import CloudUnreachable
from domain.cluster.compute.model import ComputeModel
from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits, connect
from tests.integration.openstack.odd_worlds import (
    BAREMETAL_WORLD,
    COMPUTE_RECORDS,
    COMPUTE_WORLD,
    ODD,
    STORAGE_WORLD,
    Lists,
    OddWorld,
    paths,
    replaced,
)
from tests.integration.openstack.scripted import Say
from tests.integration.openstack.test_storage_collector import ScriptedStorage

COLLECTORS: Mapping[str, Any] = {
    "compute": NovaCollector,
    "storage": CinderCollector,
    "baremetal": IronicNodes,
}
IDENTITIES = {"id", "uuid", "host", "name"}
"""Fields by which a record is named: without them, a problem can only name its kind."""
WORLDS = [COMPUTE_WORLD, STORAGE_WORLD, BAREMETAL_WORLD]


class Reader:
    """Collects a world from a scripted cloud."""

    def __init__(self, directory: Path) -> None:
        self.cloud = ScriptedStorage()
        limits = ConnectionLimits(timeout=5.0, read_retries=0, page=2)
        self._connection = connect("scripted", self.cloud.clouds_yaml(directory), limits)
        self._limits = limits

    def collect(self, world: OddWorld, lists: Lists) -> tuple[Any, list[str]]:
        """The model, as it is stored, and its problems as sentences."""
        world.script(self.cloud, lists)
        source = COLLECTORS[world.kind.name.value](self._connection, self._limits)
        model, problems, _ = world.kind.collect(source)
        content = encode_model(world.kind, model, problems)
        stored = read_model(world.kind, "digest", content)
        assert encode_model(world.kind, stored.model, stored.problems) == content
        return stored.model, [str(one) for one in stored.problems]

    def close(self) -> None:
        """Ends the cloud."""
        self._connection.session.session.close()
        self._connection.close()
        self.cloud.close()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Reads scripted clouds."""
    found = Reader(tmp_path_factory.mktemp("odd"))
    yield found
    found.close()


def ids(model: Any) -> set[str]:
    """Ids of all records of a model, whichever list they are in."""
    found: set[str] = set()
    for items in model.to_columns().values():
        if isinstance(items, dict):
            found.update(items.get("id") or items.get("host") or items.get("name") or ())
        else:
            found.update(one["id"] for one in items if isinstance(one, dict))
    return found


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.kind.name.value)
def test_a_whole_cloud_has_no_problem(reader: Reader, world: OddWorld) -> None:
    """The control: what the odd clouds below are compared with."""
    model, problems = reader.collect(world, world.records)
    assert problems == []
    assert len(ids(model)) >= 5


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.kind.name.value)
def test_one_odd_field_of_any_record_costs_that_record_only(
    reader: Reader, world: OddWorld
) -> None:
    """One server in status UNKNOWN, or with a text for a number, and there was no model at all."""
    whole, _ = reader.collect(world, world.records)
    every = [
        (path, at, place)
        for path, items in world.records.items()
        for at, record in enumerate(items)
        for place in paths(record)
    ]

    @settings(max_examples=100)
    @given(st.sampled_from(every), st.sampled_from(ODD))
    def check(where: tuple[str, int, Any], odd: object) -> None:
        path, at, place = where
        model, problems = reader.collect(world, replaced(world.records, path, at, place, odd))
        names = world.names(path, at)
        lost = ids(whole) - ids(model)
        assert lost <= names | world.falls_with(path, at)
        if lost and place and place[-1] not in IDENTITIES:
            assert any(name in problem for name in names for problem in problems), problems

    check()


def test_a_server_in_status_unknown_is_set_aside_and_the_rest_collected(reader: Reader) -> None:
    """Nova shows UNKNOWN also for a server whose state fits no status: its cell answers."""
    lists = replaced(COMPUTE_RECORDS, "servers", 1, ("status",), "UNKNOWN")
    model, problems = reader.collect(COMPUTE_WORLD, lists)
    assert isinstance(model, ComputeModel)
    assert problems == ["status of s1 is UNKNOWN"]
    assert set(model.servers.id) == {"s0", "s2", "s3", "s4"}
    unseen = dict(zip(model.hosts.name, model.hosts.unseen.tolist(), strict=True))
    assert unseen == {"c1": 0, "c2": 1, "c3": 0}, "the load of its host is only partly known"


def test_a_service_in_status_unknown_whose_cell_answers_is_a_host_that_is_not_enabled(
    reader: Reader,
) -> None:
    lists = replaced(COMPUTE_RECORDS, "services", 1, ("status",), "UNKNOWN")
    model, _ = reader.collect(COMPUTE_WORLD, lists)
    assert dict(zip(model.hosts.name, model.enabled.tolist(), strict=True)) == {
        "c1": True,
        "c2": False,
        "c3": True,
    }


@pytest.mark.parametrize("path", ["/os-services", "/servers/detail", "/os-aggregates"])
def test_a_document_without_its_list_is_no_usable_response(reader: Reader, path: str) -> None:
    COMPUTE_WORLD.script(reader.cloud, COMPUTE_WORLD.records)
    for body in ({}, {path.split("/")[1]: 5}):
        reader.cloud.on("GET", path, Say(200, body))
        with pytest.raises(CloudUnreachable, match="without a list"):
            NovaCollector(reader._connection, reader._limits).collect()
