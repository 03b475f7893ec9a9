"""`vigil replay whatif`: two plans side by side."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure import event_log
from interfaces.cli.main import main
from tests.integration.cli.conftest import Cli
from tests.scenarios.test_scenarios import SCENARIOS
from tests.world.decisions import decision_record, publish, scenario_record
from tests.world.plugins import STRATEGIES

BANNED = "basic/an_operator_ban_keeps_a_server_off_a_host"


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'events.db'}"
    event_log.upgrade(url)
    (banned,) = (one for one in SCENARIOS if str(one) == BANNED)
    with closing(event_log.open_event_log(url)) as log, closing(event_log.open_records(url)) as db:
        publish(log, db, decision_record(STRATEGIES["vm_workload_consolidation"]), "nightly")
        publish(log, db, scenario_record(banned), "banned")
    monkeypatch.setenv("VIGIL_DATABASE_CONNECTION", url)
    monkeypatch.setenv("VIGIL_DATA_DIR", str(tmp_path / "data"))


def test_a_ban_changes_the_plan_and_shows_that_the_published_one_breaks_it(cli: Cli) -> None:
    plan = json.loads(cli.text("explain", "nightly", "--json"))
    move = next(one["action"] for one in plan["actions"] if one["action"]["type"] == "migrate")
    given = move["parameters"]
    ban = f"ban:{given['resource_name']}@{given['destination_node']}"
    fork = json.loads(cli.text("whatif", "nightly", "--rule", ban, "--json"))
    assert (fork["before"]["violations"], fork["after"]["violations"]) == (1, 0)
    lines = cli.text("whatif", "nightly", "--rule", ban).splitlines()
    assert any(line.startswith("* rules broken") for line in lines)


def test_a_recorded_rule_can_be_dropped(cli: Cli) -> None:
    fork = json.loads(cli.text("whatif", "banned", "--without-rule", "bans[0]", "--json"))
    assert fork["moves"], "without the ban the server goes where it may not go"
    assert "the record has 1 bans" in cli.fails("whatif", "banned", "--without-rule", "bans[1]")


def test_a_change_must_be_named_and_be_possible(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "change something" in cli.fails("whatif", "nightly")
    assert "bogus" in cli.fails("whatif", "nightly", "--param", "bogus=1")
    assert "nope" in cli.fails("whatif", "nightly", "--strategy", "nope")
    with pytest.raises(SystemExit):
        main(["replay", "whatif", "nightly", "--rule", "nonsense"])
    assert "is not of the form" in capsys.readouterr().err
