"""`vigil replay export`, `import` and `serve`."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from domain.audits import Audit
from infrastructure.event_log import SqlEventLog
from interfaces.cli.main import main
from tests.given import context, ident
from tests.integration.cli.conftest import Cli
from tests.world.histories import SHORT_AUDIT, SHORT_NAME, ShortHistory
from tests.world.values import definition

pytestmark = pytest.mark.usefixtures("settings")


def imported(file: Path, folder: Path) -> str:
    """Makes an installation of a file; returns the URL of its database."""
    url = f"sqlite:///{folder / 'copy.sqlite'}"
    assert main(["replay", "import", str(file), "--database", url]) == 0
    return url


def test_a_copy_has_the_same_events_states_and_positions(
    cli: Cli, story: ShortHistory, event_log: SqlEventLog, tmp_path: Path
) -> None:
    event_log.save(Audit.request(context(50), ident(9), definition(name="another")))
    file = tmp_path / "plan.jsonl"
    _, said = cli.both("export", str(story.plan), str(file))
    count = sum(len(event_log.history(one)) for one in (SHORT_AUDIT, story.plan))
    assert said.startswith(f"{count} events of {story.plan} in {file}; cluster models are only in")
    url = imported(file, tmp_path / "new" / "folder")
    for asked in (("bisect", 'server["vm-1"].host == "c1"'), ("diff", "--cluster", "1..")):
        assert "This history has no cluster models" in cli.fails(*asked, "--database", url)
    for words in (
        ("show", str(story.plan), "--json"),
        ("show", SHORT_NAME, "--version", "2", "--json"),
        ("log", "--audit", SHORT_NAME, "--json"),
        ("blame", str(story.plan), "state", "--json"),
        ("bisect", f'plan["{story.plan}"].state == "FAILED"', "--json"),
    ):
        assert cli.text(*words, "--database", url) == cli.text(*words), words
    assert "no aggregate" in cli.fails("show", "another", "--database", url)
    assert "exists" in cli.fails("export", str(story.plan), str(file))
    assert "exists" in cli.fails("import", str(file), "--database", url)


def test_a_damaged_file_leaves_nothing_behind(
    cli: Cli, story: ShortHistory, tmp_path: Path
) -> None:
    file = tmp_path / "all.jsonl"
    cli.text("export", "--all", str(file))
    cut = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(cut[:-1]))
    folder = tmp_path / "copy"
    said = cli.fails("import", str(file), "--database", f"sqlite:///{folder / 'copy.sqlite'}")
    assert f"{file}: line {len(cut)}: the file ends before its end line" in said
    assert list(folder.iterdir()) == []


def test_an_anonymised_copy_has_the_same_course_without_a_name(
    cli: Cli, story: ShortHistory, tmp_path: Path
) -> None:
    file = tmp_path / "anonymous.jsonl"
    cli.text("export", str(story.plan), str(file), "--anonymise")
    content = file.read_text()
    for name in (SHORT_NAME, "admin", "web-1", "host-01", "req-1", "host-a", str(story.plan)):
        assert name not in content, name
    url = imported(file, tmp_path / "copy")
    was, now = cli.lines("log"), cli.lines("log", "--database", url)
    kept = ("position", "at", "topic", "version", "causation")
    copied = [{key: one[key] for key in kept} for one in now]
    assert copied == [{key: one[key] for key in kept} for one in was if one["topic"] in topics(now)]
    plan = next(str(one["aggregate_id"]) for one in now if one["topic"] == "plan.launched")
    shown = cli.text("show", plan, "--database", url)
    assert "moving server-1 helps to empty host-1" in shown


def topics(found: list[dict[str, object]]) -> set[object]:
    return {one["topic"] for one in found}


@pytest.mark.slow
def test_the_api_of_the_past_answers_as_it_did_and_refuses_to_write(
    story: ShortHistory, event_database: str
) -> None:
    with served("--at", str(story.launched)) as url:
        plan = f"{url}/v1/action_plans/{story.plan}"
        assert requests.get(plan, timeout=30).json()["state"] == "PENDING"
        events = requests.get(f"{url}/v1/events", timeout=30).json()["events"]
        assert len(events) == story.launched
        refused = requests.delete(plan, timeout=30)
        assert refused.status_code == 405
        assert f"as of log position {story.launched}" in refused.text


@contextmanager
def served(*words: str) -> Iterator[str]:
    command = [sys.executable, "-m", "interfaces.cli.main", "replay", "serve", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert process.stderr is not None
        said = iter(process.stderr.readline, "")
        line = next((one for one in said if one.startswith("position")), "it did not start")
        yield line.partition(": ")[2].partition(",")[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
