import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.event_log import open_event_log, upgrade
from tests.integration.cli.conftest import Cli
from tests.world.histories import SHORT_NAME, short_history


@pytest.fixture
def left_behind(tmp_path: Path) -> Path:
    """A data directory on which nothing runs any more."""
    folder = tmp_path / "stopped"
    url = f"sqlite:///{folder / 'vigil.sqlite'}"
    upgrade(url)
    log = open_event_log(url)
    short_history(log)
    log.close()
    return folder


def test_a_data_directory_with_nothing_running_is_opened_and_left_as_it_was(
    cli: Cli, left_behind: Path
) -> None:
    before = hashlib.sha256((left_behind / "vigil.sqlite").read_bytes()).hexdigest()
    assert len(cli.lines("log", "--data", str(left_behind))) > 5
    assert cli.state(SHORT_NAME, "--data", str(left_behind))["kind"] == "audit"
    after = hashlib.sha256((left_behind / "vigil.sqlite").read_bytes()).hexdigest()
    assert after == before


def test_a_directory_without_a_log_is_named(cli: Cli, tmp_path: Path) -> None:
    complaint = cli.fails("log", "--data", str(tmp_path / "nothing"))
    assert complaint.startswith("vigil: error: ")
    assert str(tmp_path / "nothing") in complaint
    assert not (tmp_path / "nothing").exists(), "looking must not make anything"


def test_a_reader_that_leaves_early_is_no_error(left_behind: Path) -> None:
    command = f"{sys.executable} -m interfaces.cli.main replay log --data {left_behind} | head -1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""
    assert result.returncode == 0
