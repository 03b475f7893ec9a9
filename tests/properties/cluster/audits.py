"""What a strategy gets for a random cluster, and the cluster and the verifier after its plan."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from application.kernel.typed_values import typed
from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import coded
from domain.cluster.verifier.verifier import Verifier
from domain.metrics.catalogue import MetricTable
from domain.optimization.context import ObservedMove, StrategyContext
from domain.optimization.solution import Solution
from domain.plans.verification import verify_plan
from tests.properties.cluster import generate
from tests.world.optimization import weigh
from tests.world.plugins import ACTION_TYPES, STRATEGIES

Values = dict[str, dict[str, float]]
"""Metric, or ``metric period`` where the period matters → id → value."""


def flights(rng: Random, model: ComputeModel) -> tuple[ObservedMove, ...]:
    """Sometimes a server in flight."""
    if rng.random() < 0.7 or not len(model.servers):
        return ()
    place = rng.randrange(len(model.servers))
    source = model.hosts.name[int(model.servers.host[place])]
    destination = rng.choice(model.hosts.name)
    return (ObservedMove(model.servers.id[place], source, destination, 9.0, finished=False),)


def audit(
    rng: Random, name: str, given: dict[str, Any], measure: Callable[[Random, ComputeModel], Values]
) -> StrategyContext[Any]:
    """An audit of a random cluster with all rules; ``measure`` gives its metrics."""
    model = generate.cluster(rng)
    policy, values = generate.policy(rng, model), measure(rng, model)
    return context(name, given, model, values, placement=policy, moves=flights(rng, model))


def promised(name: str, found: StrategyContext[Any], again: StrategyContext[Any]) -> Solution:
    """What a strategy proposes, if it keeps the promises of all: two equal audits give the same,
    the plan is legal at every prefix, and all that is said can be stored and read.
    """
    solution, model = STRATEGIES[name].solve(found), found.compute
    assert solution == STRATEGIES[name].solve(again)
    assert found.alternatives.kept == again.alternatives.kept
    assert {one.server for one in found.moves}.isdisjoint(a.resource_id for a in solution.actions)
    said = [action.because for action in solution.actions]
    for because in (*said, *solution.notes, *(one.because for one in found.alternatives.kept)):
        assert is_json(because.facts)
        assert "<" not in str(because)
    planned = weigh(solution, model, found.placement)
    broken = verify_plan(model, planned, solution.load, found.placement, action_types=ACTION_TYPES)
    assert broken == []
    return solution


def counted(checker: Verifier, facts: Any, server: int, here: int, hosts: int) -> list[int]:
    """Compares the refusals that a strategy states with those of the verifier.

    Returns:
        The hosts that the rules allow.
    """
    others = [host for host in range(hosts) if host != here]
    broken = {host: checker.broken(server, host) for host in others}
    assert facts["refused"] == dict(Counter(rule for one in broken.values() for rule in one))
    assert facts["candidates"] == len(others)
    legal = [host for host in others if not broken[host]]
    assert sum(facts["unwanted"].values()) == len(legal)
    return legal


def context(
    name: str, given: dict[str, Any], model: ComputeModel, values: Values, **more: Any
) -> StrategyContext[Any]:
    """What a strategy gets; ``more``: further fields of it."""
    strategy = STRATEGIES[name]
    parameters = typed(given, strategy.parameters)
    columns = {
        need: values.get(need.name, values.get(f"{need.name} {need.period:g}", {}))
        for need in strategy.requirements(parameters).metrics
    }
    return StrategyContext(
        parameters=parameters,
        options=strategy.options(),
        compute=model,
        metrics=MetricTable.from_values(model, columns),
        **more,
    )


def after(model: ComputeModel, solution: Solution) -> ComputeModel:
    """The model once the plan is done."""
    host, old = model.servers.host.copy(), model.hosts.status
    status = [old[place] for place in range(len(old))]
    for action in solution.actions:
        if action.type == "migrate":
            place = model.host_places[str(action.parameters["destination_node"])]
            host[model.server_places[action.resource_id]] = place
        else:
            place = model.host_places[str(action.parameters["resource_name"])]
            status[place] = str(action.parameters["state"])
    hosts = replace(model.hosts, status=coded(status))
    return replace(model, hosts=hosts, servers=replace(model.servers, host=host))


def verifier(found: StrategyContext[Any], solution: Solution) -> Verifier:
    """The independent verifier after the migrations of a solution, each of which is legal."""
    model, policy = found.compute, found.placement
    checker = Verifier(
        model,
        solution.load,
        policy.operator,
        policy.limits,
        keep_zone=policy.keep_zone,
        numa_certain=policy.numa_certain,
    )
    for action in solution.actions:
        if action.parameters.get("state") == "enabled":
            checker.enable(model.host_places[str(action.parameters["resource_name"])])
        if action.type == "migrate":
            place = model.server_places[action.resource_id]
            host = model.host_places[str(action.parameters["destination_node"])]
            assert checker.broken(place, host) == set()
            checker.start_move(place, host)
            checker.finish_move(place)
    return checker


def residents_after(model: ComputeModel, solution: Solution) -> dict[str, set[str]]:
    at = {s: model.hosts.name[h] for s, h in zip(model.servers.id, model.servers.host, strict=True)}
    for action in solution.actions:
        if action.type == "migrate":
            at[action.resource_id] = str(action.parameters["destination_node"])
    left: dict[str, set[str]] = {name: set() for name in model.hosts.name}
    for server, host in at.items():
        left[host].add(server)
    return left


def is_json(value: object) -> bool:
    """Nothing but the plain types that any encoder knows."""
    if type(value) is dict:
        return all(type(key) is str and is_json(item) for key, item in value.items())
    if type(value) is list:
        return all(is_json(item) for item in value)
    return value is None or type(value) in (str, int, float, bool)
