"""What is particular to Gnocchi: its rates, and resources that keep a metric otherwise."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from domain.metrics import catalogue as m
from infrastructure.datasources.endpoint import HttpReader, UrlEndpoint
from infrastructure.datasources.gnocchi import GnocchiSource
from infrastructure.datasources.gnocchi_api import GnocchiApi
from infrastructure.datasources.metric_map import Names
from tests.conformance.datasources import gnocchi_stub, truth
from tests.conformance.datasources.stub import Answer, Call, served

CPU = truth.need(m.INSTANCE_CPU_USAGE)
MODEL = truth.model()


def _source(url: str, *, polling: float | None = None, names: Names | None = None) -> GnocchiSource:
    endpoint = UrlEndpoint(url, credentials=("admin", ""))
    return GnocchiSource(GnocchiApi(HttpReader(endpoint)), polling=polling, names=names)


@pytest.mark.parametrize(("polling", "percent"), [(None, 20.0), (60.0, 100.0)])
def test_a_rate_is_divided_by_what_lies_between_two_samples(
    polling: float | None, percent: float
) -> None:
    """Two busy vCPUs, polled each minute, in buckets of five: a fifth of the truth by default."""
    points = [["2026-01-01T00:00:00+00:00", 300.0, 2 * 60e9]]
    series = {truth.SERVERS["full"]: {"cpu": {"rate:mean": points}}}

    with served(lambda _: (200, {"measures": series})) as url:
        values = _source(url, polling=polling).fetch((CPU,), MODEL).table.values[CPU]
    assert values[~np.isnan(values)].tolist() == [percent]


@pytest.mark.parametrize(
    ("entry", "spent"),
    [("cpu", 3e11), ({"name": "cpu", "unit": "ms"}, 3e5), ("vm_cpu_seconds_total", 300.0)],
)
def test_a_metric_of_the_map_has_the_unit_that_the_map_or_its_name_says(
    entry: object, spent: float
) -> None:
    name = entry["name"] if isinstance(entry, dict) else entry
    points = [["2026-01-01T00:00:00+00:00", 300.0, spent]]
    series = {truth.SERVERS["full"]: {name: {"rate:mean": points}}}
    with served(lambda _: (200, {"measures": series})) as url:
        source = _source(url, names={m.INSTANCE_CPU_USAGE: entry})
        values = source.fetch((CPU,), MODEL).table.values[CPU]
    assert values[~np.isnan(values)].tolist() == [50.0]


def test_a_counter_that_began_anew_is_not_a_negative_usage() -> None:
    points = [["2026-01-01T00:00:00+00:00", 300.0, -5e12]]
    series = {truth.SERVERS["full"]: {"cpu": {"rate:mean": points}}}
    with served(lambda _: (200, {"measures": series})) as url:
        values = _source(url).fetch((CPU,), MODEL).table.values[CPU]
    assert values[~np.isnan(values)].tolist() == [0.0]


@pytest.fixture
def stub() -> Iterator[str]:
    with served(gnocchi_stub.answers([])) as url:
        yield url


def test_an_extreme_that_is_not_kept_is_that_of_the_means_and_said_to_be(stub: str) -> None:
    memory = truth.need(m.INSTANCE_RAM_USAGE, "max")
    fetched = _source(stub).fetch((memory,), MODEL)
    assert "keep no max of memory.resident: the max of their means is taken" in " ".join(
        map(str, fetched.problems)
    )
    assert fetched.table.coverage()[memory].known > 0


def _without_rates(calls: list[Call]) -> Answer:
    """A Gnocchi whose policies keep means only, and of cpu of one server nothing in good time."""
    policy = {"definition": [{"granularity": "1 day, 0:00:00"}], "aggregation_methods": ["mean"]}
    kept = [
        {"id": name, "resource_id": identity, "archive_policy": policy}
        for name, identity in sorted(truth.SERVERS.items())
    ]

    def answer(call: Call) -> tuple[int, object]:
        calls.append(call)
        if call.path == "/v1/metric":
            return 200, [] if "marker" in call.params else kept
        if call.params["granularity"] == "86400":
            start = time.time() // 86400 * 86400
            at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(start))
            return 200, {
                "measures": {kept[0]["resource_id"]: {"memory": {"mean": [[at, 86400.0, 9]]}}}
            }
        description = {"cause": "Metrics with unknown aggregation", "detail": []}
        return 404, {"code": 404, "description": description}

    return answer


def test_a_rate_that_is_not_kept_is_unknown_and_takes_no_search() -> None:
    calls: list[Call] = []
    with served(_without_rates(calls)) as url:
        fetched = _source(url).fetch((CPU,), MODEL)
    assert np.isnan(fetched.table.values[CPU]).all()
    assert "6 servers keep no rate:mean of cpu" in str(fetched.problems[0])
    assert [call.path for call in calls] == ["/v1/aggregates", "/v1/metric", "/v1/metric"]


def test_buckets_wider_than_the_period_are_better_than_none_and_said_to_be_used() -> None:
    allocated = truth.need(m.INSTANCE_RAM_ALLOCATED)
    with served(_without_rates([])) as url:
        fetched = _source(url).fetch((allocated,), MODEL)
    values = fetched.table.values[allocated]
    assert values[~np.isnan(values)].tolist() == [9.0]
    assert "6 servers keep memory only in buckets wider than the period" in str(fetched.problems[0])
