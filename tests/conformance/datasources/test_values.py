"""What every datasource says of the same small cloud."""

from collections.abc import Mapping

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import BAD_VALUE
from domain.metrics import catalogue as m
from domain.metrics.catalogue import METRIC_UNKNOWN
from tests.conformance.datasources import truth
from tests.conformance.datasources.conftest import Ground
from tests.conformance.datasources.truth import SERVERS, need

EXPECTED: Mapping[str, Mapping[str, float | None]] = {
    m.HOST_CPU_USAGE: {
        "busy.example": 90.0,
        "quiet.example": 0.0,
        "half.example": 40.0,
        "wave.example": 60.0,
        "stopped.example": None,
        "silent.example": None,
    },
    m.HOST_RAM_USAGE: {
        "busy.example": 900.0 * 1024,
        "quiet.example": 0.0,
        "half.example": None,
        "wave.example": 60.0 * 1024,
        "stopped.example": None,
        "silent.example": None,
    },
    m.INSTANCE_CPU_USAGE: {
        "full": 100.0,
        "idle": 0.0,
        "some": 30.0,
        "wave": 60.0,
        "stopped": None,
        "silent": None,
    },
    m.INSTANCE_RAM_USAGE: {
        "full": 512.0,
        "idle": 0.0,
        "some": None,
        "wave": 60.0,
        "stopped": None,
        "silent": None,
    },
}
WIDE = 1800.0
"""A period of which the wave is low for one half and high for the other."""


def _said(ground: Ground, model: ComputeModel, wanted: m.MetricNeed) -> dict[str, float | None]:
    values = ground.source.fetch((wanted,), model).table.values[wanted]
    names = model.hosts.name if wanted.resource == "host" else model.servers.name
    return {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(names, values, strict=True)
    }


@pytest.mark.parametrize("metric", sorted(EXPECTED))
def test_values_are_in_the_metrics_unit_0_is_0_and_what_is_not_measured_is_unknown(
    ground: Ground, model: ComputeModel, metric: str
) -> None:
    """Not measured, measured long ago, or in a wrong unit: never 0 and never 100 %."""
    said = _said(ground, model, need(metric))
    expected = EXPECTED[metric]
    assert {name for name, value in said.items() if value is None} == {
        name for name, value in expected.items() if value is None
    }
    known = {name: value for name, value in expected.items() if value is not None}
    assert {name: said[name] for name in known} == pytest.approx(known, rel=0.02, abs=0.1)


def test_gaps_are_named_once_per_metric_with_how_many_there_are(
    ground: Ground, model: ComputeModel
) -> None:
    fetched = ground.source.fetch((need(m.INSTANCE_CPU_USAGE),), model)
    unknown = [one for one in fetched.problems if one.reason == METRIC_UNKNOWN]
    assert len(unknown) == 1
    assert "2 of 6 servers" in str(unknown[0])
    coverage = fetched.table.coverage()[need(m.INSTANCE_CPU_USAGE)]
    assert (coverage.known, coverage.total) == (4, 6)


@pytest.mark.parametrize("metric", [m.HOST_RAM_USAGE, m.INSTANCE_RAM_USAGE])
def test_a_value_in_a_wrong_unit_is_reported_and_not_used(
    ground: Ground, model: ComputeModel, metric: str
) -> None:
    """Bytes for KiB or MB would make a strategy see a host that is full a million times over."""
    fetched = ground.source.fetch((need(metric),), model)
    bad = [one for one in fetched.problems if one.reason == BAD_VALUE]
    assert len(bad) == 1
    assert str(truth.MEASURED_WRONG[metric]) in str(bad[0])


@pytest.mark.parametrize("metric", sorted(EXPECTED))
def test_aggregates_are_over_the_whole_period(
    ground: Ground, model: ComputeModel, metric: str
) -> None:
    """The original looks at the last bucket only, and swaps the extremes of hosts for some."""
    name = "wave.example" if metric.startswith("host_") else "wave"
    scale = 1024 if metric == m.HOST_RAM_USAGE else 1
    said = {}
    for aggregate in ("mean", "max", "min", "count"):
        value = _said(ground, model, need(metric, aggregate, WIDE))[name]
        assert value is not None
        said[aggregate] = value / scale
    assert said["max"] == pytest.approx(60.0, abs=1.0)
    assert said["min"] == pytest.approx(20.0, abs=1.0)
    assert said["mean"] == pytest.approx(40.0, abs=8.0)
    assert said["count"] == pytest.approx(said["mean"], abs=1.0)


def test_several_metrics_come_at_once_and_each_once(ground: Ground, model: ComputeModel) -> None:
    """However many hosts and servers: a request per metric, and a few where policies differ."""
    cpu, memory = need(m.HOST_CPU_USAGE), need(m.INSTANCE_RAM_USAGE)
    fetched = ground.source.fetch((cpu, memory, cpu), model)
    assert set(fetched.table.values) == {cpu, memory}
    alike = ground.source.fetch((cpu,), model)
    assert alike.queries == 1


def test_a_metric_without_a_mapping_is_unknown_and_costs_nothing(
    ground: Ground, model: ComputeModel
) -> None:
    other = m.MetricNeed("host_colour", "host")
    assert ground.source.supports((other,)) == {"host_colour": False}
    fetched = ground.source.fetch((other,), model)
    assert np.isnan(fetched.table.values[other]).all()
    assert fetched.queries == 0
    assert fetched.problems[0].reason == METRIC_UNKNOWN


def test_a_preflight_has_a_row_per_need(ground: Ground, model: ComputeModel) -> None:
    wanted = [need(metric) for metric in (m.INSTANCE_CPU_USAGE, m.HOST_RAM_USAGE)]
    cpu, memory = ground.source.preflight(wanted, model)
    assert (cpu.supported, cpu.present, cpu.known, cpu.total, cpu.unit) == (True, True, 4, 6, "%")
    assert cpu.least == pytest.approx(0.0, abs=0.1)
    assert cpu.most == pytest.approx(100.0, abs=1.0)
    assert (memory.known, memory.total, memory.unit) == (3, 6, "KiB")
    assert memory.problems
    if ground.source.name != "grafana":  # InfluxDB says of an aggregate only when its period began
        assert cpu.age is not None
        assert 0 <= cpu.age <= 600


def test_an_empty_cloud_takes_one_question_that_any_answer_will_do_for(ground: Ground) -> None:
    nothing, _ = ComputeModel.build((), ())
    fetched = ground.source.fetch((need(m.HOST_CPU_USAGE), need(m.INSTANCE_CPU_USAGE)), nothing)
    assert fetched.queries == 1
    assert fetched.problems == ()


def test_a_cloud_of_hosts_without_servers_is_asked_about_its_hosts(
    ground: Ground, model: ComputeModel
) -> None:
    hosts, _ = ComputeModel.build(truth.host_rows(), ())
    cpu, server = need(m.HOST_CPU_USAGE), need(m.INSTANCE_CPU_USAGE)
    fetched = ground.source.fetch((cpu, server), hosts)
    assert fetched.queries == 1
    assert fetched.table.values[server].shape == (0,)
    assert len(SERVERS) == len(model.servers)
