"""What a strategy gets for a random cluster, and the cluster and the verifier after its plan."""

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
from tests.world.plugins import STRATEGIES

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
