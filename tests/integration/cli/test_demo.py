import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interfaces.demo.directory import MARK, prepare
from interfaces.demo.errors import DemoFailed
from interfaces.demo.installation import DemoInstallation
from interfaces.demo.scenarios import SCENARIOS
from tests.integration.cli.conftest import Cli
from tests.integration.cli.running import RunningVigil as Processes

SMALL = ["--hosts", "6", "--servers", "24", "--seed", "7", "--speed", "200"]


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`vigil demo`, in an environment that names a real cloud, which it must not use."""
    return subprocess.run(
        [sys.executable, "-m", "interfaces.cli.main", "demo", "--data", str(folder), *words],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "VIGIL_CLOUD": "a-real-cloud", "VIGIL_API_PORT": "1"},
    )


def figure(output: str, name: str) -> tuple[float, float]:
    """A figure before and after the plan."""
    act = output.partition("Before and after")[2]
    line = next(line for line in act.splitlines() if line.strip().startswith(name))
    before, after = line.split()[-2:]
    return float(before), float(after)


def assert_proved(output: str) -> None:
    """The demo ends with a proof, and no line of it needs more than 80 columns."""
    assert re.search(r"^identical: \d+ actions, digest [0-9a-f]{12}, ", output, re.MULTILINE)
    texts = output.partition("Next")[0].splitlines()  # what follows has the path of the data
    assert max(len(line) for line in texts) <= 80
    assert "\x1b" not in output


@pytest.mark.timeout(240)
def test_the_demo_audits_explains_executes_compares_and_leaves_a_trail(
    tmp_path: Path, cli: Cli
) -> None:
    folder = tmp_path / "demo"
    result = demo(folder, *SMALL)
    output = result.stdout
    assert result.returncode == 0, output + result.stderr
    assert_proved(output)
    assert output.count("helps to empty") == 1, "a sentence is told once, with its number"
    assert re.search(r"^Return plan \S+ is ready, but not started\.", output, re.MULTILINE)
    assert ": identical: " in cli.text("verify", "demo", "--data", str(folder))
    before, after = figure(output, "hosts with servers")
    assert after < before, "the cloud itself says that fewer hosts are in use"
    assert not Processes(folder).members(), "nothing keeps running"
    topics = [line["topic"] for line in cli.lines("log", "demo", "--data", str(folder))]
    assert topics[-1] == "audit.run-succeeded"
    commands = output.partition("Next")[2].count("--data")
    assert 1 <= commands <= 5


GAINS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "balance": ("standard deviation", lambda before, after: after < before),
    "maintenance": ("servers on compute-00003", lambda before, after: before > 0 == after),
    "zone": ("servers on the three old hosts", lambda before, after: before > 0 == after),
    "energy": ("machines that are off", lambda before, after: after > before),
    "storage": ("used of storage-1@hdd#bulk-1", lambda before, after: after < 75 <= before),
}
"""Scenario → the figure that shows its gain, and what it is before and after."""


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("scenario", GAINS)
def test_each_scenario_is_real_and_ends_with_what_its_goal_promises(
    tmp_path: Path, scenario: str
) -> None:
    folder = tmp_path / "demo"
    result = demo(folder, "--scenario", scenario)
    output = result.stdout
    assert result.returncode == 0, output + result.stderr
    assert_proved(output)
    name, holds = GAINS[scenario]
    before, after = figure(output, name)
    assert holds(before, after), output
    assert not Processes(folder).members(), "nothing keeps running"


def test_every_scenario_is_tested() -> None:
    assert {"consolidation", *GAINS} == set(SCENARIOS)


def test_the_directories_of_earlier_demos_are_moved_aside_and_kept(tmp_path: Path) -> None:
    """The third run deleted the data of the first."""
    said: list[str] = []
    for number in range(3):
        prepare(tmp_path / "demo", said.append)
        assert [path.name for path in (tmp_path / "demo").iterdir()] == [MARK]
        (tmp_path / "demo" / f"run-{number}").touch()
    assert (tmp_path / "demo.previous" / "run-0").exists()
    assert (tmp_path / "demo.previous-2" / "run-1").exists()
    assert said == [
        f"The data of the last demo was moved to {tmp_path / name}."
        for name in ("demo.previous", "demo.previous-2")
    ]


@pytest.mark.timeout(240)
@pytest.mark.slow
def test_a_cloud_with_nothing_to_improve_ends_the_demo_well(tmp_path: Path) -> None:
    """`vigil demo --hosts 1` ended with "failed: the plan is SUCCEEDED"."""
    folder = tmp_path / "demo"
    result = demo(folder, "--hosts", "1", "--speed", "200")
    output = result.stdout
    assert result.returncode == 0, output + result.stderr
    assert "The plan does nothing." in output
    assert "The plan is empty: there is nothing to improve." in output
    assert not Processes(folder).members()


@pytest.mark.timeout(120)
def test_a_cloud_that_cannot_be_made_is_explained_by_the_demo(tmp_path: Path) -> None:
    """It said "simulator ended with exit code 1"; the reason was in the log only."""
    result = demo(tmp_path / "demo", "--hosts", "1", "--servers", "300")
    assert result.returncode == 1
    output = " ".join(result.stdout.split())
    assert "the simulator cannot start: 1 hosts are too small for 300 servers" in output


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").touch()
    with pytest.raises(DemoFailed, match="was not made by a demo"):
        prepare(tmp_path, print)
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_an_installation_that_does_not_start_reports_why(tmp_path: Path) -> None:
    installation = DemoInstallation(
        tmp_path, {"api.host": "10.0.0.1", "DEFAULT.enable_authentication": "false"}
    )
    with pytest.raises(DemoFailed, match=r"enable_authentication: must be true"):
        installation.start()
    assert installation.stop() == 2
