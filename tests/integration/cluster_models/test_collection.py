"""The collected model: collected at intervals and on demand, shown stale when the cloud is away."""

import threading
import time
from dataclasses import replace

import pytest

from application.cluster_models.collection_job import CollectionJob
from application.cluster_models.kinds import COMPUTE
from application.cluster_models.record import decode_model
from application.decision_engine.inputs import Freshness
from application.kernel.errors import Unavailable
from application.ports.cloud import CLOUD_REFUSED, CLOUD_UNREACHABLE, CloudRefused, CloudUnreachable
from application.ports.event_log import RecordedEvent
from application.records.decision import decode_record
from domain.audits import AuditState
from domain.audits.reasons import MODEL_STALE
from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster_models.events import ClusterModelCollected
from domain.kernel.reasons import INTERNAL_ERROR, Cause, Reason
from domain.plans import ActionPlan
from tests.integration.cluster_models.modelling import a_moment, grow_old, models
from tests.world.arranged import ArrangedCloud
from tests.world.engine import EngineWorld
from tests.world.values import server
from tests.world.world import CLOCK

REFUSED = CloudRefused(Cause(CLOUD_REFUSED, {"error": "403"}))


def topics(world: EngineWorld) -> list[str]:
    entries = world.log.read(0, 10_000)
    return [one.topic.partition(".")[2] for one in entries if one.topic.startswith("cluster-model")]


def collected(world: EngineWorld) -> list[ClusterModelCollected]:
    events = [one.event for one in world.log.read(0, 10_000) if isinstance(one, RecordedEvent)]
    return [event for event in events if isinstance(event, ClusterModelCollected)]


# -- collecting ----------------------------------------------------------------------------------


def test_a_model_is_recorded_when_it_changed_and_confirmed_when_not(world: EngineWorld) -> None:
    collector = world.collector()
    first = collector.collect()
    world.projector.catch_up()
    grow_old(world, 100)
    again = collector.collect()
    assert again.digest == first.digest
    assert topics(world) == ["opened", "collected"]
    found = collector.confirmation()
    assert found is not None
    assert found.age < 50
    world.cloud.servers = [replace(world.cloud.servers[0], host="b"), *world.cloud.servers[1:]]
    moved = collector.collect()
    assert moved.digest != first.digest
    assert topics(world) == ["opened", "collected", "collected"]
    last = collected(world)[-1].changes
    assert last is not None
    assert {name: count for name, count in last.items() if count} == {"servers_moved": 1}


def test_any_past_model_can_be_loaded_with_everything_that_was_in_it(world: EngineWorld) -> None:
    world.cloud.servers.append(server("5", "a", task_state="migrating", metadata={"k": "v"}))
    world.cloud.servers.append(server("lost", "nowhere"))
    current = world.collector().collect()
    world.cloud.servers = []
    world.collector().collect()
    record = decode_model(world.records.get(collected(world)[0].digest))
    assert record.read(COMPUTE).to_columns() == current.model.to_columns()
    assert "migrating" in record.read(COMPUTE).servers.task_state.table
    assert [problem.reason for problem in record.problems] == [UNKNOWN_HOST]
    assert collected(world)[0].quarantined_count == 1


def test_the_order_in_which_a_cloud_lists_things_changes_nothing(world: EngineWorld) -> None:
    world.cloud.servers.extend(server(f"lost-{n}", "nowhere") for n in range(3))
    first = world.collector().collect()
    world.cloud.hosts.reverse()
    world.cloud.servers.reverse()
    assert world.collector().collect().digest == first.digest


def test_two_collectors_record_a_change_once(world: EngineWorld) -> None:
    collectors = [world.collector(name) for name in ("one", "two", "three")]
    barrier = threading.Barrier(len(collectors))

    def meanwhile() -> None:
        barrier.wait(20)

    world.cloud.meanwhile = meanwhile
    threads = [threading.Thread(target=collector.collect) for collector in collectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert topics(world) == ["opened", "collected"]


def test_a_slow_collection_does_not_replace_what_a_later_one_saw(world: EngineWorld) -> None:
    """It began before, so what it shows is older, although it reports last."""
    slow = ArrangedCloud()
    slow.servers = []

    def a_later_one_is_faster() -> None:
        a_moment()
        world.collector("fast").collect()

    slow.meanwhile = a_later_one_is_faster
    world.collector("slow", slow).collect()
    assert [event.sizes["servers"] for event in collected(world)] == [4]
    latest = world.collector().latest()
    assert latest is not None
    assert len(latest.model.servers) == 4


@pytest.mark.parametrize(
    ("outage", "reason"),
    [
        (CloudUnreachable("503"), CLOUD_UNREACHABLE),
        (REFUSED, CLOUD_REFUSED),
        (KeyError("servers"), INTERNAL_ERROR),
    ],
)
def test_a_failed_collection_never_replaces_a_good_model(
    world: EngineWorld, outage: Exception, reason: Reason
) -> None:
    collector = world.collector()
    good = collector.collect()
    grow_old(world, 500)
    world.cloud.surprises = [outage] * 3
    for _ in range(3):
        with pytest.raises(type(outage)):
            collector.collect()
    assert topics(world) == ["opened", "collected", "collection-failed"]
    (status,) = models(world).status()
    assert (status.cloud, status.kind) == ("arranged", "compute")
    assert status.sizes == {"hosts": 3, "servers": 4}
    assert status.stale
    assert status.age is not None
    assert status.age >= 500
    assert status.failure is not None
    assert status.failure.reason == reason
    assert status.failing_since is not None
    shown = models(world).latest(COMPUTE)
    assert shown.digest == good.digest
    collector.collect()
    assert topics(world)[-1] == "recovered"
    (status,) = models(world).status()
    assert (status.stale, status.failure, status.failing_since) == (False, None, None)


def test_an_outage_that_only_one_collector_has_is_not_the_clouds(world: EngineWorld) -> None:
    cut_off = ArrangedCloud()

    def meanwhile() -> None:
        a_moment()
        world.collector("well").collect()
        raise CloudUnreachable("no route")

    cut_off.meanwhile = meanwhile
    with pytest.raises(CloudUnreachable):
        world.collector("cut off", cut_off).collect()
    assert topics(world) == ["opened", "collected"]


def test_a_lost_record_is_collected_again(world: EngineWorld, event_database: str) -> None:
    world.collected.confirm(world.collector()._id, "0" * 64, 0.0)
    assert world.collector().latest() is None
    assert len(world.collector().within(3600.0).model.servers) == 4


# -- the collector -------------------------------------------------------------------------------


def test_collectors_share_the_work_by_the_age_of_the_model(world: EngineWorld) -> None:
    one, two = (CollectionJob(world.collector(name), CLOCK, period=60.0) for name in ("one", "two"))
    calls: list[str] = []
    world.cloud.meanwhile = lambda: calls.append("collected")
    assert 0 < one.step() <= 60
    assert 0 < two.step() <= 60
    assert len(calls) == 1
    grow_old(world, 61)
    two.step()
    one.step()
    assert len(calls) == 2


def test_a_collector_tries_again_soon_after_a_failure(world: EngineWorld) -> None:
    world.cloud.surprises = [CloudUnreachable("503")]
    job = CollectionJob(world.collector(), CLOCK, period=600.0)
    assert job.step() == 15.0
    assert job.step() > 500


def test_a_collector_survives_whatever_happens_and_stops_when_told(world: EngineWorld) -> None:
    world.cloud.surprises = [RuntimeError("a bug"), CloudUnreachable("503")]
    stop = threading.Event()
    job = CollectionJob(world.collector(), CLOCK, period=0.05)
    thread = threading.Thread(target=job.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 30
    while "recovered" not in topics(world) and "collected" not in topics(world):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert topics(world)[:2] == ["opened", "collection-failed"]


# -- what a run uses -----------------------------------------------------------------------------


def digest_of_run(world: EngineWorld, audit: object) -> tuple[str, float]:
    (plan,) = world.find_plans(audit)  # type: ignore[arg-type]
    record = decode_record(world.records.get(plan.record))
    return record.model_digest, record.model_age


def test_a_run_uses_a_collected_model_that_is_young_enough(world: EngineWorld) -> None:
    world.freshness = Freshness(max_age=30.0)
    current = world.collector().collect()
    grow_old(world, 10)
    world.cloud.surprises = [AssertionError("nothing is asked of the cloud")]
    audit = world.request()
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    digest, age = digest_of_run(world, audit)
    assert digest == current.digest
    assert 10 <= age < 30


def test_a_run_that_needs_a_fresher_model_collects_and_records_one(world: EngineWorld) -> None:
    world.freshness = Freshness(max_age=30.0)
    world.collector().collect()
    grow_old(world, 31)
    world.cloud.servers.pop()
    audit = world.request()
    world.work()
    digest, age = digest_of_run(world, audit)
    assert [event.sizes["servers"] for event in collected(world)] == [4, 3]
    assert digest == collected(world)[-1].digest
    assert age < 30


def test_a_model_from_before_our_own_latest_effect_is_not_used(world: EngineWorld) -> None:
    """A run right after a plan would move servers that the plan has just moved."""
    world.freshness = Freshness(max_age=3600.0)
    first = world.request()
    world.work()
    (plan,) = world.find_plans(first)
    world.change(ActionPlan, plan.id, lambda one, ctx: one.launch(ctx))
    world.change(ActionPlan, plan.id, lambda one, ctx: one.claim(ctx, "applier", "here"))
    place = next(iter(plan.actions))
    world.change(ActionPlan, plan.id, lambda one, ctx: one.intend_action(ctx, one.epoch, place, {}))
    world.cloud.servers.pop()
    audit = world.request(force=True)
    world.work()
    digest, _ = digest_of_run(world, audit)
    assert digest == collected(world)[-1].digest
    assert [event.sizes["servers"] for event in collected(world)] == [4, 3]


def test_an_outage_shows_the_model_stale_defers_runs_and_is_over_when_the_cloud_is_back(
    world: EngineWorld,
) -> None:
    world.freshness = Freshness(max_age=30.0)
    current = world.collector().collect()
    grow_old(world, 100)
    world.cloud.surprises = [CloudUnreachable("503"), CloudUnreachable("503")]
    audit = world.request()
    world.work(rounds=2)
    because = world.find_audit(audit).because
    assert because is not None
    assert because.reason == MODEL_STALE
    assert because.facts["limit"] == 30
    assert 100 <= int(str(because.facts["age"])) < 160
    assert "503" in str(because)
    assert world.find_audit(audit).state is AuditState.ONGOING
    (status,) = models(world).status()
    assert status.stale
    assert models(world).latest(COMPUTE).digest == current.digest
    with pytest.raises(Unavailable, match="stale"):
        models(world).rows()
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert models(world).status()[0].failure is None


def test_a_refusal_is_not_waited_out(world: EngineWorld) -> None:
    world.freshness = Freshness(max_age=30.0)
    world.collector().collect()
    grow_old(world, 100)
    world.cloud.surprises = [REFUSED]
    audit = world.request()
    world.work()
    assert world.find_audit(audit).state is AuditState.FAILED
    because = world.find_audit(audit).because
    assert because is not None
    assert because.reason == CLOUD_REFUSED


@pytest.mark.parametrize("outage", [CloudUnreachable("503"), REFUSED])
def test_a_stale_model_serves_where_that_is_allowed_and_the_record_says_so(
    world: EngineWorld, outage: Exception
) -> None:
    world.freshness = Freshness(max_age=30.0, allow_stale=True)
    current = world.collector().collect()
    grow_old(world, 100)
    world.cloud.surprises = [outage]
    audit = world.request()
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    (plan,) = world.find_plans(audit)
    record = decode_record(world.records.get(plan.record))
    assert record.model_digest == current.digest
    assert record.model_age >= 100
    assert MODEL_STALE in {problem.reason for problem in record.problems}
