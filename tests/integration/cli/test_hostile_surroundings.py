"""Names that users of the cloud chose, files that others may read, and documents that explode."""

import json
import os
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from domain.cluster.formats import baremetal, storage_xml, xml
from domain.kernel.errors import InvalidValue
from interfaces.cli.main import main
from vigil.testing import generated_cluster

HOSTILE = "\x1b[2J\x9b31m\r\nvigil: forged\u202e"
CONTROLS = set("\x1b\x9b\r\u202e")


def _hostile_cluster(folder: Path) -> Path:
    cluster: dict[str, Any] = json.loads(json.dumps(generated_cluster(hosts=6, servers=20)))
    for server in cluster["instances"]:
        server["name"] += HOSTILE
    path = folder / "cluster.json"
    path.write_text(json.dumps(cluster), encoding="utf-8")
    return path


def test_a_servers_name_controls_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reasons of a plan were printed with the names as they are: any user of the cloud could
    write lines of its own, and sequences that a terminal obeys, on an operator's screen."""
    cluster = str(_hostile_cluster(tmp_path))
    assert main(["strategy", "run", "vm_workload_consolidation", "--cluster", cluster]) == 0
    said = capsys.readouterr().out
    assert "forged" in said
    assert not set(said) & CONTROLS
    assert not [line for line in said.splitlines() if line.startswith("vigil: forged")]


def test_an_error_controls_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategy", "run", f"no{HOSTILE}", "--cluster", "/nowhere"]) != 0
    said = capsys.readouterr().err
    assert "forged" in said
    assert not set(said) & CONTROLS


def test_the_files_of_a_command_are_its_users_alone(tmp_path: Path) -> None:
    """In a data directory that others may enter, they could read events and decision records."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    words = ["-m", "interfaces.cli.main", "db", "upgrade", "--data", str(data)]
    subprocess.run([sys.executable, *words], check=True, capture_output=True, umask=0o022)
    files = [path for path in data.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".sqlite"]
    assert {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} == {
        path.name: 0 for path in files
    }


def test_a_command_within_another_program_leaves_its_umask_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = os.umask(0o022)
    try:
        assert main(["version"]) == 0
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert capsys.readouterr().out


def _laughs() -> str:
    names = "abcdefghij"
    entities = [f'<!ENTITY a "{"ha" * 10}">']
    entities += [f'<!ENTITY {n} "{f"&{m};" * 10}">' for m, n in pairwise(names)]
    return f"<!DOCTYPE x [{''.join(entities)}]><x y='&j;'/>"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        _laughs(),
        f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><x>{"&a;" * 20_000}</x>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    ],
    ids=["laughs", "quadratic", "external"],
)
def test_entities_of_xml_neither_explode_nor_read_files(text: str) -> None:
    for read in (xml.from_xml, storage_xml.from_xml, baremetal.from_xml):
        with pytest.raises(InvalidValue) as refused:
            read(text)
        assert "root:" not in str(refused.value)
