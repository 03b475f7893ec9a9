"""`vigil replay verify`: the whole path, from a database to a verdict and an exit code."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Cli
from tests.integration.cli.test_replay_verify_all import database
from tests.world.decisions import decision_record
from tests.world.plugins import STRATEGIES


@pytest.fixture
def single(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    content = decision_record(STRATEGIES["vm_workload_consolidation"])
    url = database(tmp_path, [("nightly", content)])
    monkeypatch.setenv("VIGIL_DATABASE_CONNECTION", url)
    monkeypatch.setenv("VIGIL_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "events.db"


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
