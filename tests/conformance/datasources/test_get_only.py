"""Metrics APIs that allow GET only: Aetos, and proxies that refuse POST."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import requests

from application.ports.metrics import MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.metrics import catalogue as m
from infrastructure.datasources.endpoint import CatalogueEndpoint, HttpReader, UrlEndpoint
from infrastructure.datasources.grafana import GrafanaSource
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from infrastructure.openstack.connection import connect
from tests.conformance.datasources import grafana_stub, truth
from tests.conformance.datasources.conftest import Ground, prometheus
from tests.conformance.datasources.stub import Answer, Call, served
from tests.integration.openstack.scripted import Asked, Say, ScriptedCloud

CPU = truth.need(m.HOST_CPU_USAGE)
RAM = truth.need(m.HOST_RAM_USAGE)
REFUSALS = [(403, "POST is forbidden here"), (405, "Method Not Allowed"), (501, "")]


def _get_only(answer: Answer, refusal: tuple[int, object], calls: list[Call]) -> Answer:
    def only(call: Call) -> tuple[int, object]:
        calls.append(call)
        return answer(call) if call.method == "GET" else refusal

    return only


def _forwarding(url: str, limit: int = 100_000) -> Answer:
    """A proxy that forwards queries that are not too long."""

    def forward(call: Call) -> tuple[int, object]:
        if len(call.params["query"]) > limit:
            return 414, "URI Too Long"
        response = requests.get(url + call.path, params=call.params, timeout=10)
        return response.status_code, response.json()

    return forward


@contextmanager
def _at(answer: Answer, token: str | None = None) -> Iterator[UrlEndpoint]:
    with served(answer) as url:
        endpoint = UrlEndpoint(url, token=token)
        yield endpoint
        endpoint.close()


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_prometheus_behind_a_proxy_that_refuses_post_is_asked_with_get_from_then_on(
    real_prometheus: Ground, model: ComputeModel, refusal: tuple[int, object]
) -> None:
    """Aetos serves GET only, as some proxies do: the datasource was skipped with "HTTP 405"."""
    calls: list[Call] = []
    with _at(_get_only(_forwarding(real_prometheus.url), refusal, calls)) as endpoint:
        source = prometheus(endpoint)
        fetched = source.fetch((CPU,), model)
        assert fetched.queries == 2
        source.fetch((RAM, CPU), model)
    assert [call.method for call in calls] == ["POST", "GET", "GET", "GET"]
    column = fetched.table.values[CPU]
    assert column[model.host_places["busy.example"]] == pytest.approx(90.0, abs=1.0)


def test_a_query_that_is_too_long_for_get_is_sent_in_parts(
    real_prometheus: Ground, model: ComputeModel
) -> None:
    """The aggregate of a whole model has no names; its halves have: a URL has a limit for them."""
    calls: list[Call] = []
    direct = _forwarding(real_prometheus.url, limit=330)

    def too_much(call: Call) -> tuple[int, object]:
        everything = "resource=~" not in call.params["query"]
        return (413, "too many samples") if everything else direct(call)

    wanted = truth.need(m.INSTANCE_RAM_USAGE)
    with _at(_get_only(too_much, REFUSALS[1], calls)) as endpoint:
        fetched = prometheus(endpoint).fetch((wanted,), model)
    assert fetched.table.coverage()[wanted].known == 3
    assert len(calls) > 4


def test_a_refusal_of_both_methods_is_reported_and_a_later_post_is_possible(
    model: ComputeModel,
) -> None:
    """A user without the role gets 403 for either method: nothing is to be learnt from that."""
    calls: list[Call] = []
    vector = {"status": "success", "data": {"resultType": "vector", "result": []}}
    role = False

    def answer(call: Call) -> tuple[int, object]:
        calls.append(call)
        return (200, vector) if role else (403, "the role reader is required")

    with _at(answer) as endpoint:
        source = prometheus(endpoint)
        with pytest.raises(MetricsUnavailable, match="the role reader is required"):
            source.fetch((CPU,), model)
        role = True
        source.fetch((CPU,), model)
    assert [call.method for call in calls] == ["POST", "GET", "POST"]


def test_a_refusal_of_prometheus_itself_is_not_a_refusal_of_the_method(model: ComputeModel) -> None:
    calls: list[Call] = []
    document = {"status": "error", "errorType": "forbidden", "error": "no tenant"}

    def answer(call: Call) -> tuple[int, object]:
        calls.append(call)
        return 403, document

    with _at(answer) as endpoint, pytest.raises(MetricsUnavailable, match="no tenant"):
        prometheus(endpoint).fetch((CPU,), model)
    assert len(calls) == 1


def test_aetos_that_allows_get_only_is_a_datasource(tmp_path: Path, model: ComputeModel) -> None:
    """Its token and its path are those of the catalogue, with either method."""
    cloud = ScriptedCloud()
    connection = connect("scripted", cloud.clouds_yaml(tmp_path))
    path = "/api/v1/query"
    result = [{"metric": {"fqdn": "busy.example"}, "value": [0, "0.9"]}]
    found = {"status": "success", "data": {"resultType": "vector", "result": result}}
    cloud.on("POST", path, Say(405, "<html>405 Method Not Allowed</html>"))
    cloud.on("GET", path, Say(200, found))
    reader = HttpReader(CatalogueEndpoint(connection))
    fetched = PrometheusSource(PrometheusApi(reader), name="aetos").fetch((CPU,), model)
    connection.session.session.close()
    asked: Asked = cloud.asked_for("GET", path)[0]
    cloud.close()
    assert fetched.table.values[CPU][0] == pytest.approx(90.0)
    assert asked.headers["x-auth-token"] == "a-token"


@pytest.mark.parametrize("refusal", REFUSALS)
def test_grafana_that_refuses_post_gets_long_queries_in_parts_with_get(
    refusal: tuple[int, object],
) -> None:
    """Queries of more than 3,000 characters are posted, which not every Grafana allows."""
    calls: list[Call] = []
    wanted = truth.need(m.INSTANCE_CPU_USAGE)
    answer = _get_only(grafana_stub.answers([]), refusal, calls)
    with _at(answer, token=grafana_stub.TOKEN) as endpoint:
        source = GrafanaSource(HttpReader(endpoint), grafana_stub.PANELS)
        for _ in range(2):
            values = source.fetch((wanted,), truth.many_servers(300)).table.values[wanted]
            assert np.count_nonzero(~np.isnan(values)) == 4
    assert [call.method for call in calls].count("POST") == 1
