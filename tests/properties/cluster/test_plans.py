"""Whatever the cluster, plans are legal at every prefix and keep the strategy's promises."""

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricTable
from domain.optimization.algorithms.emptying import EMPTIES_HOST, FREES_HOST
from domain.optimization.algorithms.utilisation import UtilisationNeeds, utilisation
from domain.optimization.goals import validate_indicators
from domain.optimization.solution import Solution
from domain.optimization.strategies.vm_workload_consolidation import (
    CPU_HEADROOM,
    MEMORY_HEADROOM,
    ConsolidationParameters,
)
from domain.plans.action_types import migrate
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.verification import verify_plan
from tests.properties.cluster import generate
from tests.properties.cluster.audits import is_json, residents_after
from tests.world.optimization import strategy_context, weigh
from tests.world.plugins import ACTION_TYPES, GOALS, STRATEGIES

SEEDS = st.integers(min_value=0, max_value=2**32)
DEFAULT = PlacementPolicy()
CONSOLIDATION = STRATEGIES["vm_workload_consolidation"]


def metrics(rng: Random, model: ComputeModel) -> MetricTable:
    known = rng.choice((0.0, 0.7, 1.0))
    values: dict[str, dict[str, float | None]] = {
        "instance_cpu_usage": {s: rng.choice((0.0, 20.0, 95.0)) for s in model.servers.id},
        "instance_ram_usage": {s: rng.random() * 2048 for s in model.servers.id},
        "host_cpu_usage": {h: rng.random() * 100 for h in model.hosts.id},
    }
    needs = CONSOLIDATION.requirements(ConsolidationParameters()).metrics
    kept = {
        need: {k: v for k, v in values.get(need.name, {}).items() if rng.random() < known}
        for need in needs
    }
    return MetricTable.from_values(model, kept)


def random_legal_moves(
    rng: Random, model: ComputeModel, load: MeasuredLoad | None, policy: PlacementPolicy = DEFAULT
) -> Solution:
    """Moves that are legal one after the other, each server at most once."""
    branch, rules = Branch(model, load), policy.constraints(model)
    actions: list[ProposedAction] = []
    for server in rng.sample(range(len(model.servers)), len(model.servers)):
        legal = np.flatnonzero(rules.legal_hosts(branch, server))
        if len(legal):
            destination = int(rng.choice(legal.tolist()))
            branch.move(server, destination)
            because = Cause(FREES_HOST)
            actions.append(migrate(model, server, destination, "live", because))
    return Solution(tuple(actions), load=load)


@settings(max_examples=300, deadline=None)
@given(seed=SEEDS)
def test_the_weight_planner_keeps_legal_moves_legal_with_several_in_flight(seed: int) -> None:
    rng = Random(seed)
    model = generate.cluster(rng)
    load = generate.load(rng, model)
    policy = generate.policy(rng, model)
    solution = random_legal_moves(rng, model, load, policy)
    planned = weigh(solution, model, policy)
    assert verify_plan(model, planned, load, policy, action_types=ACTION_TYPES) == []


def test_without_barriers_some_plans_break_rules() -> None:
    """The control: the same moves, all at once, are found out."""
    found = 0
    for seed in range(120):
        rng = Random(seed)
        model = generate.cluster(rng)
        load = generate.load(rng, model)
        solution = random_legal_moves(rng, model, load)
        planned = [PlannedAction(action, ()) for action in solution.actions]
        found += bool(verify_plan(model, planned, load, action_types=ACTION_TYPES))
    assert found > 10


@settings(max_examples=250, deadline=None)
@given(seed=SEEDS)
def test_consolidation_keeps_its_promises_on_any_cluster(seed: int) -> None:
    rng = Random(seed)
    model = generate.cluster(rng)
    table, policy = metrics(rng, model), generate.policy(rng, model)
    solution, again = (
        CONSOLIDATION.solve(strategy_context(CONSOLIDATION, model, table, placement=policy))
        for _ in range(2)
    )
    assert solution == again
    validate_indicators(GOALS["server_consolidation"], solution.indicators)
    moves = [action for action in solution.actions if action.type == "migrate"]
    assert len({move.resource_id for move in moves}) == len(moves)
    for action in solution.actions:
        assert is_json(action.parameters)
        assert is_json(action.because.facts)
        assert "<" not in str(action.because)
    freeing = [m for m in moves if m.because.reason == EMPTIES_HOST]
    left = residents_after(model, solution)
    assert all(not left[str(move.parameters["source_node"])] for move in freeing)
    use = utilisation(
        model,
        table,
        UtilisationNeeds.of(3600, 300),
        cpu_headroom=CPU_HEADROOM,
        memory_headroom=MEMORY_HEADROOM,
    )
    assert (
        verify_plan(
            model, weigh(solution, model, policy), use.load, policy, action_types=ACTION_TYPES
        )
        == []
    )


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_only_empty_hosts_are_disabled_and_never_the_last_in_service(seed: int) -> None:
    """Whatever it disables is empty, and it never disables the last host in service."""
    rng = Random(seed)
    model = generate.cluster(rng)
    context = strategy_context(CONSOLIDATION, model, metrics(rng, model))
    solution = CONSOLIDATION.solve(context)
    left = residents_after(model, solution)
    disabled = [a for a in solution.actions if a.parameters.get("state") == "disabled"]
    assert all(not left[str(action.parameters["resource_name"])] for action in disabled)
    serving = np.count_nonzero(model.enabled & model.up)
    assert serving == 0 or len(disabled) < serving
