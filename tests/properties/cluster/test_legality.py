"""The vectorised rules and the plain checker give the same verdicts, rule by rule."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cluster.branch import Branch
from domain.cluster.columns import BoolArray
from domain.cluster.rules.room import Room
from domain.kernel.reasons import Because
from tests.properties.cluster import generate
from tests.properties.cluster.fuzz import fuzz
from tests.properties.cluster.walk import Disagreement, Tally, Walk

SEEDS = st.integers(min_value=0, max_value=2**32)


class BlindToTheLastRow(Room):
    """A seeded defect: the room rule forgets one resource."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        mask = np.ones(len(branch.model.hosts), dtype=np.bool_)
        for row in np.flatnonzero(branch.needs[server][:-1]):
            mask &= branch.amounts[row] + branch.needs[server, row] <= branch.limits[row]
        return mask

    def why(self, branch: Branch, server: int, host: int) -> Because:
        raise NotImplementedError


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_arrays_and_checker_agree_along_any_walk(seed: int) -> None:
    Walk(Random(seed), Tally()).run(60)


def test_every_rule_refuses_something_on_the_walks() -> None:
    tally = fuzz(steps=6_000, seed=7)
    assert set(tally.refusals) == {
        *("Alive", "WhollyKnown", "Zone", "AggregateWishes", "ReservedForProjects"),
        *("ReservedForTraits", "Traits", "FencesAndBans", "Elsewhere", "Open", "Room"),
        *("Affinity", "AntiAffinity", "Flights", "Movable"),
    }
    assert tally.legal > tally.verdicts / 20


def test_a_forgotten_resource_is_found_by_the_walk() -> None:
    """The control: with a defect in one rule the two do not agree for long."""
    for seed in range(500):
        walk = Walk(Random(seed), Tally())
        rules = [BlindToTheLastRow() if isinstance(r, Room) else r for r in walk.rules._dynamic]
        walk.rules._dynamic = rules
        try:
            walk.run(60)
        except (Disagreement, NotImplementedError):
            return
    pytest.fail("the defect was not found")


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_undoing_every_step_restores_every_figure_exactly(seed: int) -> None:
    walk = Walk(Random(seed), Tally())
    before = Branch(walk.model, walk.branch.load)
    walk.run(60)
    for server in sorted(walk.branch.moving):
        walk.branch.finish(server)
    walk.branch.rollback()
    assert np.array_equal(walk.branch.amounts, before.amounts)
    assert np.array_equal(walk.branch.count, before.count)
    assert np.array_equal(walk.branch.host_of, before.host_of)
    assert np.array_equal(walk.branch.enabled, before.enabled)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_a_replayed_log_leads_to_the_same_placement(seed: int) -> None:
    rng = Random(seed)
    model = generate.cluster(rng)
    first, second = Branch(model), Branch(model)
    for _ in range(20 if len(model.servers) else 0):
        first.move(rng.randrange(len(model.servers)), rng.randrange(len(model.hosts)))
    second.replay(first.to_log())
    assert second.steps == first.steps
    assert np.array_equal(first.amounts, second.amounts)
    assert first.diff(second) == ()
