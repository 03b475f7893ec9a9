"""The collected model: collected at intervals and on demand, shown stale when the cloud is away."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from application.cluster_models.collection import CollectionJob
from application.cluster_models.kinds import COMPUTE
from application.cluster_models.record import decode_model
from application.decision_engine.inputs import Freshness
from application.kernel.errors import Unavailable
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.event_log import EventLog, RecordedEvent
from application.records.decision import decode_record
from domain.audits import AuditState
from domain.cluster_models.events import ClusterModelCollected
from domain.kernel.reasons import Cause, Reason
from tests.integration.cluster_models.modelling import a_moment, grow_old, models
from tests.integration.workshop import CLOCK, ArrangedCloud, Workshop, server

REFUSED = CloudRefused(Cause(Reason.CLOUD_REFUSED, {"error": "403"}))


@pytest.fixture
def shop(event_database: str, event_log: EventLog) -> Iterator[Workshop]:
    shop = Workshop(event_database, event_log)
    yield shop
    shop.close()


def topics(shop: Workshop) -> list[str]:
    entries = shop.log.read(0, 10_000)
    return [one.topic.partition(".")[2] for one in entries if one.topic.startswith("cluster-model")]


def collected(shop: Workshop) -> list[ClusterModelCollected]:
    events = [one.event for one in shop.log.read(0, 10_000) if isinstance(one, RecordedEvent)]
    return [event for event in events if isinstance(event, ClusterModelCollected)]


# -- collecting ----------------------------------------------------------------------------------


def test_a_model_is_recorded_when_it_changed_and_confirmed_when_not(shop: Workshop) -> None:
    collector = shop.collector()
    first = collector.collect()
    shop.projector.catch_up()
    grow_old(shop, 100)
    again = collector.collect()
    assert again.digest == first.digest
    assert topics(shop) == ["opened", "collected"]
    age = collector.age()
    assert age is not None
    assert age < 50
    shop.cloud.servers = [replace(shop.cloud.servers[0], host="b"), *shop.cloud.servers[1:]]
    moved = collector.collect()
    assert moved.digest != first.digest
    assert topics(shop) == ["opened", "collected", "collected"]
    last = collected(shop)[-1].changes
    assert last is not None
    assert {name: count for name, count in last.items() if count} == {"servers_moved": 1}


def test_any_past_model_can_be_loaded_with_everything_that_was_in_it(shop: Workshop) -> None:
    shop.cloud.servers.append(server("5", "a", task_state="migrating", metadata={"k": "v"}))
    shop.cloud.servers.append(server("lost", "nowhere"))
    current = shop.collector().collect()
    shop.cloud.servers = []
    shop.collector().collect()
    record = decode_model(shop.records.get(collected(shop)[0].digest))
    assert record.read(COMPUTE).to_columns() == current.model.to_columns()
    assert "migrating" in record.read(COMPUTE).servers.task_state.table
    assert [problem.reason for problem in record.problems] == [Reason.UNKNOWN_HOST]
    assert collected(shop)[0].quarantined_count == 1


def test_the_order_in_which_a_cloud_lists_things_changes_nothing(shop: Workshop) -> None:
    shop.cloud.servers.extend(server(f"lost-{n}", "nowhere") for n in range(3))
    first = shop.collector().collect()
    shop.cloud.hosts.reverse()
    shop.cloud.servers.reverse()
    assert shop.collector().collect().digest == first.digest


def test_two_collectors_record_a_change_once(shop: Workshop) -> None:
    collectors = [shop.collector(name) for name in ("one", "two", "three")]
    barrier = threading.Barrier(len(collectors))

    def meanwhile() -> None:
        barrier.wait(20)

    shop.cloud.meanwhile = meanwhile
    threads = [threading.Thread(target=collector.collect) for collector in collectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert topics(shop) == ["opened", "collected"]


def test_a_slow_collection_does_not_replace_what_a_later_one_saw(shop: Workshop) -> None:
    """It began before, so what it shows is older, although it reports last."""
    slow = ArrangedCloud()
    slow.servers = []

    def a_later_one_is_faster() -> None:
        a_moment()
        shop.collector("fast").collect()

    slow.meanwhile = a_later_one_is_faster
    shop.collector("slow", slow).collect()
    assert [event.sizes["servers"] for event in collected(shop)] == [4]
    latest = shop.collector().latest()
    assert latest is not None
    assert len(latest.model.servers) == 4


@pytest.mark.parametrize(
    ("outage", "reason"),
    [
        (CloudUnreachable("503"), Reason.CLOUD_UNREACHABLE),
        (REFUSED, Reason.CLOUD_REFUSED),
        (KeyError("servers"), Reason.INTERNAL_ERROR),
    ],
)
def test_a_failed_collection_never_replaces_a_good_model(
    shop: Workshop, outage: Exception, reason: Reason
) -> None:
    collector = shop.collector()
    good = collector.collect()
    grow_old(shop, 500)
    shop.cloud.surprises = [outage] * 3
    for _ in range(3):
        with pytest.raises(type(outage)):
            collector.collect()
    assert topics(shop) == ["opened", "collected", "collection-failed"]
    (status,) = models(shop).status()
    assert (status.cloud, status.kind) == ("arranged", "compute")
    assert status.sizes == {"hosts": 3, "servers": 4}
    assert status.stale
    assert status.age is not None
    assert status.age >= 500
    assert status.failure is not None
    assert status.failure.reason is reason
    assert status.failing_since is not None
    shown = models(shop).latest(COMPUTE)
    assert shown.digest == good.digest
    collector.collect()
    assert topics(shop)[-1] == "recovered"
    (status,) = models(shop).status()
    assert (status.stale, status.failure, status.failing_since) == (False, None, None)


def test_an_outage_that_only_one_collector_has_is_not_the_clouds(shop: Workshop) -> None:
    cut_off = ArrangedCloud()

    def meanwhile() -> None:
        a_moment()
        shop.collector("well").collect()
        raise CloudUnreachable("no route")

    cut_off.meanwhile = meanwhile
    with pytest.raises(CloudUnreachable):
        shop.collector("cut off", cut_off).collect()
    assert topics(shop) == ["opened", "collected"]


def test_a_lost_record_is_collected_again(shop: Workshop, event_database: str) -> None:
    shop.collected.confirm(shop.collector()._id, "0" * 64, 0.0)
    assert shop.collector().latest() is None
    assert len(shop.collector().within(3600.0).model.servers) == 4


# -- the collector -------------------------------------------------------------------------------


def test_collectors_share_the_work_by_the_age_of_the_model(shop: Workshop) -> None:
    one, two = (CollectionJob(shop.collector(name), CLOCK, period=60.0) for name in ("one", "two"))
    calls: list[str] = []
    shop.cloud.meanwhile = lambda: calls.append("collected")
    assert 0 < one.step() <= 60
    assert 0 < two.step() <= 60
    assert len(calls) == 1
    grow_old(shop, 61)
    two.step()
    one.step()
    assert len(calls) == 2


def test_a_collector_tries_again_soon_after_a_failure(shop: Workshop) -> None:
    shop.cloud.surprises = [CloudUnreachable("503")]
    job = CollectionJob(shop.collector(), CLOCK, period=600.0)
    assert job.step() == 15.0
    assert job.step() > 500


def test_a_collector_survives_whatever_happens_and_stops_when_told(shop: Workshop) -> None:
    shop.cloud.surprises = [RuntimeError("a bug"), CloudUnreachable("503")]
    stop = threading.Event()
    job = CollectionJob(shop.collector(), CLOCK, period=0.05)
    thread = threading.Thread(target=job.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 30
    while "recovered" not in topics(shop) and "collected" not in topics(shop):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert topics(shop)[:2] == ["opened", "collection-failed"]


# -- what a run uses -----------------------------------------------------------------------------


def digest_of_run(shop: Workshop, audit: object) -> tuple[str, float]:
    (plan,) = shop.plans(audit)  # type: ignore[arg-type]
    record = decode_record(shop.records.get(plan.record))
    return record.model_digest, record.model_age


def test_a_run_uses_a_collected_model_that_is_young_enough(shop: Workshop) -> None:
    shop.freshness = Freshness(max_age=30.0)
    current = shop.collector().collect()
    grow_old(shop, 10)
    shop.cloud.surprises = [AssertionError("nothing is asked of the cloud")]
    audit = shop.request()
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    digest, age = digest_of_run(shop, audit)
    assert digest == current.digest
    assert 10 <= age < 30


def test_a_run_that_needs_a_fresher_model_collects_and_records_one(shop: Workshop) -> None:
    shop.freshness = Freshness(max_age=30.0)
    shop.collector().collect()
    grow_old(shop, 31)
    shop.cloud.servers.pop()
    audit = shop.request()
    shop.work()
    digest, age = digest_of_run(shop, audit)
    assert [event.sizes["servers"] for event in collected(shop)] == [4, 3]
    assert digest == collected(shop)[-1].digest
    assert age < 30


def test_a_model_from_before_our_own_latest_effect_is_not_used(shop: Workshop) -> None:
    """A run right after a plan would move servers that the plan has just moved."""
    shop.freshness = Freshness(max_age=3600.0)
    first = shop.request()
    shop.work()
    (plan,) = shop.plans(first)
    shop.change_plan(plan.id, lambda one, ctx: one.launch(ctx))
    shop.change_plan(plan.id, lambda one, ctx: one.claim(ctx, "applier", "here"))
    place = next(iter(plan.actions))
    shop.change_plan(plan.id, lambda one, ctx: one.intend_action(ctx, one.epoch, place, {}))
    shop.cloud.servers.pop()
    audit = shop.request(force=True)
    shop.work()
    digest, _ = digest_of_run(shop, audit)
    assert digest == collected(shop)[-1].digest
    assert [event.sizes["servers"] for event in collected(shop)] == [4, 3]


def test_an_outage_shows_the_model_stale_defers_runs_and_is_over_when_the_cloud_is_back(
    shop: Workshop,
) -> None:
    shop.freshness = Freshness(max_age=30.0)
    current = shop.collector().collect()
    grow_old(shop, 100)
    shop.cloud.surprises = [CloudUnreachable("503"), CloudUnreachable("503")]
    audit = shop.request()
    shop.work(rounds=2)
    because = shop.audit(audit).because
    assert because is not None
    assert because.reason is Reason.MODEL_STALE
    assert because.facts["limit"] == 30
    assert 100 <= int(str(because.facts["age"])) < 160
    assert "503" in str(because)
    assert shop.audit(audit).state is AuditState.ONGOING
    (status,) = models(shop).status()
    assert status.stale
    assert models(shop).latest(COMPUTE).digest == current.digest
    with pytest.raises(Unavailable, match="stale"):
        models(shop).rows()
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    assert models(shop).status()[0].failure is None


def test_a_refusal_is_not_waited_out(shop: Workshop) -> None:
    shop.freshness = Freshness(max_age=30.0)
    shop.collector().collect()
    grow_old(shop, 100)
    shop.cloud.surprises = [REFUSED]
    audit = shop.request()
    shop.work()
    assert shop.audit(audit).state is AuditState.FAILED
    because = shop.audit(audit).because
    assert because is not None
    assert because.reason is Reason.CLOUD_REFUSED


@pytest.mark.parametrize("outage", [CloudUnreachable("503"), REFUSED])
def test_a_stale_model_serves_where_that_is_allowed_and_the_record_says_so(
    shop: Workshop, outage: Exception
) -> None:
    shop.freshness = Freshness(max_age=30.0, allow_stale=True)
    current = shop.collector().collect()
    grow_old(shop, 100)
    shop.cloud.surprises = [outage]
    audit = shop.request()
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    (plan,) = shop.plans(audit)
    record = decode_record(shop.records.get(plan.record))
    assert record.model_digest == current.digest
    assert record.model_age >= 100
    assert Reason.MODEL_STALE in {problem.reason for problem in record.problems}
