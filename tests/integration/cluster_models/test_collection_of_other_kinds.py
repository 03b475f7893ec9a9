"""Storage and bare-metal models are kept as the compute model is, each for itself."""

import logging
import threading
import time
from dataclasses import replace

import pytest

from application.cluster_models.collection import ModelCollectors
from application.cluster_models.collection_job import CollectionJob, collect_all
from application.cluster_models.kinds import BAREMETAL, COMPUTE, KINDS, STORAGE
from application.cluster_models.record import decode_model, load_model
from application.kernel.errors import Unavailable
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.event_log import RecordedEvent
from application.projections.sentences import sentence
from domain.cluster.compute.reasons import BAD_VALUE
from domain.cluster.kinds import ModelKind
from domain.cluster_models.events import ClusterModelCollected, ClusterModelOpened
from domain.cluster_models.reasons import SERVICE_ABSENT
from domain.kernel.reasons import Cause
from tests.integration.cluster_models.modelling import grow_old, models
from tests.world.arranged import ArrangedBaremetal, ArrangedStorage
from tests.world.engine import EngineWorld
from tests.world.values import volume
from tests.world.world import CLOCK

ABSENT = CloudRefused(Cause(SERVICE_ABSENT, {"service": "block-storage"}))


def events(world: EngineWorld, kind: ModelKind) -> list[RecordedEvent]:
    """What was recorded of a model, oldest first."""
    found = [one for one in world.log.read(0, 10_000) if isinstance(one, RecordedEvent)]
    opened = {
        one.aggregate_id
        for one in found
        if isinstance(one.event, ClusterModelOpened) and one.event.kind == kind
    }
    return [one for one in found if one.aggregate_id in opened]


def topics(world: EngineWorld, kind: ModelKind) -> list[str]:
    return [one.topic.partition(".")[2] for one in events(world, kind)]


def collected(world: EngineWorld, kind: ModelKind) -> list[ClusterModelCollected]:
    every = [one.event for one in events(world, kind)]
    return [event for event in every if isinstance(event, ClusterModelCollected)]


def test_a_storage_model_is_recorded_when_it_changed_and_confirmed_when_not(
    world: EngineWorld,
) -> None:
    cloud = ArrangedStorage()
    collector = world.collector_of(STORAGE, cloud)
    first = collector.collect()
    assert collector.collect().digest == first.digest
    cloud.volumes = [replace(cloud.volumes[0], pool="s2@hdd#slow"), *cloud.volumes[1:]]
    collector.collect()
    assert topics(world, ModelKind.STORAGE) == ["opened", "collected", "collected"]
    one, two = collected(world, ModelKind.STORAGE)
    assert one.sizes == {"backends": 2, "pools": 2, "volumes": 3}
    assert one.calls == 5
    assert {name: count for name, count in (two.changes or {}).items() if count} == {
        "volumes_moved": 1
    }


def test_any_past_storage_model_can_be_loaded_with_what_could_not_be_used(
    world: EngineWorld,
) -> None:
    """Also figures that JSON has no word for: unknown and without limit."""
    cloud = ArrangedStorage()
    cloud.volumes.append(volume("bad", "s1@ssd#fast", size_gb=None))
    current = world.collector_of(STORAGE, cloud).collect()
    position = world.log.end()
    cloud.volumes = []
    world.collector_of(STORAGE, cloud).collect()
    shown = models(world).at(STORAGE, position)
    assert shown.digest == current.digest
    assert shown.model.to_columns() == current.model.to_columns()
    assert len(shown.model.volumes) == 3
    assert len(models(world).latest(STORAGE).model.volumes) == 0
    record = decode_model(world.records.get(current.digest))
    assert [problem.reason for problem in record.problems] == [BAD_VALUE]


def test_the_order_of_listing_changes_no_digest(world: EngineWorld) -> None:
    storage, machines = ArrangedStorage(), ArrangedBaremetal()
    digests = [world.collector_of(STORAGE, storage).collect().digest]
    digests.append(world.collector_of(BAREMETAL, machines).collect().digest)
    for listed in (storage.nodes, storage.pools, storage.volumes, storage.types):
        listed.reverse()
    machines.machines.reverse()
    assert world.collector_of(STORAGE, storage).collect().digest == digests[0]
    assert world.collector_of(BAREMETAL, machines).collect().digest == digests[1]


def test_models_of_different_kinds_do_not_mix(world: EngineWorld) -> None:
    compute = world.collector().collect()
    storage = world.collector_of(STORAGE, ArrangedStorage()).collect()
    machines = world.collector_of(BAREMETAL, ArrangedBaremetal()).collect()
    shown = models(world)
    assert shown.latest(COMPUTE).digest == compute.digest
    assert shown.latest(STORAGE).digest == storage.digest
    assert shown.latest(BAREMETAL).digest == machines.digest
    assert {(one.kind, str(dict(one.sizes))) for one in shown.status()} == {
        ("compute", "{'hosts': 3, 'servers': 4}"),
        ("storage", "{'backends': 2, 'pools': 2, 'volumes': 3}"),
        ("baremetal", "{'machines': 2}"),
    }
    assert all(shown.usable(kind) for kind in KINDS.values())
    assert load_model(world.records, STORAGE, compute.digest) is None


def test_a_failed_collection_of_one_kind_leaves_its_model_and_the_others(
    world: EngineWorld,
) -> None:
    cloud = ArrangedStorage()
    collector = world.collector_of(STORAGE, cloud)
    good = collector.collect()
    grow_old(world, 500)
    world.collector().collect()
    cloud.surprises = [CloudUnreachable("cinder: 503")]
    with pytest.raises(CloudUnreachable):
        collector.collect()
    by_kind = {one.kind: one for one in models(world).status()}
    storage, compute = by_kind["storage"], by_kind["compute"]
    assert (compute.stale, compute.failure) == (False, None)
    assert storage.stale
    assert storage.age is not None
    assert storage.age >= 500
    assert "503" in str(storage.failure)
    assert models(world).latest(STORAGE).digest == good.digest
    with pytest.raises(Unavailable, match=r"storage model is stale.*503"):
        models(world).fresh(STORAGE)


def test_the_timeline_names_the_model_that_cannot_be_collected(world: EngineWorld) -> None:
    """An outage of the block storage read as if the whole cloud had been away: twice "Collection of
    the cluster model works again." for two models."""
    cloud = ArrangedStorage()
    collector = world.collector_of(STORAGE, cloud)
    collector.collect()
    cloud.surprises = [CloudUnreachable("cinder: 503")]
    with pytest.raises(CloudUnreachable):
        collector.collect()
    collector.collect()
    recorded = events(world, ModelKind.STORAGE)[-2:]
    assert [sentence(one.topic, one.event) for one in recorded] == [
        "Collection of the storage model failed: The cloud could not be reached: cinder: 503.",
        "Collection of the storage model works again.",
    ]


def test_each_collection_is_one_line_of_the_log(
    world: EngineWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """A day's log did not show whether, when and how fast the cloud had been read."""
    collector = world.collector_of(STORAGE, ArrangedStorage())
    with caplog.at_level(logging.INFO, "application"):
        collector.collect()
        collector.collect()
    lines = [one.message for one in caplog.records if "was collected" in one.message]
    assert len(lines) == 2
    assert lines[0].startswith("the storage model was collected in ")
    assert "backends" in lines[0]


# -- a cloud without the service -----------------------------------------------------------------


def test_a_service_that_is_absent_is_recorded_once_shown_as_such_and_looked_for_each_period(
    world: EngineWorld, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = ArrangedStorage()
    cloud.surprises = [ABSENT] * 3
    job = CollectionJob(world.collector_of(STORAGE, cloud), CLOCK, period=300.0)
    with caplog.at_level(logging.DEBUG, "application"):
        assert [job.step() for _ in range(3)] == [300.0] * 3
    assert topics(world, ModelKind.STORAGE) == ["opened", "collection-failed"]
    told = [one for one in caplog.records if "no storage model is collected" in one.message]
    assert [one.levelno for one in told] == [logging.INFO]
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
    (status,) = models(world).status()
    assert (status.absent, status.stale, status.age) == (True, False, None)
    assert "block-storage" in str(status.failure)
    with pytest.raises(Unavailable, match=r"No storage model .* block-storage"):
        models(world).latest(STORAGE)
    job.step()
    (status,) = models(world).status()
    assert (status.absent, status.stale, status.failure) == (False, False, None)


def test_an_outage_that_turns_out_to_be_an_absence_is_shown_as_one(world: EngineWorld) -> None:
    """At the start Keystone may be down: "unreachable" must not be the last word."""
    cloud = ArrangedStorage()
    cloud.surprises = [CloudUnreachable("503"), CloudUnreachable("503"), ABSENT, ABSENT]
    job = CollectionJob(world.collector_of(STORAGE, cloud), CLOCK, period=300.0)
    assert [job.step() for _ in range(4)] == [15.0, 15.0, 300.0, 300.0]
    assert topics(world, ModelKind.STORAGE) == ["opened", *["collection-failed"] * 2]
    assert models(world).status()[0].absent


def test_one_kind_that_fails_does_not_keep_the_others_from_being_collected(
    world: EngineWorld,
) -> None:
    storage, machines = ArrangedStorage(), ArrangedBaremetal()
    storage.surprises = [ABSENT] * 1000
    machines.surprises = [RuntimeError("a bug")] * 1000
    collectors = ModelCollectors(
        world.collector(),
        world.collector_of(STORAGE, storage),
        world.collector_of(BAREMETAL, machines),
    )
    stop = threading.Event()
    thread = threading.Thread(
        target=collect_all, args=(collectors, dict.fromkeys(ModelKind, 0.2), 600.0, CLOCK, stop)
    )
    thread.start()
    deadline = time.monotonic() + 30
    while not (
        topics(world, ModelKind.COMPUTE) == ["opened", "collected"]
        and topics(world, ModelKind.STORAGE) == ["opened", "collection-failed"]
        and topics(world, ModelKind.BAREMETAL) == ["opened", "collection-failed"]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
