"""`vigil replay verify`: the whole path, from a database to a verdict and an exit code."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure import event_log
from tests.integration.cli.conftest import Cli
from tests.scenarios.test_scenarios import SCENARIOS
from tests.world.decisions import decision_record, publish, scenario_record
from tests.world.plugins import STRATEGIES

FEWEST = 100


def database(folder: Path, contents: dict[str, bytes]) -> str:
    """A database with a published run of each decision record."""
    url = f"sqlite:///{folder / 'events.db'}"
    event_log.upgrade(url)
    with closing(event_log.open_event_log(url)) as log, closing(event_log.open_records(url)) as db:
        for name, content in contents.items():
            publish(log, db, content, name)
    return url


@pytest.fixture
def single(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    content = decision_record(STRATEGIES["vm_workload_consolidation"])
    url = database(tmp_path, {"nightly": content})
    monkeypatch.setenv("VIGIL_DATABASE_CONNECTION", url)
    monkeypatch.setenv("VIGIL_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "events.db"


@pytest.mark.timeout(120)
@pytest.mark.slow
def test_the_runs_of_all_scenarios_are_verified_identical_by_another_process(
    tmp_path: Path,
) -> None:
    """In another time zone and with other hashes: a set or a local time in a plan would show."""
    contents = {str(one): scenario_record(one) for one in SCENARIOS}
    url = database(tmp_path, contents)
    result = subprocess.run(
        [sys.executable, "-m", "interfaces.cli.main", "replay", "verify", "--all", "--json"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={
            **os.environ,
            "VIGIL_DATABASE_CONNECTION": url,
            "VIGIL_DATA_DIR": str(tmp_path),
            "PYTHONHASHSEED": "4711",
            "TZ": "Asia/Kolkata",
        },
    )
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one for one in found if one["outcome"] != "identical"] == []
    assert result.returncode == 0, result.stderr
    assert len(found) == len(SCENARIOS) > FEWEST
    failed = [one for one in found if not one["digest"]]
    assert len(failed) < len(found) / 3, "those that name volumes in a way that no cloud does"
    assert sum(one["actions"] for one in found) > FEWEST


def test_a_run_is_verified_in_one_line_by_the_name_of_its_audit(cli: Cli, single: Path) -> None:
    text = cli.text("verify", "nightly")
    assert ": identical: 2 actions, digest " in text.splitlines()[0]
    assert "changed since the decision" in text, "the version of Vigil: the record says test"
    assert "1 runs: 1 identical" in cli.text("verify", "--all")


def test_an_edited_plan_is_different_and_ends_with_a_failure(cli: Cli, single: Path) -> None:
    with closing(sqlite3.connect(single)) as connection, connection:
        (state,) = connection.execute(
            "SELECT state FROM stored_events WHERE topic = 'plan.proposed'"
        ).fetchone()
        edited = bytes(state).replace(b'"destination_node":"', b'"destination_node":"not-', 1)
        assert edited != bytes(state)
        connection.execute(
            "UPDATE stored_events SET state = ? WHERE topic = 'plan.proposed'", (edited,)
        )
    found = json.loads(cli.ends(1, "verify", "nightly", "--json"))
    assert found["outcome"] == "different"
    (move,) = found["moves"]
    assert move["detail"].startswith("destination_node: not-")
    assert "DIFFERENT: 1 differences" in cli.ends(1, "verify", "--all")


def test_a_word_that_names_no_run_is_refused(cli: Cli, single: Path) -> None:
    assert "nothing-there" in cli.fails("verify", "nothing-there")
    assert "--all" in cli.fails("verify")
    assert "--all" in cli.fails("verify", "nightly", "--all")
