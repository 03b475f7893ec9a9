"""Sensors of hosts, and the cache use of servers, in a real Prometheus."""

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.metrics import catalogue as m
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from tests.conformance.datasources import truth
from tests.conformance.datasources.conftest import Ground


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        (m.HOST_OUTLET_TEMP, {"busy.example": 41.5, "quiet.example": 30.0}),
        (m.HOST_INLET_TEMP, {"busy.example": 24.0, "quiet.example": 30.0}),
        (m.HOST_AIRFLOW, {"busy.example": 520.0}),
        (m.HOST_POWER, {"busy.example": 420.0}),
        (m.INSTANCE_L3_CACHE_USAGE, {truth.SERVERS["full"]: 4.0 * 2**20}),
    ],
)
def test_sensors_are_found_by_their_names(
    real_prometheus: Ground, model: ComputeModel, metric: str, values: dict[str, float]
) -> None:
    assert found(real_prometheus, model, truth.need(metric), {}) == values


def test_an_operator_may_name_a_sensor_with_matchers(
    real_prometheus: Ground, model: ComputeModel
) -> None:
    """Sensors are named by their vendors, so a series name alone does not tell them apart."""
    series = {m.HOST_OUTLET_TEMP: 'ipmi_temperature_celsius{name="CPU1 Temp"}'}
    need = truth.need(m.HOST_OUTLET_TEMP)
    assert found(real_prometheus, model, need, series) == {"quiet.example": 80.0}


def found(
    ground: Ground, model: ComputeModel, need: m.MetricNeed, series: dict[str, str]
) -> dict[str, float]:
    endpoint = UrlEndpoint(ground.url)
    source = PrometheusSource(PrometheusApi(HttpReader(endpoint)), names=series)
    column = source.fetch((need,), model).table[need]
    (row,) = source.preflight((need,), model)
    endpoint.close()
    assert row.age is not None
    names = model.hosts.name if need.resource == "host" else model.servers.id
    return {
        name: float(value) for name, value in zip(names, column, strict=True) if not np.isnan(value)
    }
