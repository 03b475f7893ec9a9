"""Notifications amend collected models in real databases; no concurrent work loses any."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
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
from application.ports.event_log import ConcurrencyConflict, RecordedEvent
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster.scope.reasons import MODEL_EMPTY
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
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.metadata import Metadata, component
from tests.integration.cluster_models.modelling import models
from tests.world.arranged import ArrangedStorage
from tests.world.engine import EngineWorld
from tests.world.values import id_of, server
from tests.world.world import CLOCK


def amender(
    world: EngineWorld, name: str = "one", **more: Any
) -> AmendmentWriter[ComputeModel, ComputeFacts]:
    return AmendmentWriter(
        COMPUTE_AMENDING,
        world.commands,
        world.records,
        cloud="arranged",
        metadata=Metadata(component("listener", name)),
        **more,
    )


def moved(name: str, on: str | None, *, after: float = 0.0, **changes: Any) -> ServerFact:
    """What is told now (or somewhat later) of a server that was changed."""
    row = server(name, "a", **changes)
    unsaid = {"id", "pinned_zone", "groups", "numa_nodes", "updated_at"}
    told = {one.name: getattr(row, one.name) for one in fields(row) if one.name not in unsaid}
    at = CLOCK.now().timestamp() + after
    return ServerFact(
        row.id, Stamp(int(at), at, f"{name}-{on}-{at}"), attributes={**told, "host": on}
    )


def gone(name: str, *, after: float = 0.0) -> ServerFact:
    """What is told now (or somewhat later) of a server that was deleted."""
    at = CLOCK.now().timestamp() + after
    return ServerFact(server(name, "a").id, Stamp(int(at), at, f"{name}-gone-{at}"), gone=True)


def facts(*told: ComputeFact) -> ComputeFacts:
    return ComputeFacts.of(told)


def places(world: EngineWorld) -> dict[str, str]:
    """Server → host, of the model that is kept now."""
    world.projector.catch_up()
    current = world.collector().latest()
    assert current is not None
    return on_hosts(current.model)


def on_hosts(model: ComputeModel) -> dict[str, str]:
    hosts = [model.hosts.name[at] for at in model.servers.host]
    return dict(zip(model.servers.name, hosts, strict=True))


def topics(world: EngineWorld) -> list[str]:
    return [one.topic for one in world.log.read(0, 10_000)]


def amended(world: EngineWorld) -> list[ModelAmended]:
    events = [one.event for one in world.log.read(0, 10_000) if isinstance(one, RecordedEvent)]
    return [event for event in events if isinstance(event, ModelAmended)]


def test_what_is_told_is_in_the_collected_model_without_a_collection(world: EngineWorld) -> None:
    world.collector().collect()
    assert amender(world).add(facts(moved("1", "c"))) == ()
    assert places(world) == {"1": "c", "2": "a", "3": "b", "4": "c"}
    (event,) = amended(world)
    assert event.changes == {"servers_moved": 1}
    assert event.sizes == {"hosts": 3, "servers": 4}
    current = world.collector().latest()
    shown = models(world).latest(COMPUTE)
    assert current is not None
    assert current.digest == shown.digest == event.digest
    assert on_hosts(shown.model) == places(world)


def test_what_changes_nothing_is_no_event(world: EngineWorld) -> None:
    world.collector().collect()
    counted: Counter[str] = Counter()
    listener = amender(world, count=lambda outcome, count: counted.update({outcome: count}))
    fact = moved("1", "c")
    listener.add(facts(fact))
    before = topics(world)
    assert listener.add(facts(fact)) == ()
    assert listener.add(facts(moved("2", "b", after=-60))) == ()
    assert topics(world) == before
    assert counted == {"admitted": 1, "duplicate": 1, "collected": 1}


def test_a_run_s_collection_has_what_was_told_while_it_read(world: EngineWorld) -> None:
    """It read server 1 on a; the server moved, and that was told before the collection ended."""
    world.collector().collect()
    listener = amender(world)

    def meanwhile() -> None:
        listener.add(facts(moved("1", "c")))

    world.cloud.meanwhile = meanwhile
    current = world.collector().collect()
    assert on_hosts(current.model)["1"] == "c"
    assert places(world)["1"] == "c"
    assert topics(world)[-5:] == [
        "cluster-model.collected",
        "cluster-model.amending",
        "model-amendments.closed",
        "model-amendments.opened",
        "model-amendments.amended",
    ]


def test_without_carrying_it_over_it_would_be_lost(
    world: EngineWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "application.cluster_models.amendment_carryover.AmendmentCarryover._carry_over",
        lambda *_: None,
    )
    world.collector().collect()
    world.cloud.meanwhile = partial(_tell, amender(world), moved("1", "c", after=1))
    world.collector().collect()
    assert places(world)["1"] == "a"


def _tell(listener: AmendmentWriter[ComputeModel, ComputeFacts], fact: ComputeFact) -> None:
    listener.add(facts(fact))


def test_a_collection_ends_amendments_that_it_has_seen(world: EngineWorld) -> None:
    world.collector().collect()
    listener = amender(world)
    fact = moved("1", "c")
    listener.add(facts(fact))
    world.cloud.servers[0] = replace(world.cloud.servers[0], host="b", updated_at=2**31)
    world.collector().collect()
    assert topics(world)[-2:] == ["cluster-model.collected", "model-amendments.closed"]
    assert places(world)["1"] == "b"
    listener.add(facts(fact))
    assert places(world)["1"] == "b"
    listener.add(facts(moved("2", "c", after=1)))  # the listener has noticed the new collection
    assert places(world) == {"1": "b", "2": "c", "3": "b", "4": "c"}


def test_a_collection_that_shows_the_base_again_ends_them_too(world: EngineWorld) -> None:
    world.collector().collect()
    amender(world).add(facts(moved("1", "c", after=-4.9)))
    collected = replace(world.cloud.servers[0], updated_at=2**31)
    world.cloud.servers[0] = collected
    world.collector().collect()
    world.collector().collect()
    assert places(world)["1"] == "a"


def test_a_collection_after_churn_in_which_nothing_changed_is_no_event(world: EngineWorld) -> None:
    """A server came and went: its deletion is remembered, which changes nothing that is shown.

    Each collection of the next minutes said that the model had changed, in five events.
    """
    world.collector().collect()
    listener = amender(world)
    listener.add(facts(moved("5", "a")))
    listener.add(facts(gone("5", after=1)))
    world.projector.catch_up()
    before = topics(world)
    for _ in range(3):
        assert world.collector().collect().digest
        assert places(world) == {"1": "a", "2": "a", "3": "b", "4": "c"}
    assert topics(world) == before
    listener.add(facts(moved("5", "a", after=0.5)))  # a late message makes no ghost
    assert "5" not in places(world)
    world.cloud.servers.pop()
    world.collector().collect()
    assert topics(world)[len(before) :].count("cluster-model.collected") == 1


def test_what_the_churn_left_is_an_event(world: EngineWorld) -> None:
    world.collector().collect()
    listener = amender(world)
    listener.add(facts(moved("5", "a")))
    world.collector().collect()
    assert topics(world).count("cluster-model.collected") == 2


def test_what_is_told_before_the_first_collection_waits_for_it(world: EngineWorld) -> None:
    listener = amender(world)
    (because,) = listener.add(facts(moved("1", "c", after=1)))
    assert because.reason == MODEL_EMPTY
    world.collector().collect()
    listener.add(facts(moved("2", "c", after=1)))
    assert places(world) == {"1": "c", "2": "c", "3": "b", "4": "c"}


def test_what_a_collection_could_not_use_is_still_shown(world: EngineWorld) -> None:
    world.cloud.servers.append(server("lost", "nowhere"))
    world.collector().collect()
    amender(world).add(facts(moved("1", "c")))
    (status,) = models(world).status()
    assert (status.problem_count, status.sizes) == (1, {"hosts": 3, "servers": 4})
    assert status.version is not None
    assert status.version.changes == {"servers_moved": 1}
    current = world.collector().latest()
    assert current is not None
    assert [because.reason for because in current.problems] == [UNKNOWN_HOST]


def test_two_listeners_at_once_lose_nothing_of_each_other(world: EngineWorld) -> None:
    world.collector().collect()
    listeners = [amender(world, name) for name in ("one", "two")]
    ready = threading.Barrier(2)

    def listen(which: int) -> None:
        ready.wait()
        for number in range(6):
            name = f"{which}-{number}"
            pin = PinFact(id_of(name), moved(name, "a").stamp, None)
            listeners[which].add(facts(pin, moved(name, "bc"[which])))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(listen, range(2)))
    found = places(world)
    assert [found.get(f"{which}-{number}") for which in range(2) for number in range(6)] == [
        *("b" * 6),
        *("c" * 6),
    ]
    assert amended(world)[-1].sizes == {"hosts": 3, "servers": 16}


def added_in_the_end(listener: AmendmentWriter[Any, Any], told: Any) -> None:
    """As the listener does it: after a conflict, facts are added again."""
    for _ in range(50):
        try:
            listener.add(told)
        except ConcurrencyConflict:
            continue
        return
    raise AssertionError("a conflict at each attempt")


def test_a_listener_and_a_collector_at_once_lose_nothing(world: EngineWorld) -> None:
    """Collections all see the cloud as it was; what listeners tell of is later, and stays."""
    world.collector().collect()
    listener, collector = amender(world), world.collector()
    done = threading.Event()

    def collect() -> None:
        while not done.is_set():
            collector.collect()

    with ThreadPoolExecutor(1) as pool:
        collecting = pool.submit(collect)
        try:
            for number in range(10):
                name = f"n-{number}"
                pin = PinFact(id_of(name), moved(name, "a").stamp, None)
                added_in_the_end(listener, facts(pin, moved(name, "b")))
        finally:
            done.set()
        collecting.result()
    assert {f"n-{number}" for number in range(10)} <= set(places(world))


def test_any_past_model_can_be_loaded_however_long_the_row_of_amendments(
    world: EngineWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.cluster_models.amendment_writer.LINKS", 3)
    world.collector().collect()
    listener = amender(world)
    expected = []
    for number in range(8):
        on = "abc"[number % 3]
        listener.add(facts(moved("1", on, after=number)))
        expected.append(on)
    events = amended(world)
    assert [event.depth for event in events] == [1, 2, 3, 1, 2, 3, 1, 2]
    world.projector.catch_up()
    for event, position, on in zip(events, positions(world), expected, strict=True):
        loaded = load_amended(world.records, COMPUTE, event.digest)
        assert loaded is not None
        assert on_hosts(loaded.model)["1"] == on
        assert on_hosts(models(world).at(COMPUTE, position).model)["1"] == on


def positions(world: EngineWorld) -> list[int]:
    entries = world.log.read(0, 10_000)
    return [one.position for one in entries if one.topic == ModelAmended.TOPIC]


def test_a_batch_costs_what_it_tells_not_what_the_cloud_holds(world: EngineWorld) -> None:
    world.cloud.servers = [server(str(number), "abc"[number % 3]) for number in range(500)]
    world.collector().collect()
    amender(world).add(facts(moved("1", "c")))
    (event,) = amended(world)
    assert len(world.records.get(event.digest)) < 1500 < len(world.records.get(event.base)) / 20


def test_a_listener_that_starts_anew_goes_on_where_the_other_stopped(world: EngineWorld) -> None:
    world.collector().collect()
    amender(world, "one").add(facts(moved("1", "c", after=2)))
    second = amender(world, "two")
    second.add(facts(moved("1", "b", after=1)))  # late, and older
    second.add(facts(moved("2", "c", after=2)))
    assert places(world) == {"1": "c", "2": "c", "3": "b", "4": "c"}


def test_a_long_row_of_amendments_asks_for_a_collection(
    world: EngineWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.cluster_models.amendment_writer.MANY", 2)
    world.collector().collect()
    listener = amender(world)
    assert listener.add(facts(moved("1", "c"))) == ()
    (because,) = listener.add(facts(moved("1", "b", after=1)))
    assert because.reason == NEEDS_COLLECTION


def test_the_storage_model_is_amended_and_carried_over_likewise(world: EngineWorld) -> None:
    cloud = ArrangedStorage()
    collector = world.collector_of(STORAGE, cloud)
    collector.collect()
    listener = AmendmentWriter(
        STORAGE_AMENDING,
        world.commands,
        world.records,
        cloud="arranged",
        metadata=Metadata(component("listener", "one")),
    )
    at = CLOCK.now().timestamp()
    told = VolumeFact(id_of("1"), Stamp(0, at, "m"), attributes={"pool": "s2@hdd#slow"})
    listener.add(StorageFacts.of([told]))
    for _ in range(2):
        world.projector.catch_up()
        current = world.collector_of(STORAGE, cloud).latest()
        assert current is not None
        at_pool = current.model.volumes.pool[current.model.volume_places[id_of("1")]]
        assert current.model.pools.name[at_pool] == "s2@hdd#slow"
        collector.collect()
    assert models(world).latest(STORAGE).model.volume_places


def test_the_form_of_the_record_is_the_one_that_is_documented() -> None:
    content = amending.encode_amendment(COMPUTE, "b" * 64, None, 1, facts(moved("1", "c")))
    record = msgspec.json.decode(content)
    assert sorted(record) == ["base", "depth", "facts", "format", "kind", "previous"]
    assert sorted(record["facts"]) == ["groups", "hosts", "members", "pins", "servers"]
