"""The rules and the verifier give the same verdicts, rule by rule."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cluster.placement.branch import Branch, Move
from domain.cluster.placement.rules import numa as numa_rule
from domain.cluster.placement.rules.capacity import Capacity
from domain.cluster.placement.rules.numa import NumaTopology
from domain.cluster.placement.rules.rule import BranchRule
from domain.cluster.table.columns import BoolArray
from domain.kernel.reasons import Cause
from tests.properties.cluster import generate
from tests.properties.cluster.fuzz import fuzz
from tests.properties.cluster.walk import Disagreement, Tally, Walk

SEEDS = st.integers(min_value=0, max_value=2**32)


class IgnoresLastResource(Capacity):
    """A seeded defect: the capacity rule ignores one resource."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        mask = np.ones(len(branch.model.hosts), dtype=np.bool_)
        for row in np.flatnonzero(branch.needs[server][:-1]):
            mask &= branch.amounts[row] + branch.needs[server, row] <= branch.limits[row]
        return mask

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        raise NotImplementedError


class IgnoresForeignAllocations(Capacity):
    """A seeded defect: foreign allocations count as free."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        held = branch.model.foreign_allocated
        branch.amounts[: len(held)] -= held
        mask = super().allowed(branch, server)
        branch.amounts[: len(held)] += held
        return mask


class FreesSourceAtStart(Branch):
    """A seeded defect: NUMA cells at the source are free as soon as a move starts."""

    def start_move(self, server: int, destination: int) -> None:
        super().start_move(server, destination)
        if self.numa is not None:
            self.numa.drop(server, int(self.host_of[server]))

    def finish_move(self, server: int) -> Move:
        if self.numa is not None:
            self.numa.carry(server, int(self.host_of[server]))
        return super().finish_move(server)


class IgnoresKnownCells(NumaTopology):
    """A seeded defect: use of NUMA cells counts per host, but not per cell."""

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        if branch.numa is None:
            return super().allowed(branch, server)
        numa = branch.model.numa
        assert numa is not None
        free, branch.numa.free = branch.numa.free, numa.limit
        mask = super().allowed(branch, server)
        branch.numa.free = free
        return mask


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS)
def test_arrays_and_verifier_agree_along_any_walk(seed: int) -> None:
    Walk(Random(seed), Tally()).run(60)


def test_every_rule_refuses_something_on_the_walks() -> None:
    tally = fuzz(steps=12_000, seed=7)
    assert set(tally.refusals) == {
        *(
            "ServiceUp",
            "FullyObserved",
            "AvailabilityZone",
            "AggregateExtraSpecs",
            "ReservedForProjects",
        ),
        *(
            "ReservedForTraits",
            "RequiredTraits",
            "FencesAndBans",
            "NotCurrentHost",
            "ServiceEnabled",
            "Capacity",
        ),
        *("Affinity", "AntiAffinity", "MigrationConcurrency", "Movable", "NumaTopology"),
    }
    assert tally.legal > tally.verdicts / 20


def replace_rule(walk: Walk, kind: type[BranchRule], defective: BranchRule) -> None:
    """Puts a defective rule in the place of a rule."""
    rules = walk.rules
    rules._rules = [defective if isinstance(r, kind) else r for r in rules._rules]
    rules._dynamic = [defective if isinstance(r, kind) else r for r in rules._dynamic]


def is_detected(seed_defect: Callable[[Walk], None]) -> bool:
    """Whether walks with a defect end in a disagreement."""
    for seed in range(500):
        walk = Walk(Random(seed), Tally())
        seed_defect(walk)
        try:
            walk.run(60)
        except (Disagreement, NotImplementedError):
            return True
    return False


def test_an_ignored_resource_is_found_by_the_walk() -> None:
    """The control: a defect in one rule leads to a disagreement."""

    assert is_detected(lambda walk: replace_rule(walk, Capacity, IgnoresLastResource()))


def test_ignored_foreign_allocations_are_found_by_the_walk() -> None:
    """The control of allocations that belong to no server on the host."""

    assert is_detected(lambda walk: replace_rule(walk, Capacity, IgnoresForeignAllocations()))


def test_numa_cells_that_are_freed_too_early_are_found_by_the_walk() -> None:
    """The control of double use: during a move the server's cells count on both hosts."""

    def seed_defect(walk: Walk) -> None:
        walk.branch = FreesSourceAtStart(walk.model, walk.branch.load)

    assert is_detected(seed_defect)


def test_ignored_numa_cells_are_found_by_the_walk() -> None:
    """The control of known cells."""

    def seed_defect(walk: Walk) -> None:
        [rule] = [r for r in walk.rules._dynamic if isinstance(r, NumaTopology)]
        replace_rule(walk, NumaTopology, IgnoresKnownCells(certain=rule.certain))

    assert is_detected(seed_defect)


def test_one_host_cell_for_two_of_a_guest_is_found_by_the_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control of the matching: each cell of a guest needs a cell of the host of its own."""

    def careless(free: Sequence[BoolArray], counts: Sequence[int]) -> BoolArray:
        assert len(free) == len(counts)
        return np.asarray(np.logical_and.reduce([one.any(axis=0) for one in free]))

    monkeypatch.setattr(numa_rule, "matched", careless)
    assert is_detected(lambda _: None)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_undoing_every_step_restores_every_figure_exactly(seed: int) -> None:
    walk = Walk(Random(seed), Tally())
    before = Branch(walk.model, walk.branch.load)
    walk.run(60)
    for server in sorted(walk.branch.moving):
        walk.branch.finish_move(server)
    walk.branch.rollback()
    assert np.array_equal(walk.branch.amounts, before.amounts)
    assert np.array_equal(walk.branch.count, before.count)
    assert np.array_equal(walk.branch.host_of, before.host_of)
    assert np.array_equal(walk.branch.enabled, before.enabled)
    if walk.branch.numa is not None and before.numa is not None:
        assert np.array_equal(walk.branch.numa.asked, before.numa.asked)
        assert np.array_equal(walk.branch.numa.free, before.numa.free)
        assert np.array_equal(walk.branch.numa.loose, before.numa.loose)


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
