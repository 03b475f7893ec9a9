"""A datasource that answers, but could not read all."""

from pathlib import Path

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.metrics import catalogue as m
from domain.metrics.catalogue import METRICS_INCOMPLETE
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.grafana import GrafanaSource
from tests.conformance.datasources import grafana_stub, prometheus_server, truth
from tests.conformance.datasources.conftest import prometheus
from tests.conformance.datasources.stub import Call, served
from tests.ports import free_port

CPU = truth.need(m.HOST_CPU_USAGE)


@pytest.mark.skipif(prometheus_server.missing() is not None, reason="Debian package prometheus")
def test_warnings_of_prometheus_are_problems_of_the_metric(
    tmp_path: Path, model: ComputeModel
) -> None:
    """One of the storages that Prometheus reads from is away: it answers with what it has."""
    away = f"http://127.0.0.1:{free_port()}/read"
    configuration = f"remote_read:\n  - {{url: '{away}', read_recent: true}}\n"
    with prometheus_server.prometheus_server(tmp_path, configuration) as url:
        endpoint = UrlEndpoint(url)
        fetched = prometheus(endpoint).fetch((CPU,), model)
        endpoint.close()
    column = fetched.table.values[CPU]
    assert column[model.host_places["busy.example"]] == pytest.approx(90.0, abs=1.0)
    incomplete = [one for one in fetched.problems if one.reason == METRICS_INCOMPLETE]
    assert len(incomplete) == 1, "each distinct warning once"
    assert "The values of host_cpu_usage may be incomplete: remote_read: " in str(incomplete[0])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"partial": True}, "partial results"),
        ({"messages": [{"level": "warning", "text": "shard 7 is away"}]}, "shard 7 is away"),
    ],
)
def test_partial_answers_of_influxdb_are_problems_of_the_metric(
    model: ComputeModel, more: dict[str, object], said: str
) -> None:
    def partial(call: Call) -> tuple[int, object]:
        status, document = grafana_stub.answers([])(call)
        assert isinstance(document, dict)
        return status, {"results": [{**one, **more} for one in document["results"]]}

    with served(partial) as url:
        endpoint = UrlEndpoint(url, token=grafana_stub.TOKEN)
        fetched = GrafanaSource(HttpReader(endpoint), grafana_stub.PANELS).fetch((CPU,), model)
        endpoint.close()
    incomplete = [one for one in fetched.problems if one.reason == METRICS_INCOMPLETE]
    assert [one.facts["warning"] for one in incomplete] == [said]
