"""A collector that died is told from one that never was: by the age of its last sample."""

import pytest

from application.ports.metrics import MetricCheck
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import ServerRow
from domain.metrics import catalogue as m
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from tests.conformance.datasources import truth
from tests.conformance.datasources.conftest import SLOW, Ground

MEMORY = truth.need(m.INSTANCE_RAM_USAGE)


def _silent_since_half_an_hour(row: MetricCheck) -> None:
    assert not row.present
    assert row.age is not None
    assert 1800 <= row.age < 1800 + 900
    assert row.problems


def _cloud_of(*servers: str) -> ComputeModel:
    rows = [
        ServerRow(truth.SERVERS[name], host=truth.HOSTS[0], vcpus=2, memory_mb=512)
        for name in servers
    ]
    return ComputeModel.build(truth.host_rows(), rows)[0]


def test_prometheus_tells_when_it_last_heard_of_a_metric(real_prometheus: Ground) -> None:
    endpoint = UrlEndpoint(real_prometheus.url)
    names = {m.INSTANCE_RAM_USAGE: "forgotten_memory"}
    source = PrometheusSource(PrometheusApi(HttpReader(endpoint)), names=names)
    (row,) = source.preflight((MEMORY,), _cloud_of("stopped"))
    _silent_since_half_an_hour(row)
    never = PrometheusSource(
        PrometheusApi(HttpReader(endpoint)), names={m.INSTANCE_RAM_USAGE: "nothing"}
    )
    (row,) = never.preflight((MEMORY,), _cloud_of("stopped"))
    assert (row.present, row.age) == (False, None)
    endpoint.close()


@pytest.mark.parametrize("which", ["stub_gnocchi", pytest.param("real_gnocchi", marks=SLOW)])
def test_gnocchi_tells_when_it_last_heard_of_a_server(
    request: pytest.FixtureRequest, which: str
) -> None:
    ground: Ground = request.getfixturevalue(which)
    (row,) = ground.source.preflight((MEMORY,), _cloud_of("stopped", "silent"))
    _silent_since_half_an_hour(row)
    (row,) = ground.source.preflight((MEMORY,), _cloud_of("silent"))
    assert (row.present, row.age) == (False, None)
