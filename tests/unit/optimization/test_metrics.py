import json

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.metrics.catalogue import (
    HOST_OUTLET_TEMP,
    INSTANCE_CPU_USAGE,
    Coverage,
    MetricNeed,
    MetricTable,
    UndeclaredMetric,
)
from domain.optimization.algorithms.utilisation import (
    Utilisation,
    UtilisationNeeds,
    utilisation,
)
from tests.unit.cluster.build import host, model, server

CLOUD = model([host(0), host(1)], [server(0, 0), server(1, 0), server(2, 1)])
CPU = MetricNeed(INSTANCE_CPU_USAGE, "server")
NEEDS = UtilisationNeeds.of(period=300.0, granularity=300.0)
UNKNOWN: dict[MetricNeed, dict[str, float]] = {need: {} for need in vars(NEEDS).values()}


def use_of(
    cloud: ComputeModel, values: dict[MetricNeed, dict[str, float]], cpu_headroom: float = 1.0
) -> Utilisation:
    measured = MetricTable.from_values(cloud, {**UNKNOWN, **values})
    return utilisation(cloud, measured, NEEDS, cpu_headroom=cpu_headroom, memory_headroom=1.0)


def table(**values: float | None) -> MetricTable:
    return MetricTable.from_values(CLOUD, {CPU: values})


def test_an_unknown_value_is_nan_and_a_zero_is_a_zero() -> None:
    column = table(s0=0.0, s1=None, other=7.0)[CPU]
    assert column[0] == 0.0
    assert np.isnan(column[1:]).all()


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_impossible_values_are_unknown(value: float) -> None:
    assert np.isnan(table(s0=value)[CPU][0])


def test_a_temperature_may_be_below_zero() -> None:
    need = MetricNeed(HOST_OUTLET_TEMP, "host")
    found = MetricTable.from_values(CLOUD, {need: {"h0": -3.0}})
    assert found[need][0] == -3.0


def test_mean_and_maximum_of_one_metric_are_two_columns() -> None:
    peak = MetricNeed(INSTANCE_CPU_USAGE, "server", "max")
    found = MetricTable.from_values(CLOUD, {CPU: {"s0": 10.0}, peak: {"s0": 90.0}})
    assert (found[CPU][0], found[peak][0]) == (10.0, 90.0)


def test_a_metric_that_was_not_declared_is_no_value_but_an_error() -> None:
    with pytest.raises(UndeclaredMetric, match="host_cpu_usage"):
        table()[MetricNeed("host_cpu_usage", "host")]


def test_coverage_tells_how_much_is_known() -> None:
    assert table(s0=1.0).coverage() == {CPU: Coverage(1, 3)}


def test_the_json_form_leads_back_to_the_same_values() -> None:
    before = table(s0=0.5, s2=99.0).to_columns()
    again = MetricTable.from_columns(json.loads(json.dumps(before)))
    assert again.to_columns() == before
    assert list(again.values) == [CPU]


def test_a_server_without_measured_cpu_counts_with_its_share_of_the_cores() -> None:
    cloud = model([host(0, cpu_ratio=4.0)], [server(0, 0, vcpus=8), server(1, 0, vcpus=8)])
    use = use_of(cloud, {NEEDS.server_cpu: {"s0": 0.0}})
    assert use.load.need[:, 0].tolist() == [0.0, 2.0]
    assert use.cpu_known.tolist() == [True, False]
    assert use.cpu_measured.tolist() == [0.0]


def test_what_a_host_uses_beyond_its_servers_stays_on_the_host() -> None:
    values = {NEEDS.server_cpu: {"s0": 50.0, "s1": 50.0}, NEEDS.host_cpu: {"h0": 25.0}}
    use = use_of(CLOUD, values, cpu_headroom=0.5)
    assert use.load.base[0].tolist() == [2.0, 0.0]
    assert use.cpu_measured.tolist() == [4.0, 0.0]
    assert use.load.limit[0].tolist() == [8.0, 8.0]


def test_memory_use_falls_back_to_what_is_allocated() -> None:
    use = use_of(CLOUD, {NEEDS.server_memory: {"s0": 0.0}})
    assert use.load.need[:, 1].tolist() == [0.0, 2048.0, 2048.0]


def test_a_metric_of_pools_is_not_aligned_with_servers() -> None:
    need = MetricNeed("pool_usage", "pool")
    with pytest.raises(ValueError, match="measured per pool"):
        MetricTable.from_values(CLOUD, {need: {}})
