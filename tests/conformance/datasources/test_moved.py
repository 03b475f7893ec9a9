"""How busy a server or a host is, if its counter does not tell of the whole period."""

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


def _host_usage(ground: Ground, model: ComputeModel, need: m.MetricNeed) -> dict[str, float]:
    endpoint = UrlEndpoint(ground.url)
    names = {m.HOST_CPU_USAGE: "young_cpu_seconds_total"}
    source = PrometheusSource(PrometheusApi(HttpReader(endpoint)), names=names)
    column = source.fetch((need,), model).table.values[need]
    endpoint.close()
    return {host: float(column[model.host_places[host]]) for host in truth.YOUNG}


@pytest.mark.parametrize("period", [3600.0, 1800.0])
def test_a_host_that_is_new_or_was_away_is_as_busy_as_it_was_while_it_was_there(
    real_prometheus: Ground, model: ComputeModel, period: float
) -> None:
    """A new host's idle time of ten minutes, divided by an hour, made it 83 % busy: it got no
    servers, and lost those that it had."""
    measured = _host_usage(real_prometheus, model, truth.need(m.HOST_CPU_USAGE, "mean", period))
    away = measured.pop("wave.example")
    expected = {host: used for host, used in truth.YOUNG.items() if host in measured}
    assert measured == pytest.approx(expected, abs=12.0)
    # Prometheus takes a host that does not stop properly to be there for five more minutes
    assert truth.YOUNG["wave.example"] <= away <= truth.YOUNG["wave.example"] + 25.0


@pytest.mark.parametrize("aggregate", ["max", "min"])
def test_the_extremes_of_a_new_host_are_of_the_time_it_is_there(
    real_prometheus: Ground, model: ComputeModel, aggregate: str
) -> None:
    """Within the first window of five minutes there may be only two samples."""
    need = truth.need(m.HOST_CPU_USAGE, aggregate, 1800.0)
    measured = _host_usage(real_prometheus, model, need)
    for host, allowed in (("busy.example", 10.0), ("half.example", 2.0), ("quiet.example", 40.0)):
        assert measured[host] == pytest.approx(truth.YOUNG[host], abs=allowed)
