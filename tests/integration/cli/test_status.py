"""`vigil status` against an API with prepared answers, with and without a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interfaces.cli.main import main
from tests.golden.viewer import example
from tests.integration.cli.test_main import read_until
from tests.integration.viewer.api import PreparedApi, prepared_api


@pytest.fixture
def api() -> Iterator[PreparedApi]:
    with prepared_api() as found:
        yield found


def test_without_a_terminal_plain_lines_are_printed_once_and_uncut(
    api: PreparedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--url", api.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "health warning"
    assert any(line.startswith(f"plan {example.ident(0x31)} ONGOING 2/12 1 fail") for line in lines)
    assert "…" not in "".join(lines)


def test_json_is_the_overview_as_it_is(
    api: PreparedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--json", "--url", api.url]) == 0
    assert json.loads(capsys.readouterr().out) == example.OVERVIEW


def test_an_api_that_does_not_answer_is_an_error(
    api: PreparedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.is_away = True
    assert main(["status", "--once", "--url", api.url]) == 5
    complaint = capsys.readouterr().err
    assert api.url in complaint
    assert complaint.count("\n") == 2, "what is wrong, and what to do"


def test_a_directory_without_a_running_installation_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--data", str(tmp_path / "nothing")]) == 5
    assert str(tmp_path / "nothing") in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


def test_a_closed_pipe_ends_it_without_an_error(api: PreparedApi) -> None:
    words = [sys.executable, "-m", "interfaces.cli.main", "status", "--watch", "--interval", "0.1"]
    with subprocess.Popen(
        [*words, "--url", api.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"health warning\n"
        process.stdout.close()
        api.answers["/v1/overview"] = {**example.OVERVIEW, "end": 422}
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize("by_signal", [True, False])
def test_on_a_terminal_it_is_live_and_leaves_the_terminal_clean(
    api: PreparedApi, *, by_signal: bool
) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli.main", "status", "--url", api.url],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    ) as process:
        os.close(slave)
        try:
            screen = read_until(master, b"00000032")
            screen += read_until(master, b"\x1b[?2004h")  # keys are read from now on
            if by_signal:
                process.send_signal(signal.SIGINT)
            else:
                os.write(master, b"q")
            screen += read_until(master, b"\x1b[?1049l")
            assert process.wait(30) in (0, 130)
        finally:
            process.kill()
            os.close(master)
    assert b"\x1b[?1049h" in screen, "it used the alternate screen"
    assert b"Traceback" not in screen
