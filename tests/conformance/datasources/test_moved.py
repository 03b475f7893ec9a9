"""How busy a server is, if its counter does not tell of the whole period."""

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.metrics import catalogue as m
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from tests.conformance.datasources import truth
from tests.conformance.datasources.conftest import Ground


@pytest.mark.parametrize("name", sorted(truth.MOVED))
@pytest.mark.parametrize("period", [3600.0, 1200.0])
def test_a_server_that_moved_or_is_new_is_as_busy_as_it_is_and_not_as_long_as_it_is_told_of(
    real_prometheus: Ground, model: ComputeModel, name: str, period: float
) -> None:
    """The counter of a host begins when a server comes. Its rate over an hour, half of which the
    server spent elsewhere, is half of the truth: whoever had just been moved looked idle, and the
    next audit put too many of them together. A new server looked idle likewise."""
    endpoint = UrlEndpoint(real_prometheus.url)
    names = {m.INSTANCE_CPU_USAGE: "moved_cpu"}
    source = PrometheusSource(PrometheusApi(HttpReader(endpoint)), names=names)
    wanted = truth.need(m.INSTANCE_CPU_USAGE, "mean", period)
    column = source.fetch((wanted,), model).table.values[wanted]
    measured = float(column[model.server_places[truth.SERVERS[name]]])
    assert 0.75 * truth.MOVED[name] <= measured <= 1.02 * truth.MOVED[name]
    endpoint.close()
