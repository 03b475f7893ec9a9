from dataclasses import replace
from typing import cast

from application.ports.cloud import CLOUD_UNREACHABLE
from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster_models import ClusterModel, CompleteCollection
from domain.cluster_models.cluster_model import QUARANTINE_SHOWN
from domain.cluster_models.events import ClusterModelCollected
from domain.kernel.aggregate import Event
from domain.kernel.ids import cluster_model_id
from domain.kernel.reasons import Cause
from tests.given import context, happened, replayed

AWAY = Cause(CLOUD_UNREACHABLE, {"error": "503"})
FIRST = CompleteCollection("a" * 64, {"hosts": 3, "servers": 10}, 9, 0.25, (), {"hosts_added": 3})
SECOND = replace(FIRST, digest="b" * 64)


def opened() -> ClusterModel:
    return ClusterModel.open(context(), "east", "compute")


def test_a_cloud_has_one_model_of_each_kind() -> None:
    assert opened().id == cluster_model_id("east", "compute")
    ids = {cluster_model_id(c, k) for c in ("east", "west") for k in ("compute", "storage")}
    assert len(ids) == 4


def test_a_collection_that_shows_the_same_is_no_event() -> None:
    model = opened()
    model.record_collection(context(), FIRST)
    model.record_collection(context(1), FIRST)
    model.record_collection(context(2), SECOND)
    model.record_collection(context(3), FIRST)
    assert happened(model) == ["cluster-model.opened", *["cluster-model.collected"] * 3]


def test_an_outage_is_one_event_and_its_end_is_another() -> None:
    model = opened()
    model.record_collection(context(), FIRST)
    happened(model)
    for second in range(3):
        model.fail(context(second), AWAY)
    assert happened(model) == ["cluster-model.collection-failed"]
    assert (model.digest, model.problem) == (FIRST.digest, AWAY)
    model.record_collection(context(4), FIRST)
    assert happened(model) == ["cluster-model.recovered"]
    assert model.problem is None


def test_an_outage_that_ends_with_another_model_is_over_by_that() -> None:
    model = opened()
    model.fail(context(), AWAY)
    model.record_collection(context(1), FIRST)
    assert happened(model)[1:] == ["cluster-model.collection-failed", "cluster-model.collected"]
    assert model.problem is None


def test_the_event_holds_the_first_problems_and_counts_all() -> None:
    problems = tuple(Cause(UNKNOWN_HOST, {"resource": str(n), "host": "h"}) for n in range(100))
    model = opened()
    model.record_collection(context(), replace(FIRST, problems=problems, seconds=1 / 3))
    _, event = cast("list[ClusterModelCollected]", list(model.collect_events()))
    assert event.quarantined == problems[:QUARANTINE_SHOWN]
    assert event.quarantined_count == 100
    assert event.seconds == 0.333


def test_folding_the_events_again_gives_the_same_model() -> None:
    model = opened()
    model.record_collection(context(), FIRST)
    model.fail(context(1), AWAY)
    again = cast("ClusterModel", replayed(cast("list[Event]", list(model.collect_events()))))
    assert (again.cloud, again.kind) == ("east", "compute")
    assert (again.digest, again.problem) == (FIRST.digest, AWAY)
