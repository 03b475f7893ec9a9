"""The datasources that the suite is run for, each with the truth in it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
import requests

from application.kernel.retry import RetryPolicy
from application.ports.metrics import MetricSource
from domain.cluster.compute.model import ComputeModel
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.gnocchi import GnocchiSource
from infrastructure.datasources.gnocchi_api import GnocchiApi
from infrastructure.datasources.grafana import GrafanaSource
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from tests.conformance.datasources import (
    gnocchi_data,
    gnocchi_stub,
    grafana_stub,
    prometheus_server,
    truth,
)
from tests.conformance.datasources.stub import Call, served
from tests.integration.datasources import gnocchi_server
from tests.postgres import Server
from tests.world.arranged import ArrangedMetrics

Maker = Callable[[UrlEndpoint], MetricSource]
ONCE = RetryPolicy(1.0, attempts=1)


@dataclass
class Ground:
    """A datasource that knows the truth.

    Attributes:
        name: for the report.
        url: where it is.
        source: an adapter for it.
        calls: what it was asked, if it is a stub.
    """

    name: str
    url: str
    source: MetricSource
    calls: list[Call] = field(default_factory=list)


def prometheus(endpoint: UrlEndpoint) -> MetricSource:
    """The Prometheus adapter."""
    return PrometheusSource(PrometheusApi(HttpReader(endpoint, ONCE)))


def gnocchi(endpoint: UrlEndpoint, *, chunk: int = 500, page: int = 3) -> MetricSource:
    """The Gnocchi adapter, with small pages."""
    return GnocchiSource(GnocchiApi(HttpReader(endpoint, ONCE), chunk=chunk, page=page))


def grafana(endpoint: UrlEndpoint) -> MetricSource:
    """The Grafana adapter."""
    return GrafanaSource(HttpReader(endpoint, ONCE), grafana_stub.PANELS)


@pytest.fixture(scope="session")
def model() -> ComputeModel:
    """The cloud as collected."""
    return truth.model()


@pytest.fixture(scope="module")
def real_prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A real Prometheus server; for a module, because its data get older with each test."""
    reason = prometheus_server.missing()
    if reason:
        pytest.skip(reason)
    with prometheus_server.prometheus_server(tmp_path_factory.mktemp("prometheus")) as url:
        endpoint = UrlEndpoint(url)
        yield Ground(prometheus_server.version(), url, prometheus(endpoint))
        endpoint.close()


@pytest.fixture(scope="module")
def real_gnocchi(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Ground]:
    """A real Gnocchi."""
    reason = gnocchi_server.missing()
    if reason:
        pytest.skip(reason)
    postgres: Server = request.getfixturevalue("postgres_server")
    database = postgres.create()
    directory = tmp_path_factory.mktemp("gnocchi")
    with gnocchi_server.gnocchi_server(directory, database) as url, requests.Session() as session:
        session.auth = ("admin", "")
        gnocchi_data.load(session, url, time.time())
        gnocchi_server.settled(session, url)
        endpoint = UrlEndpoint(url, credentials=("admin", ""))
        yield Ground(f"gnocchi {gnocchi_server.version()}", url, gnocchi(endpoint))
        endpoint.close()
    postgres.drop(database)


@pytest.fixture(scope="session")
def stub_gnocchi() -> Iterator[Ground]:
    """A stub of Gnocchi."""
    calls: list[Call] = []
    with served(gnocchi_stub.answers(calls)) as url:
        endpoint = UrlEndpoint(url, credentials=("admin", ""))
        yield Ground("a stub of gnocchi", url, gnocchi(endpoint), calls)
        endpoint.close()


@pytest.fixture(scope="session")
def stub_grafana() -> Iterator[Ground]:
    """A stub of Grafana."""
    calls: list[Call] = []
    with served(grafana_stub.answers(calls)) as url:
        endpoint = UrlEndpoint(f"{url}/api/datasources/proxy/", token=grafana_stub.TOKEN)
        yield Ground("a stub of grafana", url, grafana(endpoint), calls)
        endpoint.close()


@pytest.fixture(scope="session")
def arranged() -> Ground:
    """The datasource of the tests that need no real one."""
    source = ArrangedMetrics()
    ids = dict(zip(truth.HOSTS, (row.id for row in truth.host_rows()), strict=True))
    source.values = {
        metric: {
            ids.get(resource, resource): partial(truth.aggregated, resource=resource)
            for resource in known
        }
        for metric, known in truth.TRUTH.items()
    }
    return Ground("arranged", "", source)


SLOW = [pytest.mark.slow, pytest.mark.timeout(400)]
"""Gnocchi takes half a minute to start."""


@pytest.fixture(
    params=[
        "real_prometheus",
        pytest.param("real_gnocchi", marks=SLOW),
        "stub_gnocchi",
        "stub_grafana",
        "arranged",
    ]
)
def ground(request: pytest.FixtureRequest) -> Ground:
    """Each datasource in turn."""
    found: Ground = request.getfixturevalue(request.param)
    return found
