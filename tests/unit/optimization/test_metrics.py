import json

import numpy as np
import pytest

from domain.metrics.catalogue import (
    HOST_OUTLET_TEMP,
    INSTANCE_CPU_USAGE,
    Coverage,
    MetricNeed,
    MetricTable,
)
from domain.optimization.algorithms.utilisation import utilisation
from tests.unit.cluster.build import host, model, server

CLOUD = model([host(0), host(1)], [server(0, 0), server(1, 0), server(2, 1)])
CPU = MetricNeed(INSTANCE_CPU_USAGE, "server")


def table(**values: float | None) -> MetricTable:
    return MetricTable.from_values(CLOUD, {CPU: values})


def test_an_unknown_value_is_nan_and_a_zero_is_a_zero() -> None:
    column = table(s0=0.0, s1=None, other=7.0).of(INSTANCE_CPU_USAGE)
    assert column[0] == 0.0
    assert np.isnan(column[1:]).all()


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_impossible_values_are_unknown(value: float) -> None:
    assert np.isnan(table(s0=value).of(INSTANCE_CPU_USAGE)[0])


def test_a_temperature_may_be_below_zero() -> None:
    need = MetricNeed(HOST_OUTLET_TEMP, "host")
    found = MetricTable.from_values(CLOUD, {need: {"h0": -3.0}})
    assert found.of(HOST_OUTLET_TEMP)[0] == -3.0


def test_a_metric_that_nobody_asked_for_is_wholly_unknown() -> None:
    assert np.isnan(table().of("instance_ram_usage")).tolist() == [True] * 3
    assert np.isnan(table().of("host_cpu_usage")).tolist() == [True] * 2


def test_coverage_tells_how_much_is_known() -> None:
    assert table(s0=1.0).coverage() == {CPU: Coverage(1, 3)}


def test_the_json_form_leads_back_to_the_same_values() -> None:
    before = table(s0=0.5, s2=99.0).to_columns()
    again = MetricTable.from_columns(json.loads(json.dumps(before)))
    assert again.to_columns() == before
    assert list(again.values) == [CPU]


def test_a_server_without_measured_cpu_counts_with_its_share_of_the_cores() -> None:
    cloud = model([host(0, cpu_ratio=4.0)], [server(0, 0, vcpus=8), server(1, 0, vcpus=8)])
    measured = MetricTable.from_values(cloud, {CPU: {"s0": 0.0}})
    use = utilisation(cloud, measured, cpu_headroom=1.0, memory_headroom=1.0)
    assert use.load.need[:, 0].tolist() == [0.0, 2.0]
    assert use.cpu_known.tolist() == [True, False]
    assert use.cpu_measured.tolist() == [0.0]


def test_what_a_host_uses_beyond_its_servers_stays_on_the_host() -> None:
    needs = {CPU: {"s0": 50.0, "s1": 50.0}, MetricNeed("host_cpu_usage", "host"): {"h0": 25.0}}
    use = utilisation(
        CLOUD, MetricTable.from_values(CLOUD, needs), cpu_headroom=0.5, memory_headroom=1.0
    )
    assert use.load.base[0].tolist() == [2.0, 0.0]
    assert use.cpu_measured.tolist() == [4.0, 0.0]
    assert use.load.limit[0].tolist() == [8.0, 8.0]


def test_memory_use_falls_back_to_what_is_allocated() -> None:
    need = MetricNeed("instance_ram_usage", "server")
    measured = MetricTable.from_values(CLOUD, {need: {"s0": 0.0}})
    use = utilisation(CLOUD, measured, cpu_headroom=1.0, memory_headroom=1.0)
    assert use.load.need[:, 1].tolist() == [0.0, 2048.0, 2048.0]
