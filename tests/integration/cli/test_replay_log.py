"""`vigil replay log`: a line per fact, the selections, following."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from application.replay.routine import is_routine
from domain.plans import ActionPlan
from infrastructure.event_log import SqlEventLog
from tests.given import context
from tests.integration.cli.conftest import Cli
from tests.world.histories import SHORT_AUDIT, SHORT_NAME, ShortHistory
from tests.world.world import CLOCK, World

DONE = "\u2713 migrate web-1 host-01 -> host-02  1.0 s"
LOST = "\u2717 migrate web-2 host-01 -> host-02  1.0 s  migration m-2 of server vm-2 ended as error"


pytestmark = pytest.mark.usefixtures("settings")


def test_the_events_of_an_action_are_one_line_and_routine_is_left_out(
    cli: Cli, story: ShortHistory
) -> None:
    text = cli.text("log", "--limit", "0")
    assert text.count("web-1") == 1
    assert DONE in text
    assert LOST in text
    assert "- migrate web-3 host-01 -> host-02  " in text
    assert "reserved" not in text
    assert "reserved" in cli.text("log", "--all")
    topics = [str(one["topic"]) for one in cli.lines("log", "--limit", "0")]
    shown = sum(not is_routine(topic) for topic in topics) - len(story.actions[:2])
    assert len(text.splitlines()) == shown < len(topics)
    assert "Action plan failed" in text.splitlines()[-1]


def test_an_id_of_an_action_shows_that_action(cli: Cli, story: ShortHistory) -> None:
    action = str(story.actions[0])
    for words in ((action,), (action[:8],), ("--action", action[:10])):
        (line,) = cli.text("log", *words).splitlines()
        assert line.endswith(DONE)


def test_lists_are_selected_by_audit_run_type_actor_and_time(cli: Cli, story: ShortHistory) -> None:
    everything = cli.lines("log", "--limit", "0")
    audit = cli.lines("log", "--audit", SHORT_NAME)
    assert {one["aggregate_id"] for one in audit} == {str(SHORT_AUDIT), str(story.plan)}
    assert cli.lines("log", "--correlation", str(story.run)[:8])[-1]["topic"] == "plan.failed"
    plans = cli.lines("log", "--type", "plan.action", "--type", "audit.run-")
    assert {str(one["topic"]).rpartition("-")[0] for one in plans} == {"plan.action", "audit.run"}
    assert cli.lines("log", "--actor", "nobody") == []
    assert cli.lines("log", "--actor", "admin", "--limit", "0") == everything
    middle = str(everything[len(everything) // 2]["at"])
    late, early = cli.lines("log", "--since", middle), cli.lines("log", "--until", middle)
    assert early + late == everything
    assert 0 < len(early) < len(everything)


def test_a_time_may_be_how_long_ago(cli: Cli, event_log: SqlEventLog, story: ShortHistory) -> None:
    plan = event_log.find(ActionPlan, story.plan)
    assert plan is not None
    seconds = (CLOCK.now() - context().at).total_seconds()
    plan.delete(context(int(seconds)))
    event_log.save(plan)
    found = cli.lines("log", "--since", "10m")
    assert [one["topic"] for one in found] == ["plan.deleted"]
    ago = timedelta(days=9999)
    assert len(cli.lines("log", "--since", f"{ago.days}d")) > 1


def test_a_server_and_a_host_have_the_lines_of_their_actions(
    cli: Cli, event_database: str, event_log: SqlEventLog, story: ShortHistory
) -> None:
    with World(event_database, event_log) as world:
        world.projector.catch_up()
        (line,) = cli.text("log", "--server", "WEB-1").splitlines()
        assert line.endswith(DONE)
        assert len(cli.text("log", "--host", "host-02").splitlines()) == 3


def test_a_cut_list_says_how_much_is_missing(
    cli: Cli, story: ShortHistory, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = cli.text("log", "--limit", "0").splitlines()
    assert cli.text("log", "--limit", "0").count("not shown") == 0
    short, said = cli.both("log", "--limit", "2")
    assert short.splitlines() == whole[-2:]
    assert said == f"{len(whole) - 2} earlier lines are not shown; --limit 0 shows all\n"


def test_causes_are_a_tree_of_audit_run_plan_and_actions(cli: Cli, story: ShortHistory) -> None:
    lines = cli.text("log", "--graph", "--limit", "0").splitlines()
    depth = {
        word: next(len(line.partition(sign)[0]) for line in lines if word in line)
        for word, sign in (
            ("requested (", "Audit"),
            ("Run 1", "Run"),
            ("Action plan created", "Action"),
            ("launched", "Action"),
            ("web-1", "\u2713"),
        )
    }
    assert list(depth.values()) == sorted(set(depth.values()))


def test_what_is_appended_is_followed(
    event_database: str, event_log: SqlEventLog, story: ShortHistory
) -> None:
    words = ["replay", "log", "-f", "--limit", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli.main", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        try:
            assert "Action plan failed" in process.stdout.readline()
            plan = event_log.find(ActionPlan, story.plan)
            assert plan is not None
            plan.delete(context(99))
            event_log.save(plan)
            assert "Action plan deleted." in process.stdout.readline()
        finally:
            process.kill()
