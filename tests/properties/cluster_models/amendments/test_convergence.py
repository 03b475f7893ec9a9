"""Whatever happens to messages on their way, the model ends as the cloud is."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cluster.compute.model import ComputeModel
from domain.cluster_models.amendments import (
    ComputeAmendments,
    ComputeFacts,
    Ignored,
    ServerFact,
    Stamp,
    admission_rules,
    admit_compute,
    carry_over,
    facts,
)
from domain.cluster_models.amendments.admission_rules import AdmissionRules, in_order
from domain.cluster_models.amendments.compute_admission import ComputeRules
from tests.properties.cluster_models.amendments.cloud import TOLERANCE, Cloud, batches, comparable


def kept(random: Random, *, carry: bool = True) -> tuple[ComputeModel, ComputeModel]:
    """The model after a life of a cloud, two collections and all messages; and the truth.

    The second collection reads while messages come, and is taken in at any moment after that.
    """
    cloud = Cloud(random, changes=random.randint(1, 14))
    times = sorted(random.uniform(999, cloud.now) for _ in range(2))
    first, second = times[0], max(times[1], cloud.silence)
    ended = min(second + random.choice((0.0, 0.7, 3.0)), cloud.now)
    known = ComputeAmendments(cloud.collection(first, first), ComputeFacts())
    since = first - TOLERANCE
    later = cloud.collection(second, ended)
    delivered = list(batches(random, cloud.told))
    taken_in = random.randint(0, len(delivered))
    unclear = False
    for number, batch in enumerate([*delivered, ComputeFacts()]):
        if number == taken_in:
            since = second - TOLERANCE
            carried = carry_over(known, later, since, admit_compute)
            unclear = bool(carried.unclear)
            assert (carried.amended.base, carried.amended.facts) == (later, carried.facts)
            known = carried.amended if carry else ComputeAmendments(later, ComputeFacts())
        admitted = admit_compute(known, batch, since)
        unclear |= bool(admitted.unclear)
        assert admitted.amended.facts == known.facts.joined(admitted.facts)
        known = admitted.amended
    truth = cloud.truth()
    if unclear:  # then the cloud is read again, soon
        known = carry_over(known, truth, cloud.now - TOLERANCE, admit_compute).amended
    return known.model()[0], truth


@given(st.integers(min_value=0))
@settings(max_examples=400)
def test_any_delivery_around_any_collection_ends_at_what_the_cloud_is(seed: int) -> None:
    model, truth = kept(Random(seed))
    assert comparable(model) == comparable(truth)


def _last_come(_one: facts.Fact, other: facts.Fact) -> facts.Fact:
    return other


def _always(*_: object) -> None:
    return None


def _never(*_: object) -> bool:
    return False


def _mortal(rules: ComputeRules, fact: ServerFact) -> Ignored | None:
    """As the rule for servers, but for deletions, which are one state among others."""
    if not fact.gone and (rules.is_early(fact) or rules.has_newer_row(fact)):
        return Ignored.COLLECTED
    return in_order(rules.known.servers.get(fact.id), fact)


def _by_time(one: Stamp, other: Stamp) -> bool:
    return one.at > other.at


Removal = tuple[object, str, Callable[..., object]]
REMOVED: dict[str, tuple[Removal, ...]] = {
    "later messages win": ((admission_rules, "in_order", _always), (facts, "later", _last_come)),
    "nothing comes after a deletion": (
        (ComputeRules, "server", _mortal),
        (facts, "lasting", facts.later),
    ),
    "a newer row of the collection wins": ((ComputeRules, "has_newer_row", _never),),
    "the version counts before the time": ((facts.Stamp, "__gt__", _by_time),),
    "what is not in the collection and older stays away": ((AdmissionRules, "is_early", _never),),
}


@pytest.mark.parametrize("rule", REMOVED)
def test_without_any_one_of_its_rules_it_would_not(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, name, replacement in REMOVED[rule]:
        monkeypatch.setattr(owner, name, replacement)
    assert any(_differs(seed) for seed in range(6000))


def test_without_carrying_messages_over_a_collection_it_would_not() -> None:
    assert any(_differs(seed, carry=False) for seed in range(6000))


def _differs(seed: int, *, carry: bool = True) -> bool:
    model, truth = kept(Random(seed), carry=carry)
    return comparable(model) != comparable(truth)
