"""Files that users write with an editor of theirs."""

import json
from pathlib import Path
from typing import Any

import pytest

from infrastructure.datasources.metric_map import metric_map
from infrastructure.messaging.settings import NatsConnectionSettings
from infrastructure.openstack.connection import connect
from infrastructure.operator_rules import RulesFile
from infrastructure.settings import SettingsError, load
from infrastructure.settings.libraries import LibraryOptions
from infrastructure.simulator.cli import _faults
from infrastructure.simulator.core.clock import SimulatedClock
from infrastructure.simulator.core.cluster_file import load_cluster
from interfaces.cli.main import main
from tests.integration.cli.test_strategy import host, server

MARKED = pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
"""With a byte order mark: as editors of Windows save "UTF-8" and "Unicode"."""
ROOT = Path(__file__).parents[3]
OF_VIGIL = {
    "interfaces/docs/pages.py",
    "interfaces/demo/installation.py",
    "interfaces/demo/pictures.py",  # this README
    "interfaces/web/__init__.py",
    "infrastructure/event_log/snapshots.py",
    "infrastructure/messaging/embedded.py",
    "infrastructure/plugins/registry.py",  # the code of plug-ins
    "infrastructure/read_models/processes.py",
    "infrastructure/seal/anchor_file.py",
    "infrastructure/strategy_processes/run_process.py",
    "infrastructure/supervision/state.py",
    "infrastructure/text_files.py",
    "vigil/testing/runs.py",  # expected.json, which it wrote
}
"""Modules that read files of Vigil or of the operating system."""


def saved(folder: Path, name: str, text: str, encoding: str) -> Path:
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def cluster() -> dict[str, Any]:
    one = host(1)
    return {"hosts": [one], "instances": [server(1, str(one["id"]))]}


@MARKED
def test_configuration_files_with_a_mark_are_read(tmp_path: Path, encoding: str) -> None:
    """The start was refused: "'\\ufeff[api]' is no section"."""
    text = "[api]\r\nport = 1001\r\n[oslo_policy]\r\npolicy_file = rules.yaml\r\n"
    file = saved(tmp_path, "vigil.conf", text, encoding)
    loaded = load(files=[file], environ={})
    assert loaded.settings.api.port == 1001
    assert [line for line in loaded.unused() if "api" in line] == []
    assert [*LibraryOptions([file]).unknown("oslo_policy", {"policy_file"})] == []


@MARKED
def test_cluster_files_and_lists_of_faults_with_a_mark_are_read(
    tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`vigil strategy run` ended with "Unexpected UTF-8 BOM (decode using utf-8-sig)"."""
    file = saved(tmp_path, "cluster.json", json.dumps(cluster()), encoding)
    assert main(["strategy", "run", "dummy", "--cluster", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert len(load_cluster(file, SimulatedClock()).hosts) == 1
    rules = saved(tmp_path, "faults.json", '[{"kind": "endpoint"}]', encoding)
    assert _faults(rules) == ({"kind": "endpoint"},)


@MARKED
def test_rules_maps_and_tokens_with_a_mark_are_read(tmp_path: Path, encoding: str) -> None:
    assert RulesFile(saved(tmp_path, "rules.yaml", "rules: []\n", encoding)).read() == {"rules": []}
    names = saved(tmp_path, "metric_map.yaml", "gnocchi:\n  instance_cpu_usage: x\n", encoding)
    assert metric_map(names, {"gnocchi"})["gnocchi"].keys() == {"instance_cpu_usage"}
    token = saved(tmp_path, "token", "s3cret\r\n", encoding)
    nats = NatsConnectionSettings(servers=("nats://127.0.0.1:4222",), token_file=token)
    assert nats.read_token() == "s3cret"


def test_clouds_yaml_with_a_mark_is_read(tmp_path: Path) -> None:
    auth = "{auth_url: 'http://127.0.0.1:9/v3', username: a, password: b, project_name: c}"
    text = f"clouds:\n  mine:\n    auth: {auth}\n"
    connection = connect("mine", config_file=saved(tmp_path, "clouds.yaml", text, "utf-8-sig"))
    assert connection.name == "mine"
    connection.close()


def test_a_file_that_is_no_utf_8_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ended with "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe4"."""
    file = saved(tmp_path, "vigil.conf", "[api]\n# für\nport = 1\n", "latin-1")
    with pytest.raises(SettingsError, match=rf"{file}: line 2 is not in UTF-8"):
        load(files=[file], environ={})
    file = saved(tmp_path, "cluster.json", '{\n"näme": 1}', "latin-1")
    assert main(["strategy", "run", "dummy", "--cluster", str(file)]) == 1
    assert f"{file} cannot be read: line 2 is not in UTF-8" in capsys.readouterr().err


def test_files_of_users_are_read_by_one_reader() -> None:
    """Each module that opened a file itself refused the mark in words of its own."""
    layers = ("domain", "application", "infrastructure", "interfaces", "vigil")
    reading = {
        str(path.relative_to(ROOT))
        for layer in layers
        for path in (ROOT / layer).rglob("*.py")
        if ".read_text(" in (text := path.read_text()) or ".read_bytes(" in text
    }
    assert reading == OF_VIGIL
