"""What notifications leave open is collected: once for many requests, and not too often."""

import threading
from typing import Any, cast

from application.cluster_models.amendment_store import COMPUTE_AMENDING
from application.cluster_models.amendment_writer import AmendmentWriter
from application.cluster_models.resync import AmendedKind, NotificationConsumer, ResyncScheduler
from application.ports.cloud import CloudUnreachable
from application.ports.notifications import NotificationBatch
from application.ports.projections import StoreUnavailable
from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster.kinds import ModelKind
from domain.cluster_models.amendments import ComputeFacts
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.metadata import Metadata, component
from domain.kernel.reasons import Cause
from tests.integration.cluster_models.modelling import a_moment
from tests.integration.cluster_models.test_amendment_writer import moved, places, topics
from tests.world.engine import EngineWorld
from tests.world.world import CLOCK

AGGREGATE = Cause(NEEDS_COLLECTION, {"event": "aggregate.add_host.end"})
STRANGER = Cause(UNKNOWN_HOST, {"resource": "service", "host": "ironic-1"})


def recollection(world: EngineWorld, interval: float = 0.0) -> ResyncScheduler:
    return ResyncScheduler(world.collector("listener"), CLOCK, interval=interval)


class Count:
    """Counts how often the arranged cloud is read."""

    def __init__(self, world: EngineWorld) -> None:
        self.reads = 0
        world.cloud.meanwhile = self._read

    def _read(self) -> None:
        self.reads += 1


def follower(world: EngineWorld, again: ResyncScheduler) -> NotificationConsumer:
    amender = AmendmentWriter(
        COMPUTE_AMENDING,
        world.commands,
        world.records,
        cloud="arranged",
        metadata=Metadata(component("listener", "one")),
    )
    return NotificationConsumer({ModelKind.COMPUTE: AmendedKind(amender, again)})


def test_facts_amend_and_what_is_unclear_is_collected(world: EngineWorld) -> None:
    world.collector().collect()
    count = Count(world)
    again = recollection(world)
    following = follower(world, again)
    following.record(NotificationBatch(ComputeFacts.of([moved("1", "c")])))
    again.step()
    assert (count.reads, places(world)["1"]) == (0, "c")
    following.record(NotificationBatch(unclear={ModelKind.COMPUTE: (AGGREGATE,)}))
    again.step()
    again.step()
    assert count.reads == 1


def test_what_is_told_of_a_kind_that_is_not_kept_is_not_used(world: EngineWorld) -> None:
    before = topics(world)
    following = follower(world, recollection(world))
    following.record(NotificationBatch(unclear={ModelKind.STORAGE: (AGGREGATE,)}))
    assert topics(world) == before


def test_many_requests_are_met_by_one_collection(world: EngineWorld) -> None:
    count = Count(world)
    again = recollection(world)
    for _ in range(5):
        again.request([AGGREGATE])
    again.step()
    again.step()
    assert count.reads == 1


def test_a_request_is_met_by_whoever_collects_after_it(world: EngineWorld) -> None:
    count = Count(world)
    again = recollection(world)
    again.request([AGGREGATE])
    a_moment()
    world.collector("another").collect()
    again.step()
    assert count.reads == 1


def test_a_collection_from_before_the_request_does_not_meet_it(world: EngineWorld) -> None:
    count = Count(world)
    world.collector("another").collect()
    a_moment()
    again = recollection(world)
    again.request([AGGREGATE])
    again.step()
    assert count.reads == 2


def test_what_collections_do_not_settle_is_asked_about_once_in_a_while(world: EngineWorld) -> None:
    """An ironic host is in no compute model; each of its messages would read the whole cloud."""
    count = Count(world)
    again = recollection(world)
    for _ in range(3):
        again.request([STRANGER])
        again.step()
    assert count.reads == 1


def test_collections_keep_their_distance(world: EngineWorld) -> None:
    count = Count(world)
    again = recollection(world, interval=3600.0)
    stop = threading.Event()
    thread = threading.Thread(target=again.run, args=(stop,))
    thread.start()
    try:
        again.request([AGGREGATE])
        end = CLOCK.monotonic() + 20
        while not count.reads:
            assert CLOCK.monotonic() < end
            CLOCK.sleep(0.01)
        again.request([AGGREGATE])
    finally:
        stop.set()
        thread.join(timeout=20)
    assert not thread.is_alive()
    assert count.reads == 1


def test_a_cloud_that_cannot_be_read_is_left_to_the_collector(world: EngineWorld) -> None:
    world.cloud.surprises = [CloudUnreachable("away")]
    again = recollection(world)
    again.request([AGGREGATE])
    again.step()
    again.step()
    assert topics(world)[-1] == "cluster-model.collection-failed"


class _NoDatabase:
    """A collector whose database is unreachable for the first time that it is asked."""

    kind = ModelKind.COMPUTE

    def __init__(self) -> None:
        self.collected = threading.Event()
        self._is_away = True

    def confirmation(self) -> None:
        if self._is_away:
            self._is_away = False
            raise StoreUnavailable("no database")

    def collect(self) -> None:
        self.collected.set()


def test_an_unreachable_database_does_not_end_the_collections_on_request() -> None:
    """It ended their thread, unseen: nothing unclear was ever collected again."""
    collector = _NoDatabase()
    again = ResyncScheduler(cast(Any, collector), CLOCK, interval=0.0)
    stop = threading.Event()
    thread = threading.Thread(target=again.run, args=(stop,))
    thread.start()
    try:
        again.request([AGGREGATE])
        while again._requested.is_set():
            pass
        again.request([AGGREGATE])
        assert collector.collected.wait(10)
    finally:
        stop.set()
        thread.join()
