"""Balancing the pools of any cloud: legal in any order, explained truly, and finished."""

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.kernel.typed_values import typed
from domain.cluster.storage.model import StorageModel
from domain.optimization.algorithms.volumes import VOLUME_CANNOT_LEAVE
from domain.optimization.context import StrategyContext
from domain.optimization.goals import validate_indicators
from domain.optimization.solution import Solution
from domain.optimization.strategies.storage_capacity_balance import (
    OVER_THRESHOLD,
    POOL_STAYS_OVER,
    REACHES_THRESHOLD,
    CapacityOptions,
)
from domain.plans.verification import verify_plan
from tests.properties.cluster import generate
from tests.properties.cluster.audits import is_json
from tests.properties.cluster.test_zones import storage
from tests.properties.cluster.volumes import why_volume_stays
from tests.world.optimization import weigh
from tests.world.plugins import ACTION_TYPES, GOALS, STRATEGIES

SEEDS = st.integers(min_value=0, max_value=2**32)
BALANCE = STRATEGIES["storage_capacity_balance"]
RULES = {
    "down": "BackendUp",
    "disabled": "BackendEnabled",
    "zone": "PoolZone",
    "type": "PoolOfType",
    "full": "PoolCapacity",
}
"""Names of the rules for pools: of the checker → of the product."""


def audit(rng: Random) -> StrategyContext[Any]:
    model = generate.cluster(rng)
    threshold = rng.choice((20.0, 50.0, 80.0))
    return StrategyContext(
        parameters=typed({"volume_threshold": threshold}, BALANCE.parameters),
        options=CapacityOptions(),
        compute=model,
        storage=storage(rng, model),
    )


def shares(found: StrategyContext[Any], solution: Solution) -> dict[str, tuple[float, float]]:
    """Pool → used share before and after the plan; pools without known capacity are left out."""
    model: Any = found.storage
    more: Counter[str] = Counter()
    for action in solution.actions:
        facts: Any = action.because.facts
        more[facts["source"]] -= facts["size"]
        more[facts["destination"]] += facts["size"]
    rows = zip(model.pools.name, model.pools.total_gb, model.pools.free_gb, strict=True)
    return {
        name: (float(1 - free / total), float(1 - (free - more[name]) / total))
        for name, total, free in rows
        if total > 0 and free <= total
    }


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_volumes_leave_full_pools_only_and_fill_none(seed: int) -> None:
    found, again = audit(Random(seed)), audit(Random(seed))
    solution = BALANCE.solve(found)
    assert solution == BALANCE.solve(again)
    assert found.alternatives.kept == again.alternatives.kept
    validate_indicators(GOALS["workload_balancing"], solution.indicators)
    planned = weigh(solution, found.compute, found.placement)
    legal = verify_plan(found.compute, planned, action_types=ACTION_TYPES, storage=found.storage)
    assert legal == []
    limit = found.parameters.volume_threshold / 100
    share = shares(found, solution)
    incoming: Counter[str] = Counter()
    for action in solution.actions:
        facts: Any = action.because.facts
        incoming[facts["destination"]] += facts["size"]
    for action in solution.actions:
        facts = action.because.facts
        assert is_json(facts)
        assert "<" not in str(action.because)
        source, pool, size = facts["source"], facts["destination"], facts["size"]
        assert share[source][0] >= limit - 1e-9
        assert share[pool][1] < limit
        kind = action.parameters.get("destination_type")
        before = incoming[pool] - size
        assert why_volume_stays(found, action.resource_id, pool, before, kind) == set()
    over = {name for name, (_, after) in share.items() if after >= limit + 1e-9}
    named = {note.facts["pool"] for note in solution.notes if note.reason == POOL_STAYS_OVER}
    assert named <= {name for name, (_, after) in share.items() if after >= limit - 1e-9}
    if any(note.reason == POOL_STAYS_OVER for note in solution.notes):
        assert over <= named


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_a_volume_stays_for_the_reasons_that_are_stated(seed: int) -> None:
    found = audit(Random(seed))
    solution = BALANCE.solve(found)
    model: StorageModel = found.storage  # type: ignore[assignment]
    incoming: Counter[str] = Counter()
    for action in solution.actions:
        facts: Any = action.because.facts
        incoming[facts["destination"]] += facts["size"]
    for rejection in found.alternatives.kept:
        facts = rejection.because.facts
        if rejection.because.reason != VOLUME_CANNOT_LEAVE:
            continue
        volume = str(rejection.subject.id)  # type: ignore[union-attr]
        broken = {
            name: why_volume_stays(found, volume, name, incoming[name])
            for name in model.pools.name
            if name != facts["pool"]
        }
        fixed = set.intersection(*broken.values()) - set(RULES)
        assert bool(fixed) == ("refused" not in facts)
        if fixed:
            continue
        counts = Counter(RULES[rule] for rules in broken.values() for rule in rules)
        assert facts["refused"] == dict(counts)
        free = [name for name, rules in broken.items() if not rules]
        assert sum(facts["unwanted"].values()) == len(free)


def test_random_pools_do_need_balancing() -> None:
    """The control: most of the tests above would hold of plans without actions."""
    kinds: Counter[str] = Counter()
    for seed in range(300):
        found = audit(Random(seed))
        for action in BALANCE.solve(found).actions:
            kinds[str(action.parameters["migration_type"])] += 1
        for one in found.alternatives.kept:
            unwanted: Any = one.because.facts.get("unwanted", {})
            kinds.update(unwanted.keys())
    assert kinds["migrate"] > 50
    assert kinds["retype"] > 5
    assert kinds[REACHES_THRESHOLD] > 5
    assert kinds[OVER_THRESHOLD] > 5
