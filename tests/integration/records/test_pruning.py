"""Records of models that nothing needs go; what a decision or a collected model needs stays."""

import threading
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta

import pytest

from application.cluster_models.amendment_store import encode_amendment
from application.cluster_models.kinds import COMPUTE
from application.decision_engine.computation import compute
from application.kernel.errors import NothingThen
from application.ports.event_log import RecordedEvent
from application.ports.records import StoredRecord
from application.records.decision import decode_record
from application.records.pruning import Pruner, PruningRefused
from application.records.pruning_job import PruningJob
from application.records.references import RecordReferences, references_of
from domain.cluster_models.amendments import ComputeFacts
from domain.cluster_models.events import ClusterModelCollected
from domain.kernel.ids import cluster_model_id
from infrastructure.clock import SystemClock
from tests.conformance.records.rows import execute, grow_old
from tests.conformance.records.test_inventory import model
from tests.integration.cluster_models.modelling import a_moment, models
from tests.world.engine import EngineWorld
from tests.world.world import CLOCK

NOTHING = timedelta(0)
MONTH = timedelta(days=30)


def pruner(world: EngineWorld) -> Pruner:
    return Pruner(world.log, world.reads, world.collected, world.records, CLOCK)


def collected(world: EngineWorld, count: int) -> list[str]:
    """Digests of so many models, each with a server less than the one before."""
    digests = []
    for _ in range(count):
        digests.append(world.collector().collect().digest)
        world.cloud.servers = world.cloud.servers[:-1]
    world.projector.catch_up()
    return digests


def confirmed(world: EngineWorld) -> str:
    """The digest of the model that the latest collection showed; its record can be read."""
    found = world.collected.confirmation(cluster_model_id("arranged", "compute"))
    assert found is not None
    assert world.records.get(found.digest)
    return found.digest


def stored(world: EngineWorld) -> set[str]:
    return {one.digest for one in world.records.inventory() if one.kind}


def test_what_was_replaced_long_ago_goes_and_the_present_model_stays(
    world: EngineWorld, event_database: str
) -> None:
    first, second, present = collected(world, 3)
    grow_old(event_database)
    told = pruner(world).preview(NOTHING)
    assert (told.dropped.records, told.needed.records) == (2, 1)
    assert stored(world) == {first, second, present}, "to look changes nothing"
    assert pruner(world).prune(NOTHING) == told
    assert stored(world) == {present}
    assert confirmed(world) == present
    assert pruner(world).prune(NOTHING).dropped.records == 0


def test_nothing_of_the_keep_period_goes(world: EngineWorld, event_database: str) -> None:
    first, second, present = collected(world, 3)
    grow_old(event_database, first, days=31)
    grow_old(event_database, second, days=29)
    assert pruner(world).prune(MONTH).dropped.records == 1
    assert stored(world) == {second, present}


def test_the_model_that_the_keep_period_began_with_stays(
    world: EngineWorld, event_database: str
) -> None:
    """It was the present one until a moment ago: a run may be working on it, however old it is."""
    (first,) = collected(world, 1)
    a_moment()
    (second,) = collected(world, 1)
    grow_old(event_database)
    events = [one.event for one in world.log.read(0, 100) if isinstance(one, RecordedEvent)]
    change = max(one.timestamp for one in events if isinstance(one, ClusterModelCollected))
    at_the_change = Pruner(world.log, world.reads, world.collected, world.records, Stopped(change))
    assert at_the_change.prune(timedelta(milliseconds=5)).dropped.records == 0
    assert stored(world) == {first, second}
    assert at_the_change.prune(NOTHING).dropped.records == 1
    assert stored(world) == {second}


class Stopped(SystemClock):
    """A clock that was stopped at a time."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


def test_what_a_decision_used_stays_and_decides_again(
    world: EngineWorld, event_database: str
) -> None:
    audit = world.request()
    world.work()
    (plan,) = world.find_plans(audit)
    world.cloud.servers = []
    collected(world, 1)
    record = decode_record(world.records.get(plan.record))
    grow_old(event_database)
    found = pruner(world).prune(NOTHING)
    assert (found.dropped.records, found.others.records) == (0, 2)
    assert record.model_digest in stored(world)
    again = decode_record(world.records.get(plan.record))
    planned = compute(again, world.optimizers).actions
    assert len(planned) == len(plan.actions)


def test_a_record_that_one_in_use_is_built_on_stays(
    world: EngineWorld, event_database: str
) -> None:
    """Amendments refer to the record that they amend; the whole chain is needed to read one."""
    base = world.records.put(model(1))
    middle = world.records.put(model(2, base))
    needed = world.records.put(model(3, middle))
    world.records.put(f'{{"model_digest": "{needed}"}}'.encode())
    unneeded = world.records.put(model(4, base))
    grow_old(event_database)
    assert pruner(world).prune(NOTHING).dropped.records == 1
    assert stored(world) == {base, middle, needed}
    assert unneeded not in stored(world)


def test_a_record_of_amendments_refers_to_its_base_and_to_the_one_before() -> None:
    base, before = "a" * 64, "b" * 64
    content = encode_amendment(COMPUTE, base, before, 2, ComputeFacts())
    assert references_of(content) == RecordReferences("compute", frozenset({base, before}))


def test_a_chain_that_nothing_needs_goes_whole(world: EngineWorld, event_database: str) -> None:
    digest = world.records.put(model(0))
    for number in range(1, 20):
        digest = world.records.put(model(number, digest))
    grow_old(event_database)
    assert pruner(world).prune(NOTHING).dropped.records == 20
    assert stored(world) == set()


class Meddling:
    """Records with a writer that does something at the worst moment: just before a deletion."""

    def __init__(self, world: EngineWorld, meddle: Callable[[Collection[str]], object]) -> None:
        self._records = world.records
        self._meddle = meddle

    def inventory(self) -> Iterator[StoredRecord]:
        return self._records.inventory()

    def drop(self, digests: Collection[str], min_age: float) -> set[str]:
        self._meddle(digests)
        return self._records.drop(digests, min_age)


def meddled(world: EngineWorld, meddle: Callable[[Collection[str]], object]) -> Pruner:
    return Pruner(world.log, world.reads, world.collected, Meddling(world, meddle), CLOCK)


def test_what_is_stored_again_while_it_is_judged_stays_with_all_that_it_is_built_on(
    world: EngineWorld, event_database: str
) -> None:
    base = world.records.put(model(1))
    middle = world.records.put(model(2, base))
    top = world.records.put(model(3, middle))
    grow_old(event_database)
    found = meddled(world, lambda _: world.records.put(model(3, middle))).prune(NOTHING)
    assert found.dropped.records == 0
    assert stored(world) == {base, middle, top}


def test_what_is_stored_after_it_was_dropped_finds_what_it_is_built_on(
    world: EngineWorld, event_database: str
) -> None:
    """The top is gone already when it is stored again, and its base is the next to go."""
    base = world.records.put(model(1))
    middle = world.records.put(model(2, base))
    top = world.records.put(model(3, middle))
    grow_old(event_database)

    def meddle(digests: Collection[str]) -> None:
        if middle in digests:
            world.records.put(model(3, middle))

    meddled(world, meddle).prune(NOTHING)
    assert stored(world) == {base, middle, top}


def test_a_decision_that_is_recorded_meanwhile_keeps_its_model(
    world: EngineWorld, event_database: str
) -> None:
    first, present = collected(world, 2)
    grow_old(event_database)
    decision = f'{{"format": 1, "model_digest": "{first}"}}'.encode()
    found = meddled(world, lambda _: world.records.put(decision)).prune(NOTHING)
    assert found.dropped.records == 0
    assert stored(world) == {first, present}


def test_a_cloud_that_looks_as_it_did_long_ago_finds_or_stores_its_model(
    world: EngineWorld, event_database: str
) -> None:
    """The record of then is about to go when the collector sees that state again."""
    servers = list(world.cloud.servers)
    first, _ = collected(world, 2)
    grow_old(event_database)

    def meddle(_: Collection[str]) -> None:
        world.cloud.servers = servers
        assert world.collector().collect().digest == first

    meddled(world, meddle).prune(NOTHING)
    assert confirmed(world) == first


def test_it_refuses_while_the_read_models_are_behind(
    world: EngineWorld, event_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.records.pruning.CATCH_UP_TIMEOUT", 0.05)
    world.collector().collect()
    grow_old(event_database)
    with pytest.raises(PruningRefused, match="behind the event log"):
        pruner(world).prune(NOTHING)
    assert len(stored(world)) == 1


def test_a_past_model_that_was_pruned_is_said_to_be_no_longer_kept(
    world: EngineWorld, event_database: str
) -> None:
    first, _ = collected(world, 2)
    position = next(
        one.position for one in world.log.read(0, 100) if one.topic == "cluster-model.collected"
    )
    assert models(world).at(COMPUTE, position).digest == first
    grow_old(event_database)
    pruner(world).prune(NOTHING)
    with pytest.raises(NothingThen, match=f"model of position {position} was pruned"):
        models(world).at(COMPUTE, position)


def test_the_housekeeper_prunes_at_intervals_and_survives_a_refusal(
    world: EngineWorld, event_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.records.pruning.CATCH_UP_TIMEOUT", 0.01)
    stop = threading.Event()
    collector = PruningJob(pruner(world), NOTHING, interval=0.02, clock=CLOCK)
    thread = threading.Thread(target=collector.run, args=(stop,))
    world.collector().collect()  # the read models are behind: it is refused
    thread.start()
    try:
        collected(world, 2)
        grow_old(event_database)
        deadline = CLOCK.monotonic() + 30
        while len(stored(world)) > 1:
            assert CLOCK.monotonic() < deadline, "nothing was pruned"
            CLOCK.sleep(0.02)
    finally:
        stop.set()
        thread.join(30)
    assert execute(event_database, "SELECT count(*) FROM records") == [(1,)]
