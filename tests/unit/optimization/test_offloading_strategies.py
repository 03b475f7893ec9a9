"""noisy_neighbor, outlet_temperature and uniform_airflow: what the original gets wrong."""

from typing import Any

import pytest

from application.kernel.typed_values import typed
from domain.cluster.compute.model import ComputeModel
from domain.metrics.catalogue import MetricNeed, MetricTable
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.outlet_temperature import OutletParameters
from tests.unit.cluster.build import host, model, server
from tests.world.plugins import STRATEGIES

MIB = 2.0**20
NAMES = ("noisy_neighbor", "outlet_temperature", "uniform_airflow")


def solved(name: str, cloud: ComputeModel, values: dict[str, Any], **given: object) -> Solution:
    """Values by metric, or by metric and period (``instance_l3_cache_usage 200``)."""
    strategy = STRATEGIES[name]
    parameters = typed(given, strategy.parameters)

    def column(need: MetricNeed) -> dict[str, float]:
        known = (f"{need.name} {need.period:g}", need.name)
        return next((dict(values[one]) for one in known if one in values), {})

    needs = strategy.requirements(parameters).metrics
    table = MetricTable.from_values(cloud, {need: column(need) for need in needs})
    return strategy.solve(StrategyContext(parameters=parameters, compute=cloud, metrics=table))


def ends(solution: Solution) -> list[tuple[object, ...]]:
    keys = ("source_node", "destination_node", "resource_name", "migration_type")
    return [tuple(action.parameters[key] for key in keys) for action in solution.actions]


def test_hosts_are_named_by_their_service_and_not_by_id() -> None:
    """The original plans migrations between node uuids, which its applier always skips."""
    cloud = model([host(0), host(1)], [server(0, 0)])
    solution = solved("outlet_temperature", cloud, {"host_outlet_temp": {"h0": 40.0, "h1": 20.0}})
    assert ends(solution) == [("c0", "c1", "vm0", "live")]


def test_a_period_shorter_than_a_sample_is_a_sample_long() -> None:
    """Within the default period of 30 s, most datasources have no sample."""
    given = OutletParameters()
    assert (given.temperature().period, given.use().period) == (300, 300)
    assert OutletParameters(period=900).temperature().period == 900


def test_priorities_of_servers_are_compared_as_numbers() -> None:
    """The original compares texts, so that 10 is more important than 9, and fails on a mixture
    with servers that have none."""
    servers = [
        server(0, 0, metadata={"watcher-priority": "10"}),
        server(1, 0, metadata={"watcher-priority": "9"}),
        server(2, 0),
    ]
    values = {
        "instance_l3_cache_usage": {"s0": 20 * MIB, "s1": MIB, "s2": MIB},
        "instance_l3_cache_usage 200": {"s0": 11 * MIB, "s1": 6 * MIB, "s2": MIB},
    }
    cloud = model([host(0), host(1)], servers)
    solution = solved("noisy_neighbor", cloud, values)
    assert ends(solution) == [("c0", "c1", "vm0", "live")]
    assert solution.actions[0].because.facts["victim"] == "vm1"


def test_cache_use_that_begins_is_a_rise() -> None:
    servers = [server(0, 0), server(1, 0)]
    values = {
        "instance_l3_cache_usage": {"s0": MIB, "s1": 8 * MIB},
        "instance_l3_cache_usage 200": {"s0": 3 * MIB, "s1": 4 * MIB},
    }
    solution = solved("noisy_neighbor", model([host(0), host(1)], servers), values)
    assert ends(solution) == [("c0", "c1", "vm1", "live")]
    assert solution.actions[0].because.facts["noisy_before"] == 0.0


def test_an_unknown_inlet_temperature_does_not_end_the_audit() -> None:
    """The original compares None with a number, and its audit fails."""
    cloud = model([host(0), host(1)], [server(0, 0), server(1, 0)])
    solution = solved("uniform_airflow", cloud, {"host_airflow": {"h0": 500.0, "h1": 100.0}})
    assert len(solution.actions) == 1
    assert [note.reason for note in solution.notes] == ["fault-uncertain"]


@pytest.mark.parametrize("name", NAMES)
def test_recent_moves_are_only_asked_for_if_servers_must_rest(name: str) -> None:
    strategy = STRATEGIES[name]
    rested = [
        strategy.requirements(typed({"cooldown": seconds}, strategy.parameters)).recent_moves
        for seconds in (0, 60)
    ]
    assert rested == [0, 60]


@pytest.mark.parametrize("name", NAMES)
def test_each_parameter_has_the_default_of_its_field(name: str) -> None:
    strategy = STRATEGIES[name]
    published: Any = strategy.parameters_schema["properties"]
    assert {key: rule["default"] for key, rule in published.items()} == vars(strategy.parameters())
