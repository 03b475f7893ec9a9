import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from domain.audits.audit import Audit
from domain.kernel.ids import reservation_id
from domain.reservations import NameReservation
from infrastructure.event_log import SqlEventLog
from infrastructure.event_log.read_only import open_read_only
from infrastructure.event_log.url import sqlite_file
from interfaces.cli.main import main
from tests.given import context
from tests.integration.cli.conftest import Cli
from tests.world.histories import SHORT_AUDIT, SHORT_NAME, ShortHistory

pytestmark = pytest.mark.usefixtures("settings")


def test_the_log_tells_who_did_what_when_and_why_newest_last(cli: Cli, story: ShortHistory) -> None:
    lines = cli.lines("log")
    positions = [int(str(line["position"])) for line in lines]
    assert positions == sorted(positions)
    assert positions[-1] == story.end
    first = lines[0]
    assert (first["who"], first["who_kind"], first["request_id"]) == ("admin", "user", "req-1")
    assert first["at"] == "2026-11-24T12:00:00+00:00"
    assert f"'{SHORT_NAME}'" in str(first["what"])
    failed = next(line for line in lines if line["topic"] == "plan.action-failed")
    assert failed["why"] == {
        "reason": "migration-failed",
        "facts": {"migration": "m-2", "server": "vm-2", "status": "error"},
        "text": "migration m-2 of server vm-2 ended as error",
    }


def test_the_log_in_plain_text_has_a_line_for_each_event(cli: Cli, story: ShortHistory) -> None:
    lines = cli.text("log", "--all").splitlines()
    assert len(lines) == len(cli.lines("log"))
    assert lines[-1].endswith(f"[req-1, run {str(story.run)[:8]}]")
    assert "Action plan failed: 1 of 3 actions failed." in lines[-1]


def test_the_log_is_cut_to_the_newest_events(cli: Cli, story: ShortHistory) -> None:
    assert [line["position"] for line in cli.lines("log", "--limit", "2")] == [
        line["position"] for line in cli.lines("log", "--limit", "0")[-2:]
    ]


def test_an_aggregate_has_a_log_of_its_own(cli: Cli, story: ShortHistory) -> None:
    topics = {str(line["topic"]).partition(".")[0] for line in cli.lines("log", str(story.plan))}
    assert topics == {"plan"}


def test_a_run_has_a_log_across_aggregates(cli: Cli, story: ShortHistory) -> None:
    lines = cli.lines("log", "--correlation", str(story.run))
    assert {line["aggregate_id"] for line in lines} == {str(story.audit), str(story.plan)}
    assert {line["correlation_id"] for line in lines} == {str(story.run)}


def test_a_name_a_run_an_action_and_the_beginning_of_an_id_find_their_aggregate(
    cli: Cli, story: ShortHistory
) -> None:
    for word in (
        SHORT_NAME,
        SHORT_NAME.upper(),
        str(story.run),
        str(story.run)[:12],
        str(story.audit),
    ):
        assert cli.state(word)["aggregate_id"] == str(story.audit), word
    for word in (str(story.actions[1]), str(story.plan)[:8], str(story.plan).upper()):
        assert cli.state(word)["aggregate_id"] == str(story.plan), word


def test_a_deleted_audit_is_still_found_by_its_last_name(
    cli: Cli, story: ShortHistory, event_log: SqlEventLog
) -> None:
    audit = event_log.find(Audit, SHORT_AUDIT)
    name = event_log.find(NameReservation, reservation_id("audit", SHORT_NAME))
    assert audit is not None
    assert name is not None
    audit.delete(context(100))
    name.release(context(100), SHORT_AUDIT)
    event_log.save(audit, name)
    assert cli.state(SHORT_NAME)["aggregate_id"] == str(SHORT_AUDIT)


def test_a_word_that_names_nothing_is_refused_in_one_line(cli: Cli, story: ShortHistory) -> None:
    assert (
        cli.fails("show", "nonsense")
        == "vigil: error: no aggregate in the log has the id or name nonsense\n"
    )
    unknown = "00000000-0000-0000-0000-00000000dead"
    assert unknown in cli.fails("log", unknown)


def test_the_state_is_the_one_after_the_version_asked_for(cli: Cli, story: ShortHistory) -> None:
    def states(version: int) -> object:
        return cli.state(str(story.plan), "--version", str(version))["state"]["state"]  # type: ignore[index]

    assert [states(version) for version in (1, 2, 3)] == ["RECOMMENDED", "PENDING", "ONGOING"]
    assert cli.state(str(story.plan))["state"]["state"] == "FAILED"  # type: ignore[index]


def test_the_state_at_a_position_ignores_what_came_later(cli: Cli, story: ShortHistory) -> None:
    then = cli.state(str(story.plan), "--at", str(story.launched))
    assert (then["version"], then["position"]) == (2, story.launched)
    assert then["state"]["state"] == "PENDING"  # type: ignore[index]


def test_the_state_at_a_time_is_the_one_that_a_clock_would_have_shown(
    cli: Cli, story: ShortHistory
) -> None:
    """`cluster show --at` took a time and `replay show --at` did not; users know no positions."""
    launched = cli.state(str(story.plan), "--at", str(story.launched))
    at = datetime.fromisoformat(str(launched["at"]))
    assert cli.state(str(story.plan), "--at", at.isoformat())["version"] == launched["version"]
    earlier = cli.state(str(story.plan), "--at", (at - timedelta.resolution).isoformat())
    assert earlier["version"] == 1
    naive = cli.state(str(story.plan), "--at", at.astimezone(UTC).replace(tzinfo=None).isoformat())
    assert naive["version"] == launched["version"], "UTC, if it does not say otherwise"
    assert "has no event up to then" in cli.fails("show", SHORT_NAME, "--at", "2001-01-01")


def test_every_version_folds_to_what_the_log_itself_finds(
    cli: Cli, story: ShortHistory, event_log: SqlEventLog
) -> None:
    for version in range(1, len(event_log.history(SHORT_AUDIT)) + 1):
        audit = event_log.find(Audit, SHORT_AUDIT, version)
        assert audit is not None
        shown = cli.state(SHORT_NAME, "--version", str(version))["state"]
        assert shown["state"] == audit.state  # type: ignore[index]
        assert shown["runs"] == audit.runs  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--version", "99"], "has versions 1 to 4, not 99"),
        (["--version", "0"], "has versions 1 to 4, not 0"),
        (["--at", "0"], "has no event up to then: its first event is at position 1"),
    ],
)
def test_a_moment_that_never_was_is_refused(
    cli: Cli, story: ShortHistory, words: list[str], complaint: str
) -> None:
    assert complaint in cli.fails("show", SHORT_NAME, *words)


def test_a_plan_is_shown_with_each_action_its_state_and_its_reasons(
    cli: Cli, story: ShortHistory
) -> None:
    shown = cli.text("show", str(story.plan)).partition("host-01: ")[2].splitlines()
    assert shown[0] == "1 succeeded, 1 failed, 1 cancelled"
    assert shown[1].endswith(" migrate web-1: host-01 -> host-02  SUCCEEDED")
    assert shown[2] == "       moving web-1 helps to empty host-01"
    assert shown[3].endswith(" migrate web-2: host-01 -> host-02  FAILED")
    assert shown[5] == "       migration m-2 of server vm-2 ended as error"
    assert shown[6].endswith("CANCELLED")
    assert shown[8].endswith("which this one requires, did not succeed.")


def test_the_difference_between_two_versions_is_told_attribute_by_attribute(
    cli: Cli, story: ShortHistory
) -> None:
    found = cli.lines("diff", str(story.plan), "v1..v3")
    changed = {str(one["path"]): (one["before"], one["after"]) for one in found}
    assert changed["state"] == ("RECOMMENDED", "ONGOING")
    assert changed["epoch"] == (0, 1)
    assert changed["owner"] == (None, "applier/b")
    assert not any(path.startswith("actions") for path in changed)
    assert "no difference" in cli.text("diff", str(story.plan), "v2..v2")


def test_a_difference_is_not_shown_backwards(cli: Cli, story: ShortHistory) -> None:
    """`vigil replay diff PLAN 3 1` printed each change as if it had been undone."""
    said = cli.fails("diff", str(story.plan), "v3..v1")
    assert "version 3 is after version 1: name the earlier one first" in said


def test_a_difference_between_positions_or_times_is_that_of_the_versions_then(
    cli: Cli, story: ShortHistory
) -> None:
    plan = str(story.plan)
    assert cli.lines("diff", plan, f"{story.launched - 1}..{story.launched}") == cli.lines(
        "diff", plan, "v1..v2"
    )
    assert cli.lines("diff", plan, "2026-11-24T12:00:09..2026-11-24T12:00:10") == cli.lines(
        "diff", plan, "v1..v2"
    )
    born = cli.lines("diff", plan, "..v1")
    assert all(one["before"] == "(absent)" for one in born)
    assert cli.lines("diff", plan, "v2..")[0]["after"] == "FAILED"
    assert "is not of the form A..B" in usage(cli, "diff", plan, "3")


def test_a_difference_of_rows_has_the_columns_that_changed(cli: Cli, story: ShortHistory) -> None:
    found = cli.lines("diff", "--rows", "action_plans", f"{story.launched - 1}..{story.launched}")
    changed = {str(one["path"]): (one["before"], one["after"]) for one in found}
    assert changed[f"{story.plan}.state"] == ("RECOMMENDED", "PENDING")
    assert "the tables are action_plans, actions" in cli.fails("diff", "--rows", "x", "1..2")
    assert "only an aggregate has versions" in cli.fails("diff", "--rows", "audits", "v1..v2")


def usage(cli: Cli, *words: str) -> str:
    with pytest.raises(SystemExit):
        main(["replay", *words])
    return cli.errors()


def put_garbage(url: str) -> None:
    """Puts something into the log that is no event."""
    row = ("0" * 31 + "7", 1, "audit.from-the-future", b'{"x": 1}')
    path = sqlite_file(url)
    columns = "(originator_id, originator_version, topic, state)"
    if path is None:
        with psycopg.connect(url) as connection:
            connection.execute(f"INSERT INTO stored_events {columns} VALUES (%s, %s, %s, %s)", row)  # noqa: S608
    else:
        with sqlite3.connect(path) as file:
            file.execute(f"INSERT INTO stored_events {columns} VALUES (?, ?, ?, ?)", row)  # noqa: S608
        file.close()


def test_something_unreadable_in_the_log_is_shown_as_such_and_the_rest_goes_on(
    cli: Cli, story: ShortHistory, event_database: str
) -> None:
    put_garbage(event_database)
    last = cli.lines("log")[-1]
    assert last["readable"] is False
    assert "This event cannot be read" in str(last["what"])
    assert cli.state(SHORT_NAME)["aggregate_id"] == str(SHORT_AUDIT)
    assert "cannot be read" in cli.fails("show", "00000000-0000-0000-0000-000000000007")


def test_replay_cannot_write(
    story: ShortHistory, event_database: str, event_log: SqlEventLog
) -> None:
    log = open_read_only(event_database)
    audit = log.find(Audit, SHORT_AUDIT)
    assert audit is not None
    audit.delete(context(1))
    try:
        with pytest.raises(Exception, match=r"refused|read-only|readonly"):
            log.save(audit)
    finally:
        log.close()
    assert event_log.end() == story.end


def test_an_output_that_cannot_show_a_name_shows_its_escapes(
    event_log: SqlEventLog, story: ShortHistory
) -> None:
    """A terminal of another encoding ended `replay` and `status` with a UnicodeEncodeError."""
    audit = event_log.find(Audit, SHORT_AUDIT)
    assert audit is not None
    audit.change(context(200), {"name": "\u00e9t\u00e9"})
    event_log.save(audit)
    done = subprocess.run(
        [sys.executable, "-m", "interfaces.cli.main", "replay", "show", str(SHORT_AUDIT)],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert r"\xe9t\xe9" in done.stdout
