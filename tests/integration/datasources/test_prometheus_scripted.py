"""The Prometheus source when the answers are not what one hopes for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest

from application.kernel.retry import RetryPolicy
from application.ports.metrics import MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import BAD_VALUE
from domain.cluster.compute.records import HostRow, ServerRow
from domain.metrics.catalogue import METRIC_LABELS_FOREIGN, METRIC_UNKNOWN, MetricNeed
from infrastructure.datasources.endpoint import (
    CatalogueEndpoint,
    HttpReader,
    UrlEndpoint,
)
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.prometheus_api import PrometheusApi
from infrastructure.datasources.promql import Labels, literally, only
from infrastructure.openstack.connection import connect
from tests.clocks import RecordingClock
from tests.integration.openstack.scripted import Asked, Say, ScriptedCloud

QUERY = "/api/v1/query"
HOST_CPU = MetricNeed("host_cpu_usage", "host")
HOST_RAM = MetricNeed("host_ram_usage", "host")
SERVER_CPU = MetricNeed("instance_cpu_usage", "server")
SERVER_RAM = MetricNeed("instance_ram_usage", "server")


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    scripted = ScriptedCloud()
    yield scripted
    scripted.close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def source(cloud: ScriptedCloud, pauses: list[float]) -> Iterator[PrometheusSource]:
    endpoint = UrlEndpoint(f"{cloud.url}/metrics", credentials=("user", "secret"), timeout=5.0)
    asker = HttpReader(
        endpoint, RetryPolicy(0.5, factor=1.0, attempts=3), clock=RecordingClock(pauses)
    )
    yield PrometheusSource(PrometheusApi(asker), Labels("fqdn", "resource"))
    endpoint.close()


@pytest.fixture
def model() -> ComputeModel:
    names = ("node-1", "node-2", "node-3.site-a.example")
    hosts = [HostRow(f"id-{name}", name, vcpus=8, memory_mb=1024) for name in names]
    servers = [ServerRow(f"s{n}", host="node-1", vcpus=2, memory_mb=512) for n in range(4)]
    built, problems = ComputeModel.build(hosts, servers)
    assert not problems
    return built


def _vector(values: dict[str, object], label: str = "fqdn") -> Say:
    result = [{"metric": {label: key}, "value": [0, str(value)]} for key, value in values.items()]
    return Say(200, {"status": "success", "data": {"resultType": "vector", "result": result}})


def _error(status: int, kind: str, words: str) -> Say:
    return Say(status, {"status": "error", "errorType": kind, "error": words})


def _hosts(model: ComputeModel, values: Any) -> dict[str, float | None]:
    return {
        name: None if np.isnan(value) else round(float(value), 6)
        for name, value in zip(model.hosts.name, values, strict=True)
    }


def test_hosts_are_matched_by_exact_name_then_by_an_unambiguous_short_one(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel
) -> None:
    cloud.on("POST", QUERY, _vector({"node-1.example": 0.1, "node-2": 0.2, "node-3.site-b": 0.3}))
    fetched = source.fetch((HOST_CPU,), model)
    assert _hosts(model, fetched.table.values[HOST_CPU]) == {
        "node-1": 10.0,
        "node-2": 20.0,
        "node-3.site-a.example": None,
    }


def test_a_short_name_that_two_labels_share_is_no_match(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel
) -> None:
    """Upstream's map of short names keeps whichever came last."""
    cloud.on("POST", QUERY, _vector({"node-1.site-a": 0.1, "node-1.site-b": 0.9, "node-2": 0.2}))
    fetched = source.fetch((HOST_CPU,), model)
    assert _hosts(model, fetched.table.values[HOST_CPU])["node-1"] is None
    assert any("ambiguous" in str(problem) for problem in fetched.problems)


def test_labels_that_name_nothing_of_the_cloud_are_shown(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel
) -> None:
    """The words "0 of 8 known" left an operator to guess what is in the label."""
    cloud.on("POST", QUERY, _vector({f"10.0.0.{n}:9100": 0.1 for n in range(1, 6)}))
    fetched = source.fetch((HOST_CPU,), model)
    (hint,) = [one for one in fetched.problems if one.reason == METRIC_LABELS_FOREIGN]
    assert str(hint) == (
        "host_cpu_usage has 5 values, but label fqdn names no host of the cloud; it has for "
        "example 10.0.0.1:9100, 10.0.0.2:9100, 10.0.0.3:9100"
    )


def test_what_is_missing_is_unknown_and_said_once(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel
) -> None:
    """Unknown is not 0 % and not 100 %; and 4,000 missing servers are one problem, not 4,000."""
    cloud.on("POST", QUERY, _vector({"s1": 1e9, "s3": "NaN", "": 5}, "resource"))
    fetched = source.fetch((SERVER_CPU,), model)
    values = fetched.table.values[SERVER_CPU]
    assert np.isnan(values).tolist() == [True, False, True, True]
    assert values[1] == 50.0
    assert [problem.reason for problem in fetched.problems] == [METRIC_UNKNOWN]
    assert "3 of 4 servers" in str(fetched.problems[0])


@pytest.mark.parametrize(
    ("need", "answer", "expected"),
    [
        (HOST_CPU, 0.0, 0.0),
        (HOST_CPU, -0.004, 0.0),
        (HOST_CPU, 1.01, 100.0),
        (HOST_CPU, 37.5, None),
        (HOST_CPU, -0.5, None),
        (HOST_CPU, "+Inf", None),
        (HOST_RAM, 512 * 1024**2, 512 * 1024),
        (HOST_RAM, 512 * 1024**3, None),
    ],
)
def test_host_values_are_in_range_or_unknown(
    cloud: ScriptedCloud,
    source: PrometheusSource,
    model: ComputeModel,
    need: MetricNeed,
    answer: object,
    expected: float | None,
) -> None:
    """A wrong unit (a ratio for %, bytes for KiB) must not steer a cloud. 0 is a value."""
    cloud.on("POST", QUERY, _vector({"node-1": answer}))
    fetched = source.fetch((need,), model)
    assert _hosts(model, fetched.table.values[need])["node-1"] == expected
    bad = [p for p in fetched.problems if p.reason == BAD_VALUE]
    assert bool(bad) == (expected is None)


@pytest.mark.parametrize(
    ("need", "answer", "expected"),
    [
        (SERVER_CPU, 2e9, 100.0),
        (SERVER_CPU, 2.6e9, 100.0),
        (SERVER_CPU, 2e12, None),
        (SERVER_RAM, 256, 256.0),
        (SERVER_RAM, 256 * 1024**2, None),
    ],
)
def test_server_values_are_clamped_or_unknown(
    cloud: ScriptedCloud,
    source: PrometheusSource,
    model: ComputeModel,
    need: MetricNeed,
    answer: object,
    expected: float | None,
) -> None:
    cloud.on("POST", QUERY, _vector({"s0": answer}, "resource"))
    value = float(source.fetch((need,), model).table.values[need][0])
    assert (None if np.isnan(value) else value) == expected


def test_prometheus_own_words_are_passed_on(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel, pauses: list[float]
) -> None:
    cloud.on("POST", QUERY, _error(422, "execution", "many-to-many matching not allowed"))
    with pytest.raises(MetricsUnavailable, match="execution: many-to-many matching"):
        source.fetch((HOST_CPU,), model)
    assert len(cloud.asked_for("POST", QUERY)) == 1
    assert pauses == []


@pytest.mark.parametrize(
    "answer",
    [
        Say(200, "no json"),
        Say(200, {"status": "success", "data": {"resultType": "matrix", "result": []}}),
        Say(200, {"status": "success", "data": {"resultType": "vector", "result": [{}]}}),
        Say(404, "<html>not here</html>"),
        Say(401, "who are you"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel, answer: Say
) -> None:
    cloud.on("POST", QUERY, answer)
    with pytest.raises(MetricsUnavailable):
        source.fetch((HOST_CPU,), model)


@pytest.mark.parametrize("answer", [Say(lost=True), Say(502, "bad gateway"), Say(503, "busy")])
def test_a_query_is_repeated_a_few_times(
    cloud: ScriptedCloud,
    source: PrometheusSource,
    model: ComputeModel,
    pauses: list[float],
    answer: Say,
) -> None:
    cloud.on("POST", QUERY, answer, answer, _vector({"node-1": 0.5}))
    fetched = source.fetch((HOST_CPU,), model)
    assert (fetched.queries, pauses) == (3, [0.5, 0.5])
    cloud.on("POST", QUERY, answer)
    with pytest.raises(MetricsUnavailable):
        source.fetch((HOST_CPU,), model)
    assert pauses == [0.5, 0.5, 0.5, 0.5]


def test_only_an_answer_that_is_too_large_is_asked_for_in_parts(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel
) -> None:
    def at_most_one(asked: Asked) -> Say:
        query = parse_qs(asked.body.decode())["query"][0]
        chosen = re.search(r'resource=~"([^"]*)"', query)
        servers = chosen.group(1).split("|") if chosen else ["s0", "s1", "s2", "s3"]
        if len(servers) > 1:
            return _error(422, "execution", "query processing would load too many samples")
        return _vector({servers[0]: 1e9}, "resource")

    cloud.on("POST", QUERY, at_most_one)
    fetched = source.fetch((SERVER_CPU,), model)
    assert fetched.table.values[SERVER_CPU].tolist() == [50.0] * 4
    assert fetched.queries == 1 + 2 + 4


def test_a_single_series_that_is_too_large_is_an_error(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel
) -> None:
    cloud.on("POST", QUERY, Say(413, "too much"))
    with pytest.raises(MetricsUnavailable):
        source.fetch((HOST_CPU,), model)


def test_credentials_are_sent(
    cloud: ScriptedCloud, source: PrometheusSource, model: ComputeModel
) -> None:
    cloud.on("POST", QUERY, _vector({}))
    source.fetch((HOST_CPU,), model)
    assert cloud.asked_for("POST", QUERY)[0].headers["authorization"].startswith("Basic ")


def test_a_metric_without_a_mapping_is_unknown_everywhere(
    source: PrometheusSource, model: ComputeModel
) -> None:
    need = MetricNeed("host_colour", "host")
    assert source.supports((need, HOST_CPU)) == {"host_colour": False, "host_cpu_usage": True}
    fetched = source.fetch((need,), model)
    assert np.isnan(fetched.table.values[need]).all()
    assert fetched.problems[0].reason == METRIC_UNKNOWN


def test_a_catalogues_endpoint_is_asked_with_a_token(
    cloud: ScriptedCloud, tmp_path: Path, model: ComputeModel
) -> None:
    connection = connect("scripted", cloud.clouds_yaml(tmp_path))
    cloud.on("POST", QUERY, _vector({"node-1": 0.5}))
    source = PrometheusSource(
        PrometheusApi(HttpReader(CatalogueEndpoint(connection))), name="aetos"
    )
    assert source.fetch((HOST_CPU,), model).table.values[HOST_CPU][0] == 50.0
    asked = cloud.asked_for("POST", QUERY)[0]
    assert asked.headers["x-auth-token"] == "a-token"
    assert "query=" in asked.body.decode()
    connection.session.session.close()


def test_a_cloud_without_metrics_is_unavailable(
    cloud: ScriptedCloud, tmp_path: Path, model: ComputeModel
) -> None:
    connection = connect("scripted", cloud.clouds_yaml(tmp_path))
    endpoint = CatalogueEndpoint(connection, service_type="no-such-service")
    with pytest.raises(MetricsUnavailable, match="no-such-service"):
        PrometheusSource(PrometheusApi(HttpReader(endpoint))).fetch((HOST_CPU,), model)
    connection.session.session.close()


@pytest.mark.parametrize(
    "text",
    ['a"} or vector(1) or up{x="', "a\\", 'a\\"', "a^b", "a\nb", "a]b[c", "a.b|c*", "vm-1", "ä b"],
)
def test_a_name_ends_no_string_of_a_query(text: str) -> None:
    """A quotation mark in the name of a host ended the string: the rest was read as PromQL."""
    matcher = only("host", [literally(text)])
    string = re.fullmatch(r'host=~"((?:[^"\\\n]|\\\\)*)"', matcher)
    assert string, matcher
    pattern = re.sub(r"\\x\{(\w+)\}", _character, string[1].replace("\\\\", "\\"))
    assert re.fullmatch(pattern, text)
    assert not re.fullmatch(pattern, f"{text}x")


def _character(found: re.Match[str]) -> str:
    r"""Python's form of RE2's \x{22}."""
    return f"\\x{int(found[1], 16):02x}"
