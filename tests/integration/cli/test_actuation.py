"""`vigil actuation`: the switch from the command line."""

import getpass
import json
from pathlib import Path

import pytest

from interfaces.cli.main import main


def test_the_switch_is_shown_switched_off_and_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    main(["db", "upgrade", *data])
    capsys.readouterr()
    assert main(["actuation", "show", *data]) == 0
    assert capsys.readouterr().out == "actuation on\n"

    assert main(["actuation", "off", "--reason", "switch firmware", *data]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "actuation off"
    assert lines[2:] == [f"by        {getpass.getuser()}", "reason    switch firmware"]

    assert main(["actuation", "on", "--reason", "done", "--json", *data]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["reason"]) == ("on", "done")


def test_a_reason_is_required(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    main(["db", "upgrade", *data])
    with pytest.raises(SystemExit) as ended:
        main(["actuation", "off", *data])
    assert ended.value.code == 2
    assert "--reason" in capsys.readouterr().err
    assert main(["actuation", "off", "--reason", " ", *data]) == 1
    assert "reason: must have 1 to 200 characters" in capsys.readouterr().err


def test_an_installation_without_a_database_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["actuation", "off", "--reason", "x", "--data", str(tmp_path)]) == 1
    assert "error: " in capsys.readouterr().err
