import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.supervision import ChildReport, DirectoryBusy, DirectoryLock, UpState, holder
from infrastructure.supervision import state as state_file
from interfaces.cli.main import main

HOLD = (
    "import pathlib, sys, time\n"
    "from infrastructure.supervision import DirectoryLock\n"
    "lock = DirectoryLock(pathlib.Path(sys.argv[1])).acquire()\n"
    "print('held', flush=True)\n"
    "time.sleep(600)"
)


@pytest.fixture
def other_holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that runs on the directory."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_instance_is_refused_and_told_who_runs(
    tmp_path: Path, other_holder: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--data", str(tmp_path)]) == 1
    complaint = capsys.readouterr().err
    assert complaint == (
        f"vigil: error: {tmp_path} is in use by another `vigil up` (pid {other_holder.pid}); "
        "stop that one or choose another directory with --data\n"
    )


def test_the_holder_can_be_asked_for_without_disturbing_it(
    tmp_path: Path, other_holder: subprocess.Popen[bytes]
) -> None:
    assert holder(tmp_path) == other_holder.pid
    with pytest.raises(DirectoryBusy):
        DirectoryLock(tmp_path).acquire()


def test_the_directory_is_free_again_when_its_holder_was_killed(
    tmp_path: Path, other_holder: subprocess.Popen[bytes]
) -> None:
    other_holder.kill()
    other_holder.wait()
    assert holder(tmp_path) is None
    with DirectoryLock(tmp_path):
        assert holder(tmp_path) == os.getpid()
    assert holder(tmp_path) is None


@pytest.mark.parametrize(("place", "why"), [("", "File exists"), ("below", "Not a directory")])
def test_a_directory_that_cannot_be_used_is_named_with_what_to_do(
    place: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was told as a defect of the program: `FileExistsError: [Errno 17] …(--debug shows …)`."""
    file = tmp_path / "file"
    file.touch()
    assert main(["up", "--data", str(file / place)]) == 1
    assert capsys.readouterr().err == (
        f"vigil: error: {file / place} cannot be the data directory: {why}; "
        "choose another with --data\n"
    )


def test_nobody_holds_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    assert holder(tmp_path / "absent") is None


def example(folder: Path) -> UpState:
    return UpState(
        pid=1,
        started_at="2030-01-01T00:00:00+00:00",
        version="1",
        ready=True,
        data_dir=str(folder),
        api_url="http://127.0.0.1:1",
        database="sqlite:///x",
        nats_url="nats://127.0.0.1:2",
        nats_token="t",  # noqa: S106
        cloud="c",
        cloud_config=None,
        simulator_url=None,
        prometheus_url=None,
        log="l",
        children=(ChildReport(name="api", state="ready", pid=5, restarts=0),),
    )


def test_the_state_file_is_read_as_it_was_written_and_by_its_owner_only(tmp_path: Path) -> None:
    state_file.write(tmp_path, example(tmp_path))
    assert state_file.read(tmp_path) == example(tmp_path)
    assert stat.S_IMODE((tmp_path / "up.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["up.json"]


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", '{"pid": "x"}'])
def test_a_state_file_that_cannot_be_read_counts_as_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "up.json").write_text(text)
    assert state_file.read(tmp_path) is None
