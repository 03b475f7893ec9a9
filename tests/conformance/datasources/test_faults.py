"""What every datasource makes of a server that does not do its work."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from application.kernel.retry import RetryPolicy
from application.ports.metrics import MetricSource, MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.metrics import catalogue as m
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.gnocchi import GnocchiSource
from infrastructure.datasources.gnocchi_api import GnocchiApi
from infrastructure.datasources.grafana import GrafanaSource
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from tests.clocks import RecordingClock
from tests.conformance.datasources import gnocchi_stub, grafana_stub, truth
from tests.conformance.datasources.stub import Answer, Call, served
from tests.ports import free_port

Build = Callable[[HttpReader], MetricSource]
NEEDS = (truth.need(m.HOST_CPU_USAGE),)
PATIENCE = RetryPolicy(0.25, factor=1.0, attempts=3, time_limit=60.0)

BUILDS: dict[str, Build] = {
    "prometheus": lambda asker: PrometheusSource(PrometheusApi(asker)),
    "gnocchi": lambda asker: GnocchiSource(GnocchiApi(asker)),
    "grafana": lambda asker: GrafanaSource(asker, grafana_stub.PANELS),
}
GOOD: dict[str, object] = {
    "prometheus": {"status": "success", "data": {"resultType": "vector", "result": []}},
    "gnocchi": {"measures": {}, "references": []},
    "grafana": {"results": [{"statement_id": 0}]},
}


@pytest.fixture(params=sorted(BUILDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Each datasource in turn."""
    name: str = request.param
    return name


@pytest.fixture
def pauses() -> list[float]:
    return []


@contextmanager
def _facing(
    kind: str, answer: Answer, pauses: list[float], *, timeout: float = 10.0
) -> Iterator[MetricSource]:
    """An adapter whose datasource answers like that."""
    with served(answer) as url:
        endpoint = UrlEndpoint(url, timeout=timeout)
        yield BUILDS[kind](HttpReader(endpoint, PATIENCE, clock=RecordingClock(pauses)))
        endpoint.close()


def _in_turn(*answers: tuple[int, object]) -> tuple[Answer, list[Call]]:
    """Answers in order, the last one for ever; and the calls so far."""
    calls: list[Call] = []

    def answer(call: Call) -> tuple[int, object]:
        calls.append(call)
        return answers[min(len(calls), len(answers)) - 1]

    return answer, calls


def test_a_server_that_is_not_there_is_unavailable_after_a_few_tries(
    kind: str, pauses: list[float], model: ComputeModel
) -> None:
    endpoint = UrlEndpoint(f"http://127.0.0.1:{free_port()}", timeout=5.0)
    source = BUILDS[kind](HttpReader(endpoint, PATIENCE, clock=RecordingClock(pauses)))
    with pytest.raises(MetricsUnavailable, match=r"127\.0\.0\.1"):
        source.fetch(NEEDS, model)
    with pytest.raises(MetricsUnavailable):
        source.preflight(NEEDS, model)
    assert pauses == [0.25] * 4
    endpoint.close()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_is_busy_is_asked_again(
    kind: str, pauses: list[float], model: ComputeModel, status: int
) -> None:
    answer, calls = _in_turn((status, "busy"), (status, "busy"), (200, GOOD[kind]))
    with _facing(kind, answer, pauses) as source:
        fetched = source.fetch(NEEDS, model)
    assert (len(calls), fetched.queries, pauses) == (3, 3, [0.25, 0.25])
    assert np.isnan(fetched.table.values[NEEDS[0]]).all()


def test_a_server_that_stays_busy_is_unavailable(
    kind: str, pauses: list[float], model: ComputeModel
) -> None:
    answer, calls = _in_turn((503, "come back later"))
    unavailable = pytest.raises(MetricsUnavailable, match="503: come back later")
    with _facing(kind, answer, pauses) as source, unavailable:
        source.fetch(NEEDS, model)
    assert len(calls) == PATIENCE.attempts


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (401, {"message": "who are you"}),
        (403, {"message": "not for you"}),
        (404, "<html>not here</html>"),
        (400, {"error": "bad question"}),
    ],
)
def test_a_refusal_is_final_and_quoted(
    kind: str, pauses: list[float], model: ComputeModel, status: int, document: object
) -> None:
    """A 404 of some proxy is not the 404 of a Gnocchi that has no such metric."""
    answer, calls = _in_turn((status, document))
    said = "bad question" if status == 400 else str(status)
    with _facing(kind, answer, pauses) as source, pytest.raises(MetricsUnavailable, match=said):
        source.fetch(NEEDS, model)
    methods = [call.method for call in calls]
    assert methods == list(dict.fromkeys(methods)), "each method once"
    assert pauses == []


@pytest.mark.parametrize(
    "document",
    [
        "no json",
        "",
        [],
        {},
        {"status": "success"},
        {"measures": {"id": {}}},
        {"measures": {"id": {"cpu": {"mean": [[1]]}}}, "references": [{}]},
        {"results": [7]},
        {"results": [{"series": [{"columns": ["time"], "values": []}]}]},
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(
    kind: str, pauses: list[float], model: ComputeModel, document: object
) -> None:
    answer, _ = _in_turn((200, document))
    with _facing(kind, answer, pauses) as source, pytest.raises(MetricsUnavailable):
        source.fetch(NEEDS, model)


def test_a_server_that_hangs_is_given_up_in_time(
    kind: str, pauses: list[float], model: ComputeModel
) -> None:
    release = threading.Event()

    def hang(_: Call) -> tuple[int, object]:
        release.wait(30)
        return 200, GOOD[kind]

    with _facing(kind, hang, pauses, timeout=0.2) as source:
        with pytest.raises(MetricsUnavailable, match="timed out"):
            source.fetch(NEEDS, model)
        release.set()


def test_patience_ends_with_time_as_well_as_with_tries(pauses: list[float]) -> None:
    """Ten tries of a minute each would keep a run waiting for ten minutes."""
    release = threading.Event()

    def hang(_: Call) -> tuple[int, object]:
        release.wait(30)
        return 200, {}

    with served(hang) as url:
        endpoint = UrlEndpoint(url, timeout=0.2)
        patience = RetryPolicy(0.0, attempts=1000, time_limit=0.5)
        source = BUILDS["prometheus"](HttpReader(endpoint, patience, clock=RecordingClock(pauses)))
        with pytest.raises(MetricsUnavailable):
            source.fetch(NEEDS, truth.model())
        release.set()
        endpoint.close()
    assert 1 <= len(pauses) < 10


def test_a_probe_is_not_repeated(kind: str, pauses: list[float]) -> None:
    """Whoever asks whether a datasource answers wants to know it now."""
    answer, calls = _in_turn((503, "busy"))
    nothing, _ = ComputeModel.build((), ())
    with _facing(kind, answer, pauses) as source, pytest.raises(MetricsUnavailable):
        source.fetch(NEEDS, nothing)
    assert (len(calls), pauses) == (1, [])


@pytest.mark.parametrize(
    ("answers", "build", "most"),
    [
        (gnocchi_stub.answers, BUILDS["gnocchi"], 2500 / 500),
        (grafana_stub.answers, BUILDS["grafana"], 3),
    ],
    ids=["gnocchi", "grafana"],
)
def test_many_servers_are_asked_for_in_parts(
    answers: Callable[[list[Call]], Answer], build: Build, most: float
) -> None:
    """2,500 servers: a handful of requests, each of a size that servers take."""
    calls: list[Call] = []
    cpu = truth.need(m.INSTANCE_CPU_USAGE)
    with served(answers(calls)) as url:
        bearer = grafana_stub.TOKEN if build is BUILDS["grafana"] else None
        endpoint = UrlEndpoint(url, token=bearer, credentials=("admin", ""))
        fetched = build(HttpReader(endpoint)).fetch((cpu,), truth.many_servers(2500))
        endpoint.close()
    values = fetched.table.values[cpu]
    assert values[0] == pytest.approx(100.0, abs=1.0)
    assert np.count_nonzero(~np.isnan(values)) == 4
    extra = [call for call in calls if call.path != "/v1/aggregates" and "query" not in call.path]
    first = [call for call in calls if call.path.endswith(("/query", "/v1/aggregates"))]
    assert len(first) <= most + 2, "the odd server's policy costs two more"
    assert len(extra) <= 2, "the list of metrics, and the page that ends it"
    assert max(len(call.body) for call in calls) < 100_000


def test_what_is_too_large_is_asked_for_in_halves(
    kind: str, pauses: list[float], model: ComputeModel
) -> None:
    sizes: list[int] = []

    def limited(call: Call) -> tuple[int, object]:
        text = (call.body.decode() + " ".join(call.params.values())) if call.body else str(call)
        hosts = [name for name in truth.HOSTS if name.partition(".")[0] in text]
        sizes.append(len(hosts) or len(truth.HOSTS))
        return (413, "too much") if sizes[-1] > 2 else (200, GOOD[kind])

    with _facing(kind, limited, pauses) as source:
        source.fetch(NEEDS, model)
    assert sizes[0] == len(truth.HOSTS)
    assert sizes[-1] <= 2
    assert sum(size for size in sizes if size <= 2) == len(truth.HOSTS)


def test_a_single_host_that_is_too_large_is_unavailable(
    kind: str, pauses: list[float], model: ComputeModel
) -> None:
    answer, calls = _in_turn((413, "too much"))
    unavailable = pytest.raises(MetricsUnavailable, match="too much")
    with _facing(kind, answer, pauses) as source, unavailable:
        source.fetch(NEEDS, model)
    assert len(calls) < 2 * len(truth.HOSTS)
