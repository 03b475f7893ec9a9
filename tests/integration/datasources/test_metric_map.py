import logging
from pathlib import Path

import pytest

from infrastructure.datasources.metric_map import metric_map

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
    assert "metric map" in caplog.text


def test_a_file_that_cannot_be_read_does_not_stop_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert metric_map(tmp_path, NAMES) == {}
    assert "cannot be read" in caplog.text
