import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from infrastructure import read_models
from infrastructure.event_log import open_event_log, upgrade
from infrastructure.supervision import state
from interfaces.cli.main import main
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


@pytest.mark.parametrize("command", [("replay", "log"), ("cluster", "show")])
def test_a_copy_of_a_running_or_killed_installation_is_read_itself(
    left_behind: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    """Its up.json names the original: every answer was the original's, as of now."""
    read_models.upgrade(f"sqlite:///{left_behind / 'views.db'}")
    state.write(left_behind, up_state(left_behind))
    copy = shutil.copytree(left_behind, tmp_path / "copy")
    for file in left_behind.glob("*.sqlite*"):
        file.write_bytes(b"the original is not touched")
    code = main([*command, "--data", str(copy)])
    out, err = capsys.readouterr()
    if command[0] == "cluster":
        assert (code, out) == (1, "")
        assert "No cluster model has been collected yet" in err
    else:
        assert (code, err) == (0, "")
        assert SHORT_NAME in out


def test_the_copy_of_an_installation_on_postgresql_is_not_the_original(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    for folder in (original, copy):
        folder.mkdir()
        elsewhere = replace(up_state(original), database="postgresql://vigil:s3cret@db.invalid/v")
        state.write(folder, elsewhere)
    assert main(["replay", "log", "--data", str(copy)]) == 1
    said = capsys.readouterr().err
    assert "db.invalid" not in said
    assert "--database" in said


def up_state(folder: Path) -> state.UpState:
    """What a running `vigil up` says of itself."""
    return state.UpState(
        pid=os.getpid(),
        started_at="2026-11-24T12:00:00+00:00",
        version="1",
        ready=True,
        data_dir=str(folder),
        api_url="http://127.0.0.1:9322",
        database=f"sqlite:///{folder / 'vigil.sqlite'}",
        nats_url="",
        nats_token=None,
        cloud="simulator",
        cloud_config=None,
        simulator_url=None,
        prometheus_url=None,
        log="",
    )


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
