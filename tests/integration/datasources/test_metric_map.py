import json
import logging
from pathlib import Path

import pytest

from infrastructure.datasources.metric_map import metric_map
from infrastructure.datasources.promql import SERIES
from infrastructure.datasources.selectors import selector_problem

NAMES = ("aetos", "gnocchi", "grafana", "prometheus")


def _written(directory: Path, text: str) -> Path:
    file = directory / "metric_map.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_names_are_overridden_per_datasource(tmp_path: Path) -> None:
    text = "gnocchi:\n  host_power: my.power\ngrafana:\n  host_power: {project: 7}\n"
    assert metric_map(_written(tmp_path, text), NAMES) == {
        "gnocchi": {"host_power": "my.power"},
        "grafana": {"host_power": {"project": 7}},
    }


def test_a_name_can_have_a_unit(tmp_path: Path) -> None:
    text = "prometheus:\n  instance_cpu_usage: {name: libvirt_cpu, unit: s}\n"
    assert metric_map(_written(tmp_path, text), NAMES) == {
        "prometheus": {"instance_cpu_usage": {"name": "libvirt_cpu", "unit": "s"}}
    }


def test_there_need_not_be_a_file(tmp_path: Path) -> None:
    assert metric_map(tmp_path / "nothing.yaml", NAMES) == {}
    assert metric_map(_written(tmp_path, ""), NAMES) == {}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "- a list",
        "cacti: {host_power: x}",
        "gnocchi: 7",
        "gnocchi: {host_colour: x}",
        "gnocchi: {host_power: {a: b}}",
        "gnocchi: {host_power: {unit: W}}",
        "prometheus: {host_cpu_usage: {name: x, unit: s, scale: 2}}",
        "grafana: {host_power: text}",
    ],
)
def test_what_makes_no_sense_is_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not any(metric_map(_written(tmp_path, text), NAMES).values())
    assert "metric map" in caplog.text or "metric_map_path" in caplog.text


@pytest.mark.parametrize(
    ("selector", "problem"),
    [
        (
            'ipmi_temperature_celsius{name=~"(?i).*(outlet"}',
            "pattern '(?i).*(outlet' of label name",
        ),
        ("ipmi_temperature_celsius{name=~'a(?!b)'}", "neither lookarounds"),
        ("ipmi_temperature_celsius{name=~`*`}", "pattern '*' of label name is invalid"),
        ("ipmi_temperature_celsius{name~outlet}", "'name~outlet' is no label matcher"),
        ('ipmi_temperature_celsius{name="a"', "must be the name of a metric"),
        ("avg(ipmi_temperature_celsius)", "must be the name of a metric"),
    ],
)
@pytest.mark.parametrize("datasource", ["prometheus", "aetos"])
def test_a_wrong_pattern_of_sensors_is_named_when_the_file_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, datasource: str, selector: str, problem: str
) -> None:
    """Each query failed with Prometheus' parse error, at the first run of the strategy."""
    text = json.dumps({datasource: {"host_outlet_temp": selector, "host_power": "watts"}})
    with caplog.at_level(logging.WARNING):
        found = metric_map(_written(tmp_path, text), NAMES)
    assert found == {datasource: {"host_power": "watts"}}
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    for word in ("[watcher_decision_engine] metric_map_path", "host_outlet_temp", problem):
        assert word in record.getMessage()


@pytest.mark.parametrize(
    "selector",
    [
        "watts",
        "job:watts:rate5m",
        "watts{}",
        '{__name__="watts"}',
        "a{b=\"c\", d!='e',}",
        'a{b=~"(?i).*(outlet|exhaust)\\\\d"}',
        "a{b=~`\\pL+[[:alpha:]](?P<n>x)`}",
        'a{b!~"(?i:x)y(?s)z"}',
        *(raw.name for raw in SERIES.values()),
    ],
)
def test_every_selector_of_prometheus_is_accepted(selector: str) -> None:
    assert selector_problem(selector) is None


def test_a_file_that_cannot_be_read_does_not_stop_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert metric_map(tmp_path, NAMES) == {}
    assert "cannot be read" in caplog.text
