import argparse
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from application.projections import Projector, all_projections
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import open_event_log
from infrastructure.read_models import SqlProjectionStore, open_engine, views_url
from interfaces.bootstrap import rebuilding
from interfaces.cli.main import COMMANDS, build_parser, main
from tests.world.histories import short_history


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as end:
            main([command.name, "--help"])
        assert end.value.code == 0
        assert f"vigil {command.name}" in capsys.readouterr().out
    assert build_parser() is not None


def test_the_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "0 done, 1 failed, 2 wrong arguments or settings" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [[], ["frobnicate"], ["status", "--frobnicate"], ["config", "--set", "nonsense"], ["replay"]],
)
def test_wrong_arguments_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("vigil: error: ")
    assert hint.startswith("vigil: hint: ")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["replay", "log", "--limit", "-1"], "must not be negative"),
        (["sim", "--port", "99999"], "--port: must be between 0 and 65535"),
        (["sim", "--hosts", "-1"], "--hosts: must not be negative"),
        (["replay", "show", "a", "--at", "yesterday"], "neither a log position nor a time"),
        (["status", "--interval", "0"], "must be at least 0.1"),
        (["status", "--interval", "nan"], "must be at least 0.1"),
    ],
)
def test_numbers_that_make_no_sense_end_with_2(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--limit -1` said that nothing had happened; `--interval -1` looked without a pause."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_version_is_told_where_people_look_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    output = capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("url", ["sqlite://relative", "sqlite:///:memory:", "sqlite:///"])
def test_an_sqlite_database_without_a_file_is_a_wrong_setting(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first child of `vigil up` found it, and reported it as a `ValueError`."""
    assert main(["config", "--database", url]) == 2
    complaint = capsys.readouterr().err
    assert "[database] connection (command line): must be" in complaint
    assert "sqlite:////path/of/a/file" in complaint


def test_ctrl_c_while_the_command_is_loaded_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(only: str | None = None) -> argparse.ArgumentParser:
        raise KeyboardInterrupt(only)

    monkeypatch.setattr("interfaces.cli.main.build_parser", interrupted)
    assert main(["up"]) == 130


@pytest.mark.parametrize("words", [["replay", "log"], ["projections", "status"], ["db", "check"]])
def test_a_place_without_a_database_is_named_with_what_to_do(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped --data or --database ended in the advice to upgrade a schema, without its name."""
    url = f"sqlite:///{tmp_path}/nothing/vigil.sqlite"
    assert main([*words, "--database", url]) == 1
    complaint = capsys.readouterr().err
    assert url in complaint
    assert "`vigil db upgrade`" in complaint
    assert "--data" in complaint
    assert complaint.count("\n") == 1


def test_files_that_cannot_be_read_are_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategy", "run", "dummy", "--cluster", "/no/file"]) == 1
    assert capsys.readouterr().err == (
        "vigil: error: /no/file cannot be read: No such file or directory\n"
    )


def test_wrong_settings_end_with_2_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--set", "api.port=0"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("vigil: error: [api] port (command line): must be")
    assert complaint.count("\n") == 1


def test_the_settings_in_force_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--data", "/somewhere", "--set", "api.port=99"]) == 0
    listing = capsys.readouterr().out
    assert "port = 99  # command line" in listing
    assert "connection = sqlite:////somewhere/vigil.sqlite  # default" in listing


def test_a_database_is_upgraded_once_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    assert main(["db", "check", *data]) == 1
    assert "run `vigil db upgrade`" in capsys.readouterr().err
    assert main(["db", "upgrade", *data]) == 0
    assert "is up to date\n" in capsys.readouterr().out
    assert main(["db", "upgrade", *data]) == 0
    assert "was up to date already" in capsys.readouterr().out
    assert main(["db", "check", *data]) == 0


@pytest.fixture
def installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A data directory with a history that nothing runs on."""
    main(["db", "upgrade", "--data", str(tmp_path)])
    capsys.readouterr()
    url = f"sqlite:///{tmp_path / 'vigil.sqlite'}"
    log = open_event_log(url)
    short_history(log)
    engine = open_engine(views_url(url))
    store = SqlProjectionStore(engine)
    Projector(log, store, all_projections(next_match), SystemClock()).catch_up()
    engine.dispose()
    log.close()
    return tmp_path


def test_read_models_are_listed_and_built_anew(
    installation: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(installation)]
    assert main(["projections", "rebuild", *data]) == 0
    output = capsys.readouterr().out
    assert "rebuilt from 14 events in" in output
    assert "no differences" in output
    assert main(["projections", "status", *data]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert len(rows) >= 3
    assert {(row[2], row[3], row[4]) for row in rows} == {("14", "0", "0")}
    assert main(["projections", "rebuild", "nonsense", *data]) == 1
    assert "there is no projection nonsense" in capsys.readouterr().err


def test_a_rebuild_whose_second_process_dies_fails_and_can_be_repeated(
    installation: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ["--data", str(installation)]
    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "_send_result", lambda *_: os._exit(9))
        patch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
        assert main(["projections", "rebuild", *data]) == 1
    assert "the process that rebuilt timeline ended early" in capsys.readouterr().err
    assert main(["projections", "rebuild", *data]) == 0
    assert "no differences" in capsys.readouterr().out


def test_names_that_a_terminal_cannot_show_are_spelled_out(tmp_path: Path) -> None:
    """A server with a smiley in its name ended a trial half-way where the locale was not UTF-8."""
    file = tmp_path / "cluster.json"
    hosts = [
        {"id": f"h{n}", "name": f"c{n}", "vcpus": 8, "ram_mb": 8, "disk_gb": 8} for n in (1, 2)
    ]
    servers = [
        {
            "id": str(UUID(int=n)),
            "name": "\N{GRINNING FACE}",
            "host": f"h{n}",
            "vcpus": 1,
            "ram_mb": 1,
        }
        for n in (1, 2)
    ]
    file.write_text(json.dumps({"hosts": hosts, "instances": servers}), encoding="utf-8")
    words = ["strategy", "run", "vm_workload_consolidation", "--cluster", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "interfaces.cli.main", *words],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\U0001f600" in done.stdout


def read_until(descriptor: int, wanted: bytes, within: float = 40.0) -> bytes:
    """What a terminal shows until something appears."""
    shown = b""
    deadline = time.monotonic() + within
    while wanted not in shown:
        left = deadline - time.monotonic()
        assert left > 0, f"{wanted!r} did not appear in {shown[-2000:]!r}"
        if select.select([descriptor], [], [], left)[0]:
            shown += os.read(descriptor, 65536)
    return shown
