"""The listener's role whole: a simulated cloud is collected, and then followed by what is told."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.cluster_models.collection import ModelCollector
from application.cluster_models.kinds import COMPUTE
from application.cluster_models.query import ClusterModels
from domain.cluster.compute.model import ComputeModel
from domain.kernel.metadata import Metadata, component
from infrastructure.clock import SystemClock
from infrastructure.notifications.heartbeats import INTERVAL
from infrastructure.settings import Settings, load
from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from interfaces.bootstrap.cloud import connection
from interfaces.bootstrap.collectors import model_collectors
from interfaces.bootstrap.database import OpenDatabase, opened, upgrade
from interfaces.bootstrap.queries import cluster_models
from interfaces.bootstrap.roles.listener import CONSUMER, follow
from tests.integration.notifications.buses import MEMORY, Bus
from tests.integration.notifications.waiting import until
from tests.unit.notifications.captured import Body, captured, data

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
TEST = Metadata(component("test"))


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    simulator = Simulator(SimulatorConfig(hosts=4, servers=12))
    simulator.start()
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(clouds_yaml(simulator.base_url), encoding="utf-8")
    flags = {
        "vigil.data_dir": str(tmp_path),
        "vigil.cloud": "simulator",
        "vigil.cloud_config": str(clouds),
        "DEFAULT.transport_url": MEMORY,
        "vigil.notification_pool": f"pool-{tmp_path.name}",
        "vigil.notification_interval": "0.1",
        "vigil.notification_resync_interval": "1",
    }
    yield load(flags=flags, files=()).settings
    simulator.stop()


@pytest.fixture
def store(settings: Settings) -> Iterator[OpenDatabase]:
    upgrade(settings)
    with opened(settings) as opened_store:
        yield opened_store


class Followed:
    """The models as the API shows them."""

    def __init__(self, store: OpenDatabase, models: ClusterModels) -> None:
        self._projector = store.projector()
        self._models = models

    def model(self) -> ComputeModel:
        self._projector.catch_up()
        return self._models.latest(COMPUTE).model

    def host_of(self, server: str) -> str:
        model = self.model()
        return str(model.hosts.name[model.servers.host[model.server_places[server]]])


@pytest.fixture
def bus(settings: Settings, store: OpenDatabase) -> Iterator[Bus]:
    """The bus that a listener listens to."""
    bus = Bus(MEMORY, "nova")
    bus.pool = settings.notifications.pool
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(settings, store, TEST, stop))
    thread.start()
    until(bus._is_bound, "the listener has its queue")
    yield bus
    stop.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
    bus.remove()


def told_now(event: str, **fields: Any) -> Body:
    """A message of a real Nova about something else, and of now."""
    body = captured(event)[0]
    now = SystemClock().now()
    data(body).update({"updated_at": now.isoformat(), **fields})
    stamp = now.replace(tzinfo=None).isoformat(" ")
    return {**body, "timestamp": stamp, "message_id": f"{event} {stamp}"}


def test_a_cloud_is_followed_between_its_collections(
    settings: Settings, store: OpenDatabase, bus: Bus
) -> None:
    collector = model_collectors(settings, store, connection(settings), TEST).compute
    followed = Followed(store, cluster_models(settings, store.engine, store.records, store.read))
    first = collector.collect().model
    server, elsewhere = first.servers.id[0], first.hosts.name[int(first.servers.host[0]) - 1]
    bus.notify(
        {"message_id": "nonsense"},
        told_now("instance.update", uuid=server, host=elsewhere, state="active"),
        told_now("service.update", host=elsewhere, disabled=True, disabled_reason="test"),
    )
    until(lambda: followed.host_of(server) == elsewhere, "it has moved")
    model = followed.model()
    assert model.hosts.disabled_reason[model.host_places[elsewhere]] == "test"
    topics = [entry.topic for entry in store.log.read(0, 1000)]
    assert topics.count("cluster-model.collected") == 1
    (noted,) = store.poison.rows()
    assert (noted.consumer, noted.error) == (CONSUMER, "payload: must be an object, not NoneType")
    until(lambda: any(one.alive for one in store.services.rows()), "it is listed as alive")
    assert [(one.name, one.alive) for one in store.services.rows()] == [(CONSUMER, True)]


def test_what_became_of_messages_is_counted(
    settings: Settings, store: OpenDatabase, bus: Bus
) -> None:
    """The listener has no port: nothing told whether anything came, or was of any use."""
    first = model_collectors(settings, store, connection(settings), TEST).compute.collect().model
    moved = told_now("instance.update", uuid=first.servers.id[0], host=first.hosts.name[0])
    bus.notify(moved)
    until(lambda: len(store.counters.rows()) == 2, "the first is counted")
    bus.notify(moved, {"message_id": "nonsense"}, {**moved, "publisher_id": "nobody"})
    until(lambda: sum(one.count for one in store.counters.rows()) == 6, "all are counted")
    assert {(one.what, one.of, one.outcome): one.count for one in store.counters.rows()} == {
        ("notification", "instance.update", "read"): 2,
        ("notification", "other", "unreadable"): 1,
        ("notification", "other", "useless"): 1,
        ("notification-fact", "compute", "admitted"): 1,
        ("notification-fact", "compute", "duplicate"): 1,
    }


def test_what_only_a_collection_shows_is_collected(
    settings: Settings, store: OpenDatabase, bus: Bus
) -> None:
    collector = model_collectors(settings, store, connection(settings), TEST).compute
    collector.collect()
    until(lambda: _collected_age(collector) > 1, "the model grows old")
    bus.notify(told_now("aggregate.add_host.end"))
    until(lambda: _collected_age(collector) < 1, "it was collected again")


def _collected_age(collector: ModelCollector[Any]) -> float:
    found = collector.confirmation()
    assert found is not None
    return found.collected_age


def test_a_model_stays_fresh_while_the_listener_hears(
    settings: Settings, store: OpenDatabase, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told counts as known, with nothing asked of the cloud. After a message that cannot be
    read something may be missing: only a collection makes the model fresh again."""
    collector = model_collectors(settings, store, connection(settings), TEST).compute

    def is_vouched_for() -> bool:
        found = collector.confirmation()
        assert found is not None
        return found.told is not None and found.age < found.collected_age

    heard = threading.Event()
    heard.wait(INTERVAL)  # the listener cannot tell what it missed before its first heartbeat
    first = collector.collect()
    server = first.model.servers.id[0]
    elsewhere = first.model.hosts.name[int(first.model.servers.host[0]) - 1]
    heard.wait(INTERVAL)  # heartbeats without any message of Nova prove nothing
    assert not is_vouched_for()
    bus.notify(told_now("instance.update", uuid=server, host=elsewhere, state="active"))
    until(is_vouched_for, "it is vouched for")
    young = collector.latest(max_age=_collected_age(collector))
    assert young is not None
    model = young.model
    assert model.hosts.name[int(model.servers.host[model.server_places[server]])] == elsewhere
    assert collector.latest(effect_age=_collected_age(collector) - 0.5) is None
    bus.notify({"message_id": "nonsense", "event_type": "instance.update"})
    until(lambda: len(store.poison.rows()) == 1, "it is set aside")
    found = collector.confirmation()
    assert found is not None
    heard.wait(2 * INTERVAL)
    later = collector.confirmation()
    assert later is not None
    assert later.age > found.age + INTERVAL
    collector.collect()
