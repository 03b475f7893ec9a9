"""workload_balance and workload_stabilization: the conformance vectors, and their parameters."""

from collections.abc import Mapping
from typing import Any

import pytest

from application.commands.parameters import completed
from application.kernel.typed_values import typed
from domain.cluster.compute.model import ComputeModel
from domain.kernel.errors import InvalidValue
from domain.metrics.catalogue import MetricTable
from domain.optimization.algorithms.offloading import NOTHING_MEASURED
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.workload_balance import (
    NOT_OVER_FOR_LONG,
    STAYS_OVER_THRESHOLD,
    BalanceParameters,
)
from domain.optimization.strategies.workload_stabilization import (
    SPREAD_NOT_HELD,
    SPREAD_STAYS,
    STAYS_LOADED,
    StabilizationParameters,
)
from tests.unit.cluster.build import host, model, server
from tests.world.plugins import STRATEGIES

Values = Mapping[str, Mapping[str, float]]
BALANCE, STABILIZATION = STRATEGIES["workload_balance"], STRATEGIES["workload_stabilization"]


def context(
    strategy: Any, cloud: ComputeModel, values: Values, parameters: Mapping[str, object]
) -> StrategyContext[Any]:
    """Values by metric, or by metric and aggregate (``instance_cpu_usage min``)."""
    whole = completed(dict(strategy.parameters_schema), dict(parameters))
    given = typed(whole, strategy.parameters)
    needs = strategy.requirements(given).metrics
    found = {
        need: values.get(f"{need.name} {need.aggregate}", values.get(need.name, {}))
        for need in needs
    }
    return StrategyContext(
        parameters=given, compute=cloud, metrics=MetricTable.from_values(cloud, found)
    )


TIMES = ("before", "after")


def moves(solution: Solution) -> list[tuple[object, ...]]:
    wanted = ("resource_name", "source_node", "destination_node", "migration_type")
    return [tuple(action.parameters[key] for key in wanted) for action in solution.actions]


def cloud_w1() -> tuple[ComputeModel, Values]:
    servers = [server(0, 0, vcpus=8), server(1, 0, vcpus=4), server(2, 1)]
    use = {f"s{n}": 80.0 for n in range(3)}
    return model([host(0), host(1), host(2)], servers), {"instance_cpu_usage": use}


def cloud_s1() -> tuple[ComputeModel, Values]:
    hosts = [host(0), host(1, memory_mb=2048)]
    servers = [*(server(n, 0, memory_mb=32000) for n in range(2)), server(2, 1)]
    use = {f"s{n}": 80.0 for n in range(3)}
    values = {"instance_cpu_usage": use, "host_cpu_usage": {"h0": 90.0, "h1": 5.0}}
    return model(hosts, servers), values


def test_vector_w1_cpu_goes_to_the_coolest_host() -> None:
    solution = BALANCE.solve(context(BALANCE, *cloud_w1(), {"threshold": 25.0}))
    assert moves(solution) == [("vm1", "c0", "c2", "live")]
    assert solution.indicators["instance_migrations_count"] == 1
    assert solution.indicators["instances_count"] == 3


def test_vector_w2_memory() -> None:
    hosts = [host(n, memory_mb=10000) for n in range(2)]
    servers = [server(n, 0, memory_mb=1000) for n in range(3)]
    values = {"instance_ram_usage": {f"s{n}": 1000.0 for n in range(3)}}
    wanted = {"metrics": "instance_ram_usage", "threshold": 25.0}
    solution = BALANCE.solve(context(BALANCE, model(hosts, servers), values, wanted))
    assert moves(solution) == [("vm0", "c0", "c1", "live")]


def test_vector_s1_is_refused_because_the_host_is_full() -> None:
    """The original sends 64 GB of servers to a host of 2 GB."""
    found = context(STABILIZATION, *cloud_s1(), {"host_choice": "fullsearch"})
    solution = STABILIZATION.solve(found)
    assert solution.actions == ()
    assert solution.indicators["standard_deviation_before_audit"] == 0.425
    assert [note.reason for note in solution.notes] == [SPREAD_STAYS]
    (kept,) = found.alternatives.kept
    assert kept.because.reason == STAYS_LOADED
    assert kept.because.facts["refused"] == {"Capacity": 1}


def test_vector_s2_an_empty_model() -> None:
    solution = STABILIZATION.solve(context(STABILIZATION, model([], []), {}, {}))
    assert solution.actions == ()


def test_a_move_says_what_it_does_to_both_hosts() -> None:
    solution = BALANCE.solve(context(BALANCE, *cloud_w1(), {}))
    facts = solution.actions[0].because.facts
    figures = [facts[f"{end}_{when}"] for end in ("source", "destination") for when in TIMES]
    assert figures == [60.0, 40.0, 0.0, 20.0]


def test_an_active_server_without_a_metric_on_an_overloaded_host_does_no_harm() -> None:
    """The original fails with KeyError. The known part alone is over the threshold."""
    servers = [server(0, 0, vcpus=8), server(1, 0, vcpus=4)]
    cloud = model([host(0), host(1, vcpus=32)], servers)
    values = {"instance_cpu_usage": {"s1": 80.0}}
    over = BALANCE.solve(context(BALANCE, cloud, values, {"threshold": 20.0}))
    assert moves(over) == [("vm1", "c0", "c1", "live")]
    perhaps = BALANCE.solve(context(BALANCE, cloud, values, {"threshold": 30.0}))
    assert moves(perhaps) == []


def test_the_reason_of_a_host_that_stays_counts_hosts_per_rule() -> None:
    cloud, values = cloud_w1()
    found = context(BALANCE, cloud, values, {})
    BALANCE.solve(found)
    (kept,) = found.alternatives.kept
    assert kept.because.reason == STAYS_OVER_THRESHOLD
    assert kept.because.facts["server"] == "vm0"
    assert kept.because.facts["candidates"] == 2
    assert kept.because.facts["unwanted"] == {"that would reach the limit": 2}


def test_a_host_that_is_over_the_threshold_for_a_moment_is_left_alone() -> None:
    cloud, values = cloud_w1()
    calm = {"instance_cpu_usage min": {f"s{n}": 10.0 for n in range(3)}, **values}
    found = context(BALANCE, cloud, calm, {"hold": 1800})
    assert moves(BALANCE.solve(found)) == []
    assert [one.because.reason for one in found.alternatives.kept] == [NOT_OVER_FOR_LONG]
    lasting = {"instance_cpu_usage min": {f"s{n}": 60.0 for n in range(3)}, **values}
    assert moves(BALANCE.solve(context(BALANCE, cloud, lasting, {"hold": 1800})))


def test_a_spread_over_the_threshold_for_a_moment_is_left_alone() -> None:
    hosts, servers = [host(0), host(1)], [server(n, 0, vcpus=4) for n in range(2)]
    values = {
        "instance_cpu_usage": {"s0": 80.0, "s1": 80.0},
        "host_cpu_usage": {"h0": 40.0, "h1": 0.0},
    }
    cloud = model(hosts, servers)
    assert moves(STABILIZATION.solve(context(STABILIZATION, cloud, values, {})))
    found = context(STABILIZATION, cloud, values, {"hold": 3600})
    assert found.metrics.values.keys() == set(STABILIZATION.requirements(found.parameters).metrics)
    long = {need: column for need, column in found.metrics.values.items() if need.period == 3600}
    (need,) = long
    calm = MetricTable({**found.metrics.values, need: long[need] * 0.1})
    calmer = StrategyContext(parameters=found.parameters, compute=cloud, metrics=calm)
    solution = STABILIZATION.solve(calmer)
    assert [note.reason for note in solution.notes] == [SPREAD_NOT_HELD]


def test_only_the_chosen_metrics_are_required() -> None:
    def names(strategy: Any, **parameters: object) -> list[str]:
        given = typed(parameters, strategy.parameters)
        return [need.name for need in strategy.requirements(given).metrics]

    assert names(BALANCE, metrics="instance_ram_usage") == ["instance_ram_usage"]
    assert names(STABILIZATION) == ["host_cpu_usage", "instance_cpu_usage"]
    both = names(STABILIZATION, metrics=["instance_ram_usage", "instance_cpu_usage"])
    assert len(both) == len(set(both)) == 4


def test_recent_moves_are_only_asked_for_if_servers_must_rest() -> None:
    assert BALANCE.requirements(BalanceParameters()).recent_moves == 0
    assert BALANCE.requirements(BalanceParameters(cooldown=60)).recent_moves == 60


def test_the_old_names_of_parameters_replace_the_new_ones() -> None:
    given = typed(
        {"periods": {"node": 60}, "aggregation_method": {"node": "max"}}, StabilizationParameters
    )
    (need,) = given.of_hosts()
    assert (need.period, need.aggregate) == (60, "max")
    assert given.periods.instance == 720


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"aggregation_method": {"instance": "median"}}, "aggregation_method.instance"),
        ({"instance_metrics": {"instance_cpu_usage": "x"}}, "instance_metrics.instance_cpu_usage"),
        ({"metrics": []}, "metrics"),
    ],
)
def test_a_parameter_that_could_not_work_is_refused(
    parameters: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        STABILIZATION.requirements(typed(parameters, StabilizationParameters))
    assert caught.value.field == field


@pytest.mark.parametrize("strategy", [BALANCE, STABILIZATION])
def test_a_plan_for_hosts_of_unknown_load_does_not_say_that_all_is_well(strategy: Any) -> None:
    """Prometheus had lost its samples: "The strategy found nothing to improve"."""
    cloud = model([host(0), host(1, state="down")], [server(0, 0)])
    solution = strategy.solve(context(strategy, cloud, {}, {}))
    assert not solution.actions
    assert solution.notes[0].reason == NOTHING_MEASURED
