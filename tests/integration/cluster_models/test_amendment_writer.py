"""Notifications amend collected models in real databases; no concurrent work loses any."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import pytest

from application.cluster_models import amendment_store as amending
from application.cluster_models.amendment_store import (
    COMPUTE_AMENDING,
    STORAGE_AMENDING,
    load_amended,
)
from application.cluster_models.amendment_writer import AmendmentWriter
from application.cluster_models.kinds import COMPUTE, STORAGE
from application.ports.event_log import EventLog, RecordedEvent
from domain.cluster.compute.model import ComputeModel
from domain.cluster_models.amendments import (
    ComputeFact,
    ComputeFacts,
    PinFact,
    ServerFact,
    Stamp,
    StorageFacts,
    VolumeFact,
)
from domain.cluster_models.amendments.events import ModelAmended
from domain.kernel.metadata import Metadata, component
from domain.kernel.reasons import Reason
from tests.integration.cluster_models.modelling import models
from tests.integration.records.storing import ArrangedStorage, storage_collector
from tests.integration.workshop import CLOCK, Workshop, server


@pytest.fixture
def shop(event_database: str, event_log: EventLog) -> Iterator[Workshop]:
    shop = Workshop(event_database, event_log)
    yield shop
    shop.close()


def amender(
    shop: Workshop, name: str = "one", **more: Any
) -> AmendmentWriter[ComputeModel, ComputeFacts]:
    return AmendmentWriter(
        COMPUTE_AMENDING,
        shop.commands,
        shop.records,
        cloud="arranged",
        metadata=Metadata(component("listener", name)),
        **more,
    )


def moved(name: str, on: str | None, *, after: float = 0.0, **changes: Any) -> ServerFact:
    """What is told now (or somewhat later) of a server that was changed."""
    row = server(name, "a", **changes)
    unsaid = {"id", "pinned_zone", "groups", "numa_nodes", "updated_at"}
    told = {key: value for key, value in vars(row).items() if key not in unsaid}
    at = CLOCK.now().timestamp() + after
    return ServerFact(
        row.id, Stamp(int(at), at, f"{name}-{on}-{at}"), attributes={**told, "host": on}
    )


def facts(*told: ComputeFact) -> ComputeFacts:
    return ComputeFacts.of(told)


def places(shop: Workshop) -> dict[str, str]:
    """Server → host, of the model that is kept now."""
    shop.projector.catch_up()
    current = shop.collector().latest()
    assert current is not None
    return on_hosts(current.model)


def on_hosts(model: ComputeModel) -> dict[str, str]:
    hosts = [model.hosts.name[at] for at in model.servers.host]
    return dict(zip(model.servers.name, hosts, strict=True))


def topics(shop: Workshop) -> list[str]:
    return [one.topic for one in shop.log.read(0, 10_000)]


def amended(shop: Workshop) -> list[ModelAmended]:
    events = [one.event for one in shop.log.read(0, 10_000) if isinstance(one, RecordedEvent)]
    return [event for event in events if isinstance(event, ModelAmended)]


def test_what_is_told_is_in_the_collected_model_without_a_collection(shop: Workshop) -> None:
    shop.collector().collect()
    assert amender(shop).add(facts(moved("1", "c"))) == ()
    assert places(shop) == {"1": "c", "2": "a", "3": "b", "4": "c"}
    (event,) = amended(shop)
    assert event.changes == {"servers_moved": 1}
    assert event.sizes == {"hosts": 3, "servers": 4}
    current = shop.collector().latest()
    shown = models(shop).latest(COMPUTE)
    assert current is not None
    assert current.digest == shown.digest == event.digest
    assert on_hosts(shown.model) == places(shop)


def test_what_changes_nothing_is_no_event(shop: Workshop) -> None:
    shop.collector().collect()
    counted: Counter[str] = Counter()
    listener = amender(shop, count=lambda outcome, count: counted.update({outcome: count}))
    fact = moved("1", "c")
    listener.add(facts(fact))
    before = topics(shop)
    assert listener.add(facts(fact)) == ()
    assert listener.add(facts(moved("2", "b", after=-60))) == ()
    assert topics(shop) == before
    assert counted == {"admitted": 1, "duplicate": 1, "collected": 1}


def test_a_run_s_collection_has_what_was_told_while_it_read(shop: Workshop) -> None:
    """It read server 1 on a; the server moved, and that was told before the collection ended."""
    shop.collector().collect()
    listener = amender(shop)

    def meanwhile() -> None:
        listener.add(facts(moved("1", "c")))

    shop.cloud.meanwhile = meanwhile
    current = shop.collector().collect()
    assert on_hosts(current.model)["1"] == "c"
    assert places(shop)["1"] == "c"
    assert topics(shop)[-5:] == [
        "cluster-model.collected",
        "cluster-model.amending",
        "model-amendments.closed",
        "model-amendments.opened",
        "model-amendments.amended",
    ]


def test_without_carrying_it_over_it_would_be_lost(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "application.cluster_models.amendment_carryover.AmendmentCarryover._carry_over",
        lambda *_: None,
    )
    shop.collector().collect()
    shop.cloud.meanwhile = partial(_tell, amender(shop), moved("1", "c", after=1))
    shop.collector().collect()
    assert places(shop)["1"] == "a"


def _tell(listener: AmendmentWriter[ComputeModel, ComputeFacts], fact: ComputeFact) -> None:
    listener.add(facts(fact))


def test_a_collection_ends_amendments_that_it_has_seen(shop: Workshop) -> None:
    shop.collector().collect()
    listener = amender(shop)
    fact = moved("1", "c")
    listener.add(facts(fact))
    shop.cloud.servers[0] = replace(shop.cloud.servers[0], host="b", updated_at=2**31)
    shop.collector().collect()
    assert topics(shop)[-2:] == ["cluster-model.collected", "model-amendments.closed"]
    assert places(shop)["1"] == "b"
    listener.add(facts(fact))
    assert places(shop)["1"] == "b"
    listener.add(facts(moved("2", "c", after=1)))  # the listener has noticed the new collection
    assert places(shop) == {"1": "b", "2": "c", "3": "b", "4": "c"}


def test_a_collection_that_shows_the_base_again_ends_them_too(shop: Workshop) -> None:
    shop.collector().collect()
    amender(shop).add(facts(moved("1", "c", after=-4.9)))
    collected = replace(shop.cloud.servers[0], updated_at=2**31)
    shop.cloud.servers[0] = collected
    shop.collector().collect()
    shop.collector().collect()
    assert places(shop)["1"] == "a"


def test_what_is_told_before_the_first_collection_waits_for_it(shop: Workshop) -> None:
    listener = amender(shop)
    (because,) = listener.add(facts(moved("1", "c", after=1)))
    assert because.reason is Reason.MODEL_EMPTY
    shop.collector().collect()
    listener.add(facts(moved("2", "c", after=1)))
    assert places(shop) == {"1": "c", "2": "c", "3": "b", "4": "c"}


def test_what_a_collection_could_not_use_is_still_shown(shop: Workshop) -> None:
    shop.cloud.servers.append(server("lost", "nowhere"))
    shop.collector().collect()
    amender(shop).add(facts(moved("1", "c")))
    (status,) = models(shop).status()
    assert (status.problem_count, status.sizes) == (1, {"hosts": 3, "servers": 4})
    assert status.version is not None
    assert status.version.changes == {"servers_moved": 1}
    current = shop.collector().latest()
    assert current is not None
    assert [because.reason for because in current.problems] == [Reason.UNKNOWN_HOST]


def test_two_listeners_at_once_lose_nothing_of_each_other(shop: Workshop) -> None:
    shop.collector().collect()
    listeners = [amender(shop, name) for name in ("one", "two")]
    ready = threading.Barrier(2)

    def listen(which: int) -> None:
        ready.wait()
        for number in range(6):
            name = f"{which}-{number}"
            pin = PinFact(f"id-{name}", moved(name, "a").stamp, None)
            listeners[which].add(facts(pin, moved(name, "bc"[which])))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(listen, range(2)))
    found = places(shop)
    assert [found.get(f"{which}-{number}") for which in range(2) for number in range(6)] == [
        *("b" * 6),
        *("c" * 6),
    ]
    assert amended(shop)[-1].sizes == {"hosts": 3, "servers": 16}


def test_a_listener_and_a_collector_at_once_lose_nothing(shop: Workshop) -> None:
    """Collections all see the cloud as it was; what listeners tell of is later, and stays."""
    shop.collector().collect()
    listener, collector = amender(shop), shop.collector()
    done = threading.Event()

    def collect() -> None:
        while not done.is_set():
            collector.collect()

    with ThreadPoolExecutor(1) as pool:
        collecting = pool.submit(collect)
        try:
            for number in range(10):
                name = f"n-{number}"
                pin = PinFact(f"id-{name}", moved(name, "a").stamp, None)
                listener.add(facts(pin, moved(name, "b")))
        finally:
            done.set()
        collecting.result()
    assert {f"n-{number}" for number in range(10)} <= set(places(shop))


def test_any_past_model_can_be_loaded_however_long_the_row_of_amendments(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.cluster_models.amendment_writer.LINKS", 3)
    shop.collector().collect()
    listener = amender(shop)
    expected = []
    for number in range(8):
        on = "abc"[number % 3]
        listener.add(facts(moved("1", on, after=number)))
        expected.append(on)
    events = amended(shop)
    assert [event.depth for event in events] == [1, 2, 3, 1, 2, 3, 1, 2]
    shop.projector.catch_up()
    for event, position, on in zip(events, positions(shop), expected, strict=True):
        loaded = load_amended(shop.records, COMPUTE, event.digest)
        assert loaded is not None
        assert on_hosts(loaded.model)["1"] == on
        assert on_hosts(models(shop).at(COMPUTE, position).model)["1"] == on


def positions(shop: Workshop) -> list[int]:
    entries = shop.log.read(0, 10_000)
    return [one.position for one in entries if one.topic == ModelAmended.TOPIC]


def test_a_batch_costs_what_it_tells_not_what_the_cloud_holds(shop: Workshop) -> None:
    shop.cloud.servers = [server(str(number), "abc"[number % 3]) for number in range(500)]
    shop.collector().collect()
    amender(shop).add(facts(moved("1", "c")))
    (event,) = amended(shop)
    assert len(shop.records.get(event.digest)) < 1500 < len(shop.records.get(event.base)) / 20


def test_a_listener_that_starts_anew_goes_on_where_the_other_stopped(shop: Workshop) -> None:
    shop.collector().collect()
    amender(shop, "one").add(facts(moved("1", "c", after=2)))
    second = amender(shop, "two")
    second.add(facts(moved("1", "b", after=1)))  # late, and older
    second.add(facts(moved("2", "c", after=2)))
    assert places(shop) == {"1": "c", "2": "c", "3": "b", "4": "c"}


def test_a_long_row_of_amendments_asks_for_a_collection(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.cluster_models.amendment_writer.MANY", 2)
    shop.collector().collect()
    listener = amender(shop)
    assert listener.add(facts(moved("1", "c"))) == ()
    (because,) = listener.add(facts(moved("1", "b", after=1)))
    assert because.reason is Reason.NEEDS_COLLECTION


def test_the_storage_model_is_amended_and_carried_over_likewise(shop: Workshop) -> None:
    cloud = ArrangedStorage()
    collector = storage_collector(shop, cloud)
    collector.collect()
    listener = AmendmentWriter(
        STORAGE_AMENDING,
        shop.commands,
        shop.records,
        cloud="arranged",
        metadata=Metadata(component("listener", "one")),
    )
    at = CLOCK.now().timestamp()
    told = VolumeFact("id-1", Stamp(0, at, "m"), attributes={"pool": "s2@hdd#slow"})
    listener.add(StorageFacts.of([told]))
    for _ in range(2):
        shop.projector.catch_up()
        current = storage_collector(shop, cloud).latest()
        assert current is not None
        at_pool = current.model.volumes.pool[current.model.volume_places["id-1"]]
        assert current.model.pools.name[at_pool] == "s2@hdd#slow"
        collector.collect()
    assert models(shop).latest(STORAGE).model.volume_places


def test_the_form_of_the_record_is_the_one_that_is_documented() -> None:
    content = amending.encode_amendment(COMPUTE, "b" * 64, None, 1, facts(moved("1", "c")))
    record = msgspec.json.decode(content)
    assert sorted(record) == ["base", "depth", "facts", "format", "kind", "previous"]
    assert sorted(record["facts"]) == ["groups", "hosts", "members", "pins", "servers"]
