"""Strategies that offload hosts, on any cluster: legal at every prefix, and explained truly."""

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cluster.compute.model import ComputeModel
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.optimization.algorithms.draining import SERVER_CANNOT_LEAVE
from domain.optimization.algorithms.offloading import CANNOT_BE_LEFT
from domain.optimization.context import StepBudget, StrategyContext
from domain.optimization.strategies.uniform_airflow import LEAVES_FAULTY_HOST
from tests.properties.cluster import audits, generate
from tests.properties.cluster.audits import (
    Values,
    context,
    counted,
    promised,
    verifier,
)
from tests.world.plugins import STRATEGIES

SEEDS = st.integers(min_value=0, max_value=2**32)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("noisy_neighbor", {"max_hosts": 0}),
    ("noisy_neighbor", {"cache_threshold": 10.0}),
    ("outlet_temperature", {"max_hosts": 0, "threshold": 30.0}),
    ("outlet_temperature", {"margin": 4.0}),
    ("uniform_airflow", {"max_hosts": 0, "threshold_airflow": 200.0}),
    ("uniform_airflow", {}),
]
ONE_EACH = ("noisy_neighbor", "outlet_temperature")


def measured(rng: Random, model: ComputeModel) -> Values:
    """Metric (of a period, where that matters) → id → value; of some it is unknown."""
    hosts = [one for one in model.hosts.id if rng.random() < 0.9]
    servers = [one for one in model.servers.id if rng.random() < 0.9]
    return {
        "host_outlet_temp": {one: rng.uniform(20, 45) for one in hosts},
        "host_airflow": {one: rng.uniform(50, 600) for one in hosts},
        "host_inlet_temp": {one: rng.choice((20.0, 30.0)) for one in hosts},
        "host_power": {one: rng.choice((200.0, 400.0)) for one in hosts if rng.random() < 0.9},
        "instance_cpu_usage": {one: rng.choice((0.0, 20.0, 95.0)) for one in servers},
        "instance_l3_cache_usage 100": {one: rng.choice((0.0, 2e6, 8e6)) for one in servers},
        "instance_l3_cache_usage 200": {one: rng.choice((0.0, 2e6, 6e6)) for one in servers},
    }


def audit(seed: int, name: str, given: dict[str, Any]) -> StrategyContext[Any]:
    return audits.audit(Random(seed), name, given, measured)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, case=st.sampled_from(CASES))
def test_plans_keep_their_promises_on_any_cluster(
    seed: int, case: tuple[str, dict[str, Any]]
) -> None:
    name, parameters = case
    found = audit(seed, name, parameters)
    solution = promised(name, found, audit(seed, name, parameters))
    model = found.compute
    if not len(model.hosts):
        assert [note.reason for note in solution.notes] == [MODEL_EMPTY]
        return
    assert solution.actions or solution.notes
    moved = [action.resource_id for action in solution.actions]
    assert len(set(moved)) == len(moved)
    for action in solution.actions:
        source = model.hosts.name[int(model.servers.host[model.server_places[action.resource_id]])]
        assert action.parameters["source_node"] == source
    relieved = {str(action.parameters["source_node"]) for action in solution.actions}
    assert len(relieved) <= (parameters.get("max_hosts", 1) or len(model.hosts))
    if name in ONE_EACH:
        taking = [action.parameters["destination_node"] for action in solution.actions]
        assert len(set(taking)) == len(taking) == len(relieved)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, case=st.sampled_from(CASES))
def test_a_host_stays_for_the_reasons_that_are_stated(
    seed: int, case: tuple[str, dict[str, Any]]
) -> None:
    """Each count of refused hosts is recomputed with the verifier, and no host is left out."""
    name, parameters = case
    found = audit(seed, name, parameters)
    solution = STRATEGIES[name].solve(found)
    checker, model = verifier(found, solution), found.compute
    names = {one or model.servers.id[at]: at for at, one in enumerate(model.servers.name)}
    for kept in found.alternatives.kept:
        facts: Any = kept.because.facts
        in_between = kept.because.reason == CANNOT_BE_LEFT and (facts["moved"] or solution.actions)
        if "refused" not in facts or in_between:
            continue
        server = names[facts["server"]]
        here = int(model.servers.host[server])
        assert model.hosts.name[here] == facts["host"]
        counted(checker, facts, server, here, len(model.hosts))


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_all_servers_leave_a_faulty_host_but_those_that_are_named(seed: int) -> None:
    found = audit(seed, "uniform_airflow", {"threshold_airflow": 100.0})
    solution = STRATEGIES["uniform_airflow"].solve(found)
    leaving = [one for one in solution.actions if one.because.reason == LEAVES_FAULTY_HOST]
    if not leaving:
        return
    host = found.compute.host_places[str(leaving[0].parameters["source_node"])]
    here = np.flatnonzero(found.compute.servers.host == host)
    named = {
        one.subject.id
        for one in found.alternatives.kept
        if one.because.reason == SERVER_CANNOT_LEAVE and not isinstance(one.subject, str)
    }
    gone = {action.resource_id for action in leaving}
    assert gone | named == {found.compute.servers.id[int(server)] for server in here}


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, case=st.sampled_from(CASES), steps=st.integers(min_value=0, max_value=6))
def test_a_search_that_ends_early_has_the_beginning_of_the_plan(
    seed: int, case: tuple[str, dict[str, Any]], steps: int
) -> None:
    name, parameters = case
    rng = Random(seed)
    model = generate.cluster(rng)
    values = measured(rng, model)
    whole = STRATEGIES[name].solve(context(name, parameters, model, values))
    short = context(name, parameters, model, values, budget=StepBudget(steps))
    part = STRATEGIES[name].solve(short).actions
    assert part == whole.actions[: len(part)]


def test_random_clusters_do_need_offloading() -> None:
    """The control: most of the tests above would hold of plans without actions."""
    moves = dict.fromkeys(STRATEGIES, 0)
    stays = dict.fromkeys(STRATEGIES, 0)
    faulty = 0
    for seed in range(150):
        for name, parameters in CASES:
            found = audit(seed, name, parameters)
            solution = STRATEGIES[name].solve(found)
            moves[name] += len(solution.actions)
            stays[name] += sum("refused" in one.because.facts for one in found.alternatives.kept)
            faulty += sum(one.because.reason == LEAVES_FAULTY_HOST for one in solution.actions)
    for name in {name for name, _ in CASES}:
        assert moves[name] > 20, name
        assert stays[name] > 20, name
    assert faulty > 10
