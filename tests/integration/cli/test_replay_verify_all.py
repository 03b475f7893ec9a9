"""`vigil replay verify --all` by another process, in another time zone and with other hashes.

A set or a local time in a plan would show. Changed code is a copy of the product in which a file
was changed.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from importlib.metadata import distribution
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.cluster.formats.cluster_file import read_cluster
from infrastructure import event_log
from interfaces.bootstrap.decisions import DISTRIBUTION
from tests.properties.cluster.clouds import cloud
from tests.properties.cluster.test_relations import CASES
from tests.scenarios.test_scenarios import SCENARIOS
from tests.world.decisions import cluster_record, publish, scenario_record
from tests.world.plugins import STRATEGIES

Found = Mapping[str, Any]
"""The verification of a run, as JSON."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[3]
FEWEST = 100
"""Scenarios, and actions of their plans."""
RUNS = 2000
"""Of the soak."""


def database(folder: Path, contents: Iterable[tuple[str, bytes]]) -> str:
    """A database with a published run of each decision record."""
    url = f"sqlite:///{folder / 'events.db'}"
    event_log.upgrade(url)
    with closing(event_log.open_event_log(url)) as log, closing(event_log.open_records(url)) as db:
        for name, content in contents:
            publish(log, db, content, name)
    return url


def verified(url: str, code: Path = ROOT) -> tuple[int, list[Found]]:
    """The exit code and the verdicts of another process, which runs the code of a folder."""
    result = subprocess.run(
        [sys.executable, "-m", "interfaces.cli.main", "replay", "verify", "--all", "--json"],
        cwd=code,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
        env={
            **os.environ,
            "VIGIL_DATABASE_CONNECTION": url,
            "VIGIL_DATA_DIR": str(Path(url.removeprefix("sqlite:///")).parent),
            "PYTHONHASHSEED": "4711",
            "TZ": "Asia/Kolkata",
        },
    )
    assert not result.stderr, result.stderr
    return result.returncode, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def of_scenarios(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of each scenario."""
    contents = ((str(one), scenario_record(one)) for one in SCENARIOS)
    return database(tmp_path_factory.mktemp("scenarios"), contents)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the product."""
    for name in ("application", "domain", "infrastructure", "interfaces", "vigil"):
        ignored = shutil.ignore_patterns("__pycache__", "web")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    return tmp_path


def edit(file: Path, change: Callable[[str], str]) -> None:
    text = file.read_text("utf-8")
    changed = change(text)
    assert changed != text
    file.write_text(changed, "utf-8")


def named(found: Found) -> dict[str, tuple[str, str]]:
    """What differs from the code that decided, but for the version of Vigil: it was ``test``."""
    changes = {one["what"]: (one["recorded"], one["today"]) for one in found["changes"]}
    assert changes.pop("Vigil: version")[0] == "test"
    return changes


def test_the_runs_of_all_scenarios_are_identical(of_scenarios: str) -> None:
    code, found = verified(of_scenarios)
    assert [one for one in found if one["outcome"] != "identical"] == []
    assert code == 0
    assert len(found) == len(SCENARIOS) > FEWEST
    failed = [one for one in found if not one["digest"]]
    assert len(failed) < len(found) / 3, "those that name volumes in a way that no cloud does"
    assert sum(one["actions"] for one in found) > FEWEST
    assert {name for one in found for name in named(one)} == set(), "the control"


OMITS = """

_solve = {name}.solve


def _changed(self, context):
    from dataclasses import replace

    found = _solve(self, context)
    return replace(found, actions=found.actions[1:])


{name}.solve = _changed
"""


def test_changed_strategies_are_found_and_named(of_scenarios: str, copied: Path) -> None:
    """Each strategy omits its first action."""
    for strategy in STRATEGIES.values():
        kind = type(strategy)
        file = copied / (kind.__module__.replace(".", "/") + ".py")
        edit(file, lambda text, name=kind.__name__: text + OMITS.format(name=name))  # type: ignore[misc]
    code, found = verified(of_scenarios, copied)
    assert code == 1
    for one in found:
        assert named(one).keys() == {f"strategy {one['strategy']}: code"}
        assert one["outcome"] == ("different" if one["actions"] else "identical"), one
    lost = [one for one in found if "lost" in {move["change"] for move in one["moves"]}]
    assert len(lost) > FEWEST / 2


def test_a_changed_default_of_the_planner_is_named(of_scenarios: str, copied: Path) -> None:
    """The recorded one is used again, so the plans are identical."""
    migrate = copied / "domain/plans/action_types/migrate.py"
    edit(migrate, lambda text: text.replace("weight=30", "weight=1"))
    code, found = verified(of_scenarios, copied)
    assert code == 0
    assert {one["outcome"] for one in found} == {"identical"}
    weighed = [one for one in found if STRATEGIES[one["strategy"]].planner == "weight"]
    assert len(weighed) > FEWEST
    for one in weighed:
        assert named(one) == {"planner weight: option weights.migrate": ("30", "1")}


def test_another_version_of_the_plug_ins_is_named(of_scenarios: str, copied: Path) -> None:
    installed = distribution(DISTRIBUTION)
    metadata = installed.read_text("METADATA")
    points = installed.read_text("entry_points.txt")
    assert metadata
    assert points
    folder = copied / f"{DISTRIBUTION.replace('-', '_')}-99.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text(points, "utf-8")
    was = f"Version: {installed.version}"
    (folder / "METADATA").write_text(metadata.replace(was, "Version: 99.0", 1), "utf-8")
    code, found = verified(of_scenarios, copied)
    assert code == 0
    versions = f"{DISTRIBUTION} {installed.version}", f"{DISTRIBUTION} 99.0"
    for one in found:
        strategy, planner = one["strategy"], STRATEGIES[one["strategy"]].planner
        expected = (f"strategy {strategy}: version", f"planner {planner}: version")
        assert named(one) == dict.fromkeys(expected, versions)


def soak() -> Iterable[tuple[str, bytes]]:
    """Decision records of random clouds: each strategy with each of its cases in turn."""
    cases = [(name, one) for name, several in CASES.items() for one in several]
    for number in range(RUNS):
        name, case = cases[number % len(cases)]
        data = read_cluster(cloud(Random(number)))
        yield f"run {number}", cluster_record(name, data, dict(case.parameters), seed=number)


def test_two_thousand_runs_are_identical(tmp_path: Path) -> None:
    code, found = verified(database(tmp_path, soak()))
    assert [one for one in found if one["outcome"] != "identical"] == []
    assert code == 0
    assert len(found) == RUNS
    assert {one["strategy"] for one in found} == STRATEGIES.keys()
    assert sum(one["actions"] for one in found) > RUNS
