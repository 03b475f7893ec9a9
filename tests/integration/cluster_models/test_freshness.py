"""A model stays fresh without a collection, for as long as a listener can vouch for it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from application.cluster_models.amendment_writer import AmendmentWriter
from application.cluster_models.collection_job import CollectionJob
from application.cluster_models.resync import AmendedKind, ResyncScheduler
from application.cluster_models.vouching import Voucher
from application.decision_engine.inputs import Freshness
from application.records.decision import decode_record
from domain.audits import AuditState
from domain.cluster.kinds import ModelKind
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.ids import cluster_model_id
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan
from tests.integration.cluster_models.modelling import grow_old
from tests.integration.cluster_models.test_amendment_writer import amender, facts, moved
from tests.world.engine import EngineWorld
from tests.world.values import id_of
from tests.world.world import CLOCK

LIMIT = 600.0
MODEL: UUID = cluster_model_id("arranged", ModelKind.COMPUTE)


class Listening:
    """A listener that has heard everything for ever, and what is told."""

    def __init__(self, world: EngineWorld) -> None:
        self._world = world
        self.writer: AmendmentWriter[Any, Any] = amender(world)
        self.resync = ResyncScheduler(world.collector("resync"), CLOCK, interval=0.0)
        self.is_alone = True
        self.voucher = Voucher(
            {ModelKind.COMPUTE: AmendedKind(self.writer, self.resync)},
            world.collected,
            _Late(),
            cloud="arranged",
            limit=LIMIT,
            is_alone=lambda: self.is_alone,
        )

    def tell(self, *told: Any) -> None:
        """A message."""
        self.writer.add(facts(*told))
        self.voucher.note(ModelKind.COMPUTE)

    def vouch(self) -> bool:
        """Vouches, if it can; returns whether the model is younger than its collection now."""
        now = _Late().monotonic()
        self.voucher.vouch(now, now - 100_000)
        found = self._world.collected.confirmation(MODEL)
        assert found is not None
        return found.told is not None and found.age < found.collected_age


class _Late:
    """The clock of a process that runs for a day."""

    def __init__(self) -> None:
        self.now = CLOCK.now

    def monotonic(self) -> float:
        return CLOCK.monotonic() + 86_400.0

    def sleep(self, seconds: float) -> None:
        CLOCK.sleep(seconds)


@pytest.fixture
def listening(world: EngineWorld) -> Listening:
    """A model that was collected 100 s ago, and a listener of yesterday."""
    world.freshness = Freshness(max_age=30.0)
    world.collector().collect()
    listener = Listening(world)
    listener.voucher._alone_since = 0.0
    grow_old(world, 100)
    return listener


def _model_of(world: EngineWorld, audit: Any) -> tuple[str, float]:
    (plan,) = world.find_plans(audit)
    record = decode_record(world.records.get(plan.record))
    return record.model_digest, record.model_age


def test_a_run_uses_what_was_told_and_asks_the_cloud_nothing(
    world: EngineWorld, listening: Listening
) -> None:
    listening.tell(moved("1", "b"))
    assert listening.vouch()
    world.cloud.surprises = [AssertionError("nothing is asked of the cloud")]
    audit = world.request()
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    digest, age = _model_of(world, audit)
    known = listening.writer.known()
    assert known is not None
    assert digest == known[1]
    assert age < 30


def test_what_was_told_is_used_although_the_read_models_lag(
    world: EngineWorld, listening: Listening
) -> None:
    """A model that is called fresh without what makes it fresh would be an old one."""
    world.projector.catch_up()
    listening.tell(moved("1", "b"))
    assert listening.vouch()
    young = world.collector().latest(30.0)
    assert young is not None
    places = {
        server: young.model.hosts.name[int(young.model.servers.host[row])]
        for row, server in enumerate(young.model.servers.id)
    }
    assert places[id_of("1")] == "b"


def test_without_any_message_nobody_vouches(listening: Listening) -> None:
    """Nova may send none at all."""
    assert not listening.vouch()


def test_what_a_message_left_open_is_collected_first(
    world: EngineWorld, listening: Listening
) -> None:
    listening.tell(moved("1", "b"))
    listening.resync.request([Cause(NEEDS_COLLECTION, {"event": "aggregate"})])
    listening.resync._requested_at += 86_400.0  # by the listener's clock
    assert not listening.vouch()


def test_another_listener_may_hold_messages(listening: Listening) -> None:
    listening.tell(moved("1", "b"))
    listening.is_alone = False
    assert not listening.vouch()
    listening.is_alone = True
    assert not listening.vouch(), "those of before it ended may still come"


def test_everything_is_read_again_in_time(world: EngineWorld, listening: Listening) -> None:
    listening.tell(moved("1", "b"))
    grow_old(world, LIMIT)
    assert not listening.vouch()


def test_a_collection_that_finds_what_was_not_told_ends_the_trust(
    world: EngineWorld, listening: Listening
) -> None:
    """Nova sends messages of some servers only, for example those of one cell."""
    listening.tell(moved("1", "b"))
    assert listening.vouch()
    place = {row.id: number for number, row in enumerate(world.cloud.servers)}
    world.cloud.servers[place[id_of("1")]] = replace(
        world.cloud.servers[place[id_of("1")]], host="b"
    )
    world.cloud.servers.pop()
    world.collector().collect()
    grow_old(world, 100)
    listening.tell(moved("2", "b"))
    assert not listening.vouch()


def test_a_collection_that_finds_what_was_told_keeps_it(
    world: EngineWorld, listening: Listening
) -> None:
    listening.tell(moved("1", "b"))
    world.cloud.servers[0] = replace(world.cloud.servers[0], host="b")
    world.collector().collect()
    grow_old(world, 100)
    listening.tell(moved("2", "b"))
    assert listening.vouch()


def test_after_an_effect_of_vigil_a_run_collects(world: EngineWorld, listening: Listening) -> None:
    """The message of the effect may still be on its way."""
    world.freshness = Freshness(max_age=3600.0)
    first = world.request()
    world.work()
    (plan,) = world.find_plans(first)
    world.change(ActionPlan, plan.id, lambda one, ctx: one.launch(ctx))
    world.change(ActionPlan, plan.id, lambda one, ctx: one.claim(ctx, "applier", "here"))
    place = next(iter(plan.actions))
    world.change(ActionPlan, plan.id, lambda one, ctx: one.intend_action(ctx, one.epoch, place, {}))
    listening.tell(moved("2", "b"))
    assert listening.vouch()
    calls: list[str] = []
    world.cloud.meanwhile = lambda: calls.append("collected")
    world.request(force=True)
    world.work()
    assert calls == ["collected"]


# -- the collector -------------------------------------------------------------------------------


def test_the_collector_asks_only_which_hosts_are_up_while_the_model_is_vouched_for(
    world: EngineWorld, listening: Listening
) -> None:
    """No notification tells that a host died."""
    job = CollectionJob(world.collector(), CLOCK, period=60.0, reconcile_interval=LIMIT)
    calls: list[str] = []
    world.cloud.meanwhile = lambda: calls.append("collected")
    listening.tell(moved("1", "b"))
    assert listening.vouch()
    assert job.step() == 60.0
    assert calls == []
    world.cloud.hosts[2] = replace(world.cloud.hosts[2], state="down")
    job.step()
    assert calls == ["collected"]


def test_the_collector_reads_everything_again_before_nobody_vouches(
    world: EngineWorld, listening: Listening
) -> None:
    job = CollectionJob(world.collector(), CLOCK, period=60.0, reconcile_interval=LIMIT)
    calls: list[str] = []
    world.cloud.meanwhile = lambda: calls.append("collected")
    listening.tell(moved("1", "b"))
    grow_old(world, 445)
    assert listening.vouch()
    job.step()
    assert calls == ["collected"]
