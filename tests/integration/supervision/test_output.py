import io
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.supervision import LineStream, OutputWriter

STAMP = "2026-11-28T17:07:20.280Z"


def test_lines_go_to_the_stream_and_the_file_with_their_names(tmp_path: Path) -> None:
    stream = io.StringIO()
    output = OutputWriter(tmp_path / "log", stream, width=6)
    output("api", b"hello\r")
    output("relay", b"\xff?")
    output.close()
    expected = "api    | hello\nrelay  | \ufffd?\n"
    assert stream.getvalue() == expected
    assert (tmp_path / "log").read_text() == expected
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_json_lines_stay_json(tmp_path: Path) -> None:
    output = OutputWriter(tmp_path / "log", None, width=0)
    output("api", b'{"role": "api"}')
    output.close()
    assert (tmp_path / "log").read_text() == '{"role": "api"}\n'


def test_a_full_file_makes_room_and_a_few_older_ones_stay(tmp_path: Path) -> None:
    output = OutputWriter(tmp_path / "log", None, limit=100)
    for number in range(50):
        output("api", f"line {number:03} {'x' * 20}".encode())
    output.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["log", "log.1", "log.2", "log.3"]
    newest = (tmp_path / "log.1").read_text() + (tmp_path / "log").read_text()
    assert "line 049" in newest


def test_a_terminal_that_went_away_does_not_stop_the_file(tmp_path: Path) -> None:
    stream = io.StringIO()
    output = OutputWriter(tmp_path / "log", stream)
    stream.close()
    output("api", b"one")
    output("api", b"two")
    output.close()
    assert (tmp_path / "log").read_text().count("\n") == 2


def test_a_voice_passes_on_complete_lines(tmp_path: Path) -> None:
    said: list[tuple[str, bytes]] = []
    voice = LineStream("up", lambda name, line: said.append((name, line)))
    voice.write("one\ntw")
    voice.write("o\n")
    assert said == [("up", b"one"), ("up", b"two")]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: what a full disk is like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_lines_of_the_file_and_nothing_else(tmp_path: Path) -> None:
    """The log was what filled the disk; the line that did not fit ended `vigil up`, and with it
    every role, though the database would have been written again once there was room."""
    stream = io.StringIO()
    output = OutputWriter(tmp_path / "log", stream, width=4)
    output("api", b"before")
    with files_of_at_most(20):
        for number in range(3):
            output("api", f"a line that does not fit: {number}".encode())
    output("api", b"after")
    output.close()
    shown = stream.getvalue()
    assert shown.count("does not fit") == 3
    assert shown.count("log cannot be written") == 1
    kept = (tmp_path / "log").read_text()
    assert "before" in kept
    assert "3 lines are missing here" in kept
    assert kept.endswith("api  | after\n")


def test_a_file_that_cannot_make_room_goes_on(tmp_path: Path) -> None:
    stream = io.StringIO()
    output = OutputWriter(tmp_path / "log", stream, limit=10)
    (tmp_path / "log.1").mkdir()
    (tmp_path / "log.1" / "in the way").touch()
    (tmp_path / "log.2").mkdir()
    (tmp_path / "log.2" / "in the way").touch()
    (tmp_path / "log.3").mkdir()
    (tmp_path / "log.3" / "in the way").touch()
    output("api", b"one")
    output("api", b"two")
    output.close()
    assert stream.getvalue().count("log cannot be rotated: Directory not empty") == 2
    kept = (tmp_path / "log").read_text()
    assert kept.count("\n") == 2
    assert "two" in kept


def test_a_quiet_terminal_gets_errors_with_their_tracebacks_and_the_file_every_line(
    tmp_path: Path,
) -> None:
    """`vigil up --quiet` printed nothing at all, also no errors: an operator who started it in a
    script did not see why a role ended."""
    terminal = io.StringIO()
    output = OutputWriter(tmp_path / "log", terminal, width=0, errors_only=True)
    lines = [
        ("api", "/lib/keystonemiddleware.py:1: UserWarning: use valid service tokens"),
        ("api", f"{STAMP} ERROR   vigil: failed"),
        ("applier", f"{STAMP} INFO    vigil: started"),
        ("api", "ValueError: no"),
        ("api", f"{STAMP} INFO    vigil: goes on"),
        ("api", "a line that belongs to it"),
    ]
    for name, line in lines:
        output(name, line.encode())
    output.close()
    assert terminal.getvalue() == f"{STAMP} ERROR   vigil: failed\nValueError: no\n"
    assert (tmp_path / "log").read_text().splitlines() == [line for _, line in lines]
