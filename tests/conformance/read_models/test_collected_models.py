"""What the store of collected models promises (port: application/ports/collected_models.py)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.cloud import CLOUD_UNREACHABLE
from application.ports.collected_models import Hearing
from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster_models import ClusterModel, CompleteCollection
from domain.kernel.ids import cluster_model_id
from domain.kernel.reasons import Cause
from infrastructure.read_models import SqlCollectedModels
from tests.given import NOON, context
from tests.world.world import World

EAST = cluster_model_id("east", "compute")
LOST = Cause(UNKNOWN_HOST, {"resource": "s", "host": "h"})
AWAY = Cause(CLOUD_UNREACHABLE, {"error": "503"})
SIZES = {"hosts": 3, "servers": 10}
FIRST = CompleteCollection("a" * 64, SIZES, 9, 0.25, (LOST,), {"servers_added": 10})
SECOND = replace(
    FIRST, digest="b" * 64, sizes={"hosts": 3, "servers": 11}, problems=(), changes=None
)


@pytest.fixture
def models(world: World) -> SqlCollectedModels:
    return SqlCollectedModels(world.views_engine)


def test_nothing_is_known_of_a_model_that_nobody_confirmed(models: SqlCollectedModels) -> None:
    assert models.confirmation(EAST) is None
    assert models.state(EAST) is None
    assert models.version(1) is None
    assert models.states() == []


@pytest.mark.parametrize("elapsed", [0.0, 0.25, 90.0, 1_000_000.0])
def test_a_model_is_as_old_as_the_beginning_of_its_collection(
    models: SqlCollectedModels, elapsed: float
) -> None:
    models.confirm(EAST, "a", elapsed)
    found = models.confirmation(EAST)
    assert found is not None
    assert found.digest == "a"
    assert elapsed - 0.01 <= found.age <= elapsed + 60


def test_a_collection_that_began_earlier_does_not_replace_a_later_one(
    models: SqlCollectedModels,
) -> None:
    """Two collectors: the slow one reports last what it saw first."""
    models.confirm(EAST, "later", 5.0)
    models.confirm(EAST, "earlier", 60.0)
    found = models.confirmation(EAST)
    assert found is not None
    assert found.digest == "later"
    models.confirm(EAST, "latest", 0.0)
    again = models.confirmation(EAST)
    assert again is not None
    assert again.digest == "latest"
    assert again.age < found.age


# -- what a listener vouches for -----------------------------------------------------------------

LIMIT = 600.0
HEARS = Hearing(base="a", told="t", heard=5.0, unbroken=200.0, fact=10.0)


def _age(models: SqlCollectedModels) -> float:
    found = models.confirmation(EAST)
    assert found is not None
    return found.age


def test_a_model_that_a_listener_vouches_for_is_as_young_as_what_was_heard(
    models: SqlCollectedModels,
) -> None:
    models.confirm(EAST, "a", 100.0, whole_age=300.0)
    assert models.vouch(EAST, HEARS, LIMIT)
    found = models.confirmation(EAST)
    assert found is not None
    assert (found.digest, found.told) == ("a", "t")
    assert found.age == pytest.approx(5.0, abs=60)
    assert found.age < 100 <= found.collected_age < 300 <= found.whole_age
    assert models.current(EAST, found) == "t"


@pytest.mark.parametrize(
    ("hearing", "limit"),
    [
        (replace(HEARS, base="b"), LIMIT),  # it amends another collection
        (replace(HEARS, unbroken=99.0), LIMIT),  # it may have missed something since
        (HEARS, 399.0),  # not everything was read lately
        (replace(HEARS, heard=150.0), LIMIT),  # it has heard less than the collection has seen
        (HEARS, 0.0),
    ],
)
def test_a_listener_that_proves_less_keeps_no_model_fresh(
    models: SqlCollectedModels, hearing: Hearing, limit: float
) -> None:
    models.confirm(EAST, "a", 100.0, whole_age=300.0)
    assert not models.vouch(EAST, hearing, limit)
    assert _age(models) >= 100


def test_nobody_vouches_for_a_model_that_was_never_collected(models: SqlCollectedModels) -> None:
    assert not models.vouch(EAST, HEARS, LIMIT)
    assert models.confirmation(EAST) is None


def test_a_change_that_was_not_told_ends_the_trust_in_what_is_told(
    models: SqlCollectedModels,
) -> None:
    """Nova sends nothing, or not from every cell: each collection that finds such a change
    makes models as old as their collections, for as long as they could have been kept fresh."""
    models.confirm(EAST, "a", 1000.0, doubtful=True)
    models.confirm(EAST, "a", 100.0)
    assert not models.vouch(EAST, HEARS, 1500.0)
    assert not models.vouch(EAST, replace(HEARS, fact=1500.0), LIMIT), "nothing was told since"
    assert models.vouch(EAST, HEARS, LIMIT), "but not for ever"


def test_a_collection_counts_although_a_listener_vouched_meanwhile(
    models: SqlCollectedModels,
) -> None:
    models.confirm(EAST, "a", 100.0)
    assert models.vouch(EAST, HEARS, LIMIT)
    models.confirm(EAST, "b", 50.0)
    found = models.confirmation(EAST)
    assert found is not None
    assert (found.digest, found.told) == ("b", None)
    assert found.age >= 50


def test_models_do_not_mix(models: SqlCollectedModels) -> None:
    models.confirm(EAST, "a", 0.0)
    assert models.confirmation(cluster_model_id("west", "compute")) is None


def test_every_version_of_a_model_can_be_found_by_position_and_by_time(
    world: World, models: SqlCollectedModels
) -> None:
    model = ClusterModel.open(context(), "east", "compute")
    model.record_collection(context(10), FIRST)
    first = world.save(model)
    model.fail(context(20), AWAY)
    failed = world.save(model)
    model.record_collection(context(30), SECOND)
    second = world.save(model)
    digests = {
        moment: found and found.digest
        for moment in (first - 1, first, failed, second, second + 99)
        for found in [models.version_at(EAST, moment)]
    }
    a, b = FIRST.digest, SECOND.digest
    assert digests == {first - 1: None, first: a, failed: a, second: b, second + 99: b}
    times = {
        seconds: found and found.digest
        for seconds in (9, 10, 29, 30, 3600)
        for found in [models.version_at(EAST, NOON + timedelta(seconds=seconds))]
    }
    assert times == {9: None, 10: a, 29: a, 30: b, 3600: b}


def test_a_version_tells_what_was_collected(world: World, models: SqlCollectedModels) -> None:
    model = ClusterModel.open(context(), "east", "compute")
    model.record_collection(context(10), FIRST)
    position = world.save(model)
    version = models.version(position)
    assert version is not None
    assert (version.model_id, version.at) == (EAST, NOON + timedelta(seconds=10))
    assert (version.sizes, version.calls, version.seconds) == (SIZES, 9, 0.25)
    assert (version.problems, version.problem_count) == ((LOST,), 1)
    assert version.changes == {"servers_added": 10}
    model.record_collection(context(20), SECOND)
    newer = models.version(world.save(model))
    assert newer is not None
    assert newer.changes is None


def test_a_state_tells_since_when_the_cloud_cannot_be_read(
    world: World, models: SqlCollectedModels
) -> None:
    model = ClusterModel.open(context(), "east", "compute")
    model.fail(context(5), AWAY)
    world.save(model)
    state = models.state(EAST)
    assert state is not None
    assert (state.cloud, state.kind, state.position) == ("east", "compute", None)
    assert (state.failure, state.failing_since) == (AWAY, NOON + timedelta(seconds=5))
    model.record_collection(context(6), FIRST)
    position = world.save(model)
    model.fail(context(7), AWAY)
    model.record_collection(context(8), FIRST)
    world.save(model)
    (state,) = models.states()
    assert (state.position, state.failure, state.failing_since) == (position, None, None)
