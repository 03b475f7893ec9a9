"""The collected model follows a real Nova by its notifications, without a collection.

VIGIL_TEST_RABBITMQ names the bus that the cloud of VIGIL_TEST_CLOUD sends versioned notifications
to (``[notifications] notify_on_state_change = vm_and_task_state``).
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from openstack.connection import Connection
from openstack.exceptions import SDKException

from application.cluster_models.collection import ModelCollector
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import ServerRow
from domain.cluster_models.amendments import ComputeAmendments, ComputeFacts
from domain.kernel.metadata import Metadata, component
from infrastructure.notifications.heartbeats import INTERVAL
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.connection import connect
from infrastructure.settings import load
from interfaces.bootstrap.collectors import model_collectors
from interfaces.bootstrap.database import OpenDatabase, opened, upgrade
from interfaces.bootstrap.roles.listener import follow
from tests.cloud.simulator.clouds import until
from tests.integration.notifications.buses import Bus

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning",
        "ignore::ResourceWarning",
        "ignore::openstack.warnings.RemovedInSDK50Warning",  # the test's own hands, not Vigil
    ),
]

TEST = Metadata(component("test"))


@pytest.fixture(scope="module")
def cloud(cloud_name: str) -> Iterator[Connection]:
    try:
        connection = connect(cloud_name)
        connection.authorize()
    except SDKException as error:
        pytest.skip(f"VIGIL_TEST_CLOUD: {error}")
    yield connection
    connection.close()


class Following:
    """A model that is collected once, and then amended by notifications."""

    def __init__(self, store: OpenDatabase, model: "Kept") -> None:
        self.store = store
        self._model = model
        self._projector = store.projector()

    @property
    def collector(self) -> ModelCollector[ComputeModel]:
        """Collects the model."""
        return self._model.collector

    def model(self) -> ComputeModel:
        """The model as it is kept now."""
        self._projector.catch_up()
        return self._model()

    def server(self, identity: str) -> ServerRow | None:
        """A server in it."""
        return ComputeAmendments(self.model(), ComputeFacts()).collected(identity)

    def host(self, name: str) -> tuple[str, str, str | None, bool]:
        """State, status, reason and trait of a host in it."""
        model = self.model()
        hosts, at = model.hosts, model.host_places[name]
        off = "COMPUTE_STATUS_DISABLED" in hosts.traits[at]
        return hosts.state[at], hosts.status[at], hosts.disabled_reason[at], off

    def collections(self) -> int:
        """How many there were so far."""
        entries = self.store.log.read(0, 100_000)
        return sum(entry.topic == "cluster-model.collected" for entry in entries)


class Kept:
    """Reads the model, and collects it on request."""

    def __init__(self, collector: ModelCollector[ComputeModel]) -> None:
        self.collector = collector

    def __call__(self) -> ComputeModel:
        current = self.collector.latest()
        assert current is not None
        return current.model

    def collect(self) -> None:
        self.collector.collect()


@pytest.fixture
def following(cloud: Connection, tmp_path: Path) -> Iterator[Following]:
    url = os.environ.get("VIGIL_TEST_RABBITMQ")
    if not url:
        pytest.skip("VIGIL_TEST_RABBITMQ does not name the cloud's message bus")
    pool = f"vigil-test-{uuid4()}"
    settings = load(
        flags={
            "vigil.data_dir": str(tmp_path),
            "vigil.cloud": cloud.config.name,
            "DEFAULT.transport_url": url,
            "vigil.notification_pool": pool,
            "vigil.notification_interval": "0.2",
            "vigil.notification_resync_interval": "3600",
            "collector.collector_plugins": "compute",
        },
        files=(),
    ).settings
    upgrade(settings)
    stop = threading.Event()
    bus = Bus(url, "nova")
    bus.pool = pool
    with opened(settings) as store:
        thread = threading.Thread(target=follow, args=(settings, store, TEST, stop))
        thread.start()
        try:
            until(bus._is_bound, "the listener has its queue")
            current = Kept(model_collectors(settings, store, cloud, TEST).compute)
            current.collect()
            yield Following(store, current)
        finally:
            stop.set()
            thread.join()
            bus.remove()


@contextmanager
def a_server(cloud: Connection) -> Iterator[Any]:
    """A small server, deleted in the end."""
    flavor = min(cloud.compute.flavors(), key=lambda one: (one.ram, one.disk))
    image = next(iter(cloud.image.images(status="active")))
    made = cloud.compute.create_server(
        name=f"vigil-test-{uuid4()}", flavor_id=flavor.id, image_id=image.id, networks="none"
    )
    try:
        yield cloud.compute.wait_for_server(made, wait=60)
    finally:
        with suppress(SDKException):
            cloud.compute.delete_server(made, ignore_missing=True)
            cloud.compute.wait_for_delete(made, wait=60)


def idle(cloud: Connection, server: Any, status: str) -> None:
    """Waits until a server has a status and nothing is being done to it."""

    def reached() -> bool:
        now = cloud.compute.get_server(server.id)
        return now.status == status and now.task_state is None

    until(reached, f"the server is {status}")


def collected(cloud: Connection, identity: str) -> ServerRow:
    """The server as a collection shows it now, without its version."""
    rows = NovaCollector(cloud).collect().servers
    return replace(next(row for row in rows if row.id == identity), updated_at=None)


def follows(cloud: Connection, following: Following, server: Any, status: str) -> None:
    """The collected model comes to show what a collection would show."""
    idle(cloud, server, status)
    shown: list[ServerRow | None] = []

    def same() -> bool:
        # anew each time: Nova may write once more after the status that was waited for
        row, truth = following.server(server.id), collected(cloud, server.id)
        shown[:] = [row, truth]
        return row is not None and replace(row, updated_at=None) == truth

    try:
        until(same, f"the collected model shows the server as it is ({status})")
    except AssertionError as error:
        raise AssertionError(f"kept: {shown[0]}; collected: {shown[1]}") from error


def test_a_server_s_whole_life_is_followed(cloud: Connection, following: Following) -> None:
    compute = cloud.compute
    with a_server(cloud) as server:
        follows(cloud, following, server, "ACTIVE")
        here = compute.get_server(server.id).compute_host
        names = [s.host for s in compute.services(binary="nova-compute") if s.state == "up"]
        zone_free = next(name for name in sorted(names) if name != here)
        compute.live_migrate_server(server, host=zone_free, block_migration="auto")
        until(lambda: compute.get_server(server.id).compute_host == zone_free, "it has moved")
        follows(cloud, following, server, "ACTIVE")
        compute.lock_server(server)
        follows(cloud, following, server, "ACTIVE")
        compute.unlock_server(server)
        compute.set_server_metadata(server, tier="gold")
        follows(cloud, following, server, "ACTIVE")
        compute.migrate_server(server)
        follows(cloud, following, server, "VERIFY_RESIZE")
        compute.revert_server_resize(server)
        follows(cloud, following, server, "ACTIVE")
        compute.shelve_server(server)
        follows(cloud, following, server, "SHELVED_OFFLOADED")
        compute.unshelve_server(server)
        follows(cloud, following, server, "ACTIVE")
        compute.stop_server(server)
        follows(cloud, following, server, "SHUTOFF")
        compute.delete_server(server)
        until(lambda: following.server(server.id) is None, "the collected model has no ghost")
    assert following.collections() == 1
    assert following.server(server.id) is None


def test_a_host_that_is_disabled_and_enabled_is_followed(
    cloud: Connection, following: Following
) -> None:
    compute = cloud.compute
    services = [s for s in compute.services(binary="nova-compute") if s.status == "enabled"]
    service = max((s for s in services if s.state == "up"), key=lambda one: one.host)
    before = following.host(service.host)
    assert before == ("up", "enabled", None, False)
    try:
        compute.disable_service(service, disabled_reason="vigil-test")
        expected = ("up", "disabled", "vigil-test", True)
        until(lambda: following.host(service.host) == expected, "it is disabled")
        truth = {row.name: row for row in NovaCollector(cloud).collect().hosts}[service.host]
        trait = "COMPUTE_STATUS_DISABLED" in truth.traits
        assert (truth.state, truth.status, truth.disabled_reason, trait) == expected
    finally:
        compute.enable_service(service)
    until(lambda: following.host(service.host) == before, "it is enabled again")
    assert following.collections() == 1


def test_a_server_in_a_new_group_is_known_with_its_group(
    cloud: Connection, following: Following
) -> None:
    group = cloud.compute.create_server_group(name="vigil-test", policy="soft-anti-affinity")
    flavor = min(cloud.compute.flavors(), key=lambda one: (one.ram, one.disk))
    image = next(iter(cloud.image.images(status="active")))
    server = cloud.compute.create_server(
        name=f"vigil-test-{uuid4()}",
        flavor_id=flavor.id,
        image_id=image.id,
        networks="none",
        scheduler_hints={"group": group.id},
    )
    try:
        follows(cloud, following, server, "ACTIVE")
        row = following.server(server.id)
        assert row is not None
        assert row.groups == (group.id,)
        groups = {one.id: one for one in following.model().groups}
        assert groups[group.id].members == (server.id,)
        assert groups[group.id].policy == "soft-anti-affinity"
    finally:
        cloud.compute.delete_server(server)
        cloud.compute.wait_for_delete(server, wait=60)
        cloud.compute.delete_server_group(group)

    def left() -> bool:
        return group.id not in {one.id for one in following.model().groups}

    until(left, "the group is gone from the collected model")


def test_a_model_stays_fresh_without_a_request_to_the_cloud(
    cloud: Connection, following: Following
) -> None:
    """Heartbeats go through the real bus; what they vouch for is what a collection shows."""
    collector = following.collector

    def ages() -> tuple[float, float]:
        found = collector.confirmation()
        assert found is not None
        return found.age, found.collected_age

    def is_vouched_for() -> bool:
        age, collected_age = ages()
        return collected_age > 15 > age

    time.sleep(INTERVAL)
    collector.collect()
    with a_server(cloud) as server:
        follows(cloud, following, server, "ACTIVE")
        until(is_vouched_for, "what was told keeps it fresh")
        young = collector.latest(max_age=15.0)
        assert young is not None
        row = ComputeAmendments(young.model, ComputeFacts()).collected(server.id)
        assert row is not None
        assert replace(row, updated_at=None) == collected(cloud, server.id)
    again = collector.collect()
    assert server.id not in again.model.server_places
