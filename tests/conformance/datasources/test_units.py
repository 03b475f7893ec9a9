"""Metrics of operators' own exporters, which have other units than the defaults."""

import numpy as np
import pytest

from application.ports.metrics import Fetched
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import BAD_VALUE
from domain.metrics import catalogue as m
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.metric_map import Names
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from tests.conformance.datasources import truth
from tests.conformance.datasources.conftest import Ground
from tests.conformance.datasources.test_values import EXPECTED

CPU = truth.need(m.INSTANCE_CPU_USAGE)


def _fetched(ground: Ground, model: ComputeModel, need: m.MetricNeed, names: Names) -> Fetched:
    endpoint = UrlEndpoint(ground.url)
    source = PrometheusSource(PrometheusApi(HttpReader(endpoint)), names=names)
    fetched = source.fetch((need,), model)
    endpoint.close()
    return fetched


def _as_expected(fetched: Fetched, model: ComputeModel, need: m.MetricNeed) -> None:
    column = fetched.table.values[need]
    expected = [EXPECTED[need.name][name] for name in model.servers.name]
    numbers = np.array([np.nan if value is None else value for value in expected])
    assert column == pytest.approx(numbers, rel=0.02, abs=0.1, nan_ok=True)


@pytest.mark.parametrize(
    "entry",
    [
        "libvirt_cpu_seconds_total",
        {"name": "libvirt_cpu_time", "unit": "s"},
        {"name": "libvirt_cpu_seconds_total"},
    ],
)
def test_a_cpu_counter_in_seconds_is_as_good_as_one_in_nanoseconds(
    real_prometheus: Ground, model: ComputeModel, entry: object
) -> None:
    """Exporters of libvirt count seconds. A server at 90 % was 9e-08 % busy, "40 of 40 known", and
    a plan moved 15 servers to where one move was due."""
    fetched = _fetched(real_prometheus, model, CPU, {m.INSTANCE_CPU_USAGE: entry})
    _as_expected(fetched, model, CPU)


def test_usage_that_is_too_small_for_any_cloud_is_a_problem_and_no_value(
    real_prometheus: Ground, model: ComputeModel
) -> None:
    """Neither its name nor the map tells that the counter is in seconds."""
    fetched = _fetched(real_prometheus, model, CPU, {m.INSTANCE_CPU_USAGE: "libvirt_cpu_time"})
    assert fetched.table.coverage()[CPU].known == 0
    problem = fetched.problems[0]
    assert problem.reason == BAD_VALUE
    assert problem.facts["count"] == 4
    assert str(problem).startswith("instance_cpu_usage of all 4 servers is at most 1e-07 %")


def test_a_unit_that_no_counter_of_time_has_leaves_the_default(
    real_prometheus: Ground, model: ComputeModel, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"name": "libvirt_cpu_time", "unit": "MB"}
    fetched = _fetched(real_prometheus, model, CPU, {m.INSTANCE_CPU_USAGE: entry})
    _as_expected(fetched, model, CPU)
    assert "instance_cpu_usage of prometheus is ignored: MB cannot be" in caplog.text


@pytest.mark.parametrize(
    "entry",
    [
        "available_memory_bytes",
        "available_memory_kibibytes",
        {"name": "available_memory", "unit": "KiB"},
    ],
)
def test_a_host_metric_in_another_unit_is_converted_before_it_is_used(
    real_prometheus: Ground, model: ComputeModel, entry: object
) -> None:
    """The available memory is subtracted from the total one, which is in bytes."""
    need = truth.need(m.HOST_RAM_USAGE)
    fetched = _fetched(real_prometheus, model, need, {m.HOST_RAM_USAGE: entry})
    column = fetched.table.values[need]
    assert column[model.host_places["busy.example"]] == pytest.approx(900 * 1024, rel=0.01)
    assert column[model.host_places["quiet.example"]] == pytest.approx(0.0, abs=1.0)
