"""basic: the vectors of its contract, and what the original gets wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, ServerRow
from domain.metrics.catalogue import MetricTable
from domain.optimization.solution import Solution
from domain.optimization.strategies.basic import BasicOptions
from tests.unit.cluster.build import host, model, server
from tests.world.optimization import strategy_context
from tests.world.plugins import STRATEGIES

BASIC = STRATEGIES["basic"]
Values = Mapping[str, Mapping[str, float]]


def solve(
    cloud: ComputeModel,
    hosts: Mapping[str, float],
    *,
    tagged: bool = False,
    **parameters: object,
) -> Solution:
    """Hosts use so much of their CPU (%), servers 10 %."""
    context = strategy_context(BASIC, cloud, parameters=parameters)
    values: Values = {
        "host_cpu_usage": hosts,
        "instance_cpu_usage": dict.fromkeys(cloud.servers.id, 10.0),
    }
    needs = BASIC.requirements(context.parameters).metrics
    table = MetricTable.from_values(cloud, {need: values[need.name] for need in needs})
    options = BasicOptions(check_optimize_metadata=tagged)
    return BASIC.solve(replace(context, metrics=table, options=options))


def brief(solution: Solution) -> list[str]:
    shown = []
    for action in solution.actions:
        given = action.parameters
        if action.type == "migrate":
            ends = f"{given['source_node']}->{given['destination_node']}"
            shown.append(f"{given['migration_type']} {given['resource_name']} {ends}")
        else:
            shown.append(f"{given['state']} {given['resource_name']} {given['disabled_reason']}")
    return shown


def figures(solution: Solution) -> list[float]:
    names = ("compute_nodes_count", "released_compute_nodes_count", "instance_migrations_count")
    return [solution.indicators[name] for name in names]


def cloud(*loads: Sequence[int], hosts: Sequence[HostRow] = (), **changes: Any) -> ComputeModel:
    """Hosts with servers of so many vCPUs."""
    rows: list[ServerRow] = []
    for at, load in enumerate(loads):
        rows += [server(len(rows) + n, at, vcpus=vcpus) for n, vcpus in enumerate(load)]
    return model(list(hosts) or [host(n, **changes) for n in range(len(loads))], rows)


def test_the_least_loaded_host_is_emptied_into_the_most_loaded() -> None:
    solution = solve(cloud([8, 4], [2, 2], []), {"h0": 50, "h1": 10})
    assert brief(solution) == [
        "live vm2 c1->c0",
        "live vm3 c1->c0",
        "disabled c1 watcher_disabled",
    ]
    assert figures(solution) == [3, 1, 2]


def test_no_host_is_emptied_in_part() -> None:
    """The original moved vm1 and freed nothing."""
    solution = solve(cloud([12], [2, 8]), {"h0": 50, "h1": 10})
    assert brief(solution) == []
    assert figures(solution) == [2, 0, 0]


def test_a_disabled_host_gets_no_servers_and_the_last_enabled_one_stays() -> None:
    """The original moved all servers to the disabled host and disabled the other one."""
    hosts = [host(0, status="disabled"), host(1)]
    solution = solve(cloud([12], [2], hosts=hosts), {"h0": 50, "h1": 10})
    assert "disabled" not in " ".join(brief(solution))
    assert "c1->c0" not in " ".join(brief(solution))
    assert figures(solution)[:2] == [1, 0]


def test_a_host_with_an_excluded_server_is_neither_emptied_nor_filled_by_fuller_ones() -> None:
    found = cloud([12], [2])
    solution = solve(found.restrict(found.up, ["s1"]), {"h0": 50, "h1": 10})
    assert brief(solution) == []
    assert figures(solution) == [2, 0, 0]


def test_without_servers_there_is_nothing_to_do() -> None:
    solution = solve(cloud([], []), {})
    assert brief(solution) == []
    assert figures(solution) == [2, 0, 0]


@pytest.mark.parametrize(
    ("metadata", "moves"),
    [
        ({}, True),
        ({"a": "b"}, False),
        ({"optimize": "true"}, True),
        ({"optimize": "True"}, True),
        ({"optimize": "no"}, False),
        ({"optimize": "1"}, True),
    ],
)
def test_tagged_servers_alone_move_if_the_operator_says_so(
    metadata: dict[str, str], *, moves: bool
) -> None:
    rows = [server(0, 0, vcpus=8), server(1, 1, metadata=metadata)]
    found = model([host(0), host(1)], rows)
    assert bool(solve(found, {"h0": 50, "h1": 10}, tagged=True).actions) is moves
    assert solve(found, {"h0": 50, "h1": 10}).actions


def test_an_idle_host_is_emptied_first() -> None:
    """A CPU use of exactly 0 is 0: the original took it for unknown, and unknown for 100 %."""
    found = cloud([2], [2], [8])
    values = {"h0": 30.0, "h1": 0.0, "h2": 60.0}
    assert brief(solve(found, values))[0] == "live vm1 c1->c2"


def test_the_alias_of_the_hosts_aggregation_replaces_it() -> None:
    given = {"aggregation_method": {"instance": "max", "compute_node": "mean", "node": "min"}}
    needs = BASIC.requirements(strategy_context(BASIC, cloud([1]), parameters=given).parameters)
    assert [(need.name, need.aggregate, need.period) for need in needs.metrics] == [
        ("host_cpu_usage", "min", 7200.0),
        ("instance_cpu_usage", "max", 7200.0),
    ]
