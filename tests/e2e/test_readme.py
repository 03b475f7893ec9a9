"""The README's commands are what a newcomer types: they are run as they stand where a test can.

The working directory is a new one with ``.venv`` in it, so that no command needs another path. Only
the port in the OpenStack client's commands is replaced, because another server may have it here.
"""

import html
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from interfaces.cli.main import build_parser
from interfaces.demo.pictures import MARK
from tests.integration.supervision.conftest import eventually

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
COMMANDS = [line[2:].split("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
INLINE = re.findall(r"`((?:make|vigil) [^`]+)`", README)
ALL = [*COMMANDS, *INLINE]
MAKE = [one for one in ALL if one.startswith("make ")]
VIGIL = [one for one in ALL if re.match(r"(\.venv/bin/)?vigil ", one)]
CLIENT = [one for one in COMMANDS if one.startswith("openstack ")]

UP, UP_WITH_A_CLOUD = "vigil up", "vigil up --cloud mycloud"
AFTER_THE_DEMO = [one for one in COMMANDS if one.endswith("--data .vigil/demo")]
PORT = "http://127.0.0.1:9322"
BESIDE_UP = ["vigil status", "vigil config", *CLIENT]
ROLES = {"api", "projector", "relay", "collector", "decision-engine", "applier", "scheduler"}
NOT_RUN = {
    "make install": "installs from a package index",
    "make test": "runs this test",
    "make check": "lints the repository, not the installation",
    "make slow-test": "takes an hour",
    "make bench": "takes an hour",
    "vigil demo --scenario balance": "tests/integration/cli/test_demo.py runs each scenario",
    "make pictures": "renews the pictures of the README",
    "make site": "tests/unit/test_documentation_site.py builds it",
    "make cloud-test": "needs a cloud",
    "source .venv/bin/activate": "changes the shell; the tests put its directory on the path",
    "vigil notifier": "needs a receiver; tests/integration/notifier runs it",
    "vigil listener": "needs a message bus; tests/integration/notifications runs it",
    **{f"vigil {one}": "never ends by itself; `vigil up` runs it" for one in ROLES},
}
"""Commands that are only parsed, and why."""
RUN = ["make demo", *AFTER_THE_DEMO, UP, UP_WITH_A_CLOUD, *BESIDE_UP]


@dataclass(frozen=True)
class Newcomer:
    """Somebody with a checkout in which ``make install`` was run.

    Attributes:
        home: the working directory.
    """

    home: Path

    @classmethod
    def at(cls, home: Path) -> "Newcomer":
        """Makes the directory."""
        home.mkdir()
        (home / ".venv").symlink_to(sys.prefix)
        return cls(home)

    def environment(self) -> dict[str, str]:
        """As after `source .venv/bin/activate`, without variables that lead elsewhere."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VIGIL_", "OS_", "PYTHON", "COVERAGE"))
        }
        return clean | {"PATH": f"{self.home}/.venv/bin:{clean['PATH']}"}

    def types(self, command: str) -> str:
        """What a command prints that must succeed."""
        done = subprocess.run(
            shlex.split(command),
            cwd=self.home,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def leaves_running(self, command: str) -> Iterator[dict[str, object]]:
        """The state of an installation that a command runs, once it is ready."""
        log = (self.home / "up.log").open("w+")
        process = subprocess.Popen(
            shlex.split(command), cwd=self.home, env=self.environment(), stdout=log, stderr=log
        )
        try:
            yield eventually(lambda: self._ready(process), f"{command} is ready", 100)
        finally:
            process.terminate()
            process.wait(60)
            log.close()

    def _ready(self, process: "subprocess.Popen[bytes]") -> dict[str, object] | None:
        assert process.poll() is None, (self.home / "up.log").read_text()[-4000:]
        state = self.home / ".vigil" / "up" / "up.json"
        if not state.exists():
            return None
        found: dict[str, object] = json.loads(state.read_text())
        return found if found["ready"] else None


def test_each_command_of_the_readme_is_run_or_named_with_the_reason_why_not() -> None:
    assert {"make demo", UP} <= set(COMMANDS)
    assert set(RUN) | set(NOT_RUN) == set(ALL)
    assert not set(RUN) & set(NOT_RUN)


def test_the_explanation_and_its_picture_are_of_one_run_of_the_demo() -> None:
    explained = README.partition(MARK)[2].removeprefix("```\n").partition("\n```\n")[0]
    drawn = html.unescape((ROOT / "docs/pictures/plan.svg").read_text("utf-8"))
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", drawn.replace("\xa0", " "))
    lines = [line for line in explained.splitlines() if line.strip()]
    assert len(lines) > 20
    assert [line for line in lines if not any(line.strip() in one for one in texts)] == []


def test_pictures_are_small_and_load_nothing_from_elsewhere() -> None:
    pictures = list((ROOT / "docs/pictures").iterdir())
    assert pictures
    for one in pictures:
        assert one.stat().st_size < 200_000
        if one.suffix == ".svg":
            assert not re.search(r"url\([\"']?http|href=", one.read_text("utf-8"))


@pytest.mark.parametrize("command", [one for one in VIGIL if one in NOT_RUN])
def test_a_command_that_is_not_run_is_understood(command: str) -> None:
    parsed = build_parser().parse_args(shlex.split(command)[1:])
    assert parsed.command == shlex.split(command)[1]


@pytest.mark.parametrize("command", MAKE)
def test_every_make_target_exists(command: str) -> None:
    said = subprocess.run(
        ["make", "--dry-run", *shlex.split(command)[1:]],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.strip()


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    return Newcomer.at(tmp_path_factory.mktemp("readme") / "vigil")


@pytest.fixture(scope="module")
def installation(newcomer: Newcomer) -> Iterator[dict[str, object]]:
    """What `vigil up` has started."""
    with newcomer.leaves_running(UP) as state:
        yield state


@pytest.mark.timeout(240)
def test_the_commands_beside_vigil_up_succeed_in_their_order(
    newcomer: Newcomer, installation: dict[str, object]
) -> None:
    """One after the other: the list of plans is empty until the audit has been created."""
    said = {
        command: newcomer.types(command.replace(PORT, str(installation["api_url"])))
        for command in BESIDE_UP
    }
    assert said["vigil status"].startswith("health ")
    assert "[database]" in said["vigil config"]
    created = next(text for command, text in said.items() if "audit create" in command)
    assert "server_consolidation" in created


@pytest.mark.timeout(240)
def test_vigil_up_runs_the_roles_that_run_alone_too(installation: dict[str, object]) -> None:
    children = installation["children"]
    assert isinstance(children, list)
    assert {one["name"] for one in children} >= ROLES
    assert {f"vigil {one}" for one in ROLES} <= set(INLINE)


@pytest.mark.timeout(240)
@pytest.mark.slow
def test_vigil_up_runs_with_a_cloud_of_clouds_yaml(tmp_path: Path) -> None:
    newcomer = Newcomer.at(tmp_path / "vigil")
    cloud = Simulator(SimulatorConfig(hosts=3, servers=6))
    cloud.start()
    try:
        (newcomer.home / "clouds.yaml").write_text(clouds_yaml(cloud.base_url, "mycloud"))
        with newcomer.leaves_running(UP_WITH_A_CLOUD) as state:
            assert (state["cloud"], state["simulator_url"]) == ("mycloud", None)
    finally:
        cloud.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_runs_and_leaves_what_replay_opens(tmp_path: Path) -> None:
    newcomer = Newcomer.at(tmp_path / "vigil")
    (newcomer.home / "Makefile").write_text(_without_installing((ROOT / "Makefile").read_text()))
    shown = newcomer.types("make demo")
    assert "Before and after, as the cloud itself says" in shown
    assert "\nidentical: " in shown
    assert AFTER_THE_DEMO
    for command in AFTER_THE_DEMO:
        assert newcomer.types(command.partition(";")[0]).strip()


def _without_installing(makefile: str) -> str:
    """The targets do not wait for `make install`, which needs a package index."""
    return re.sub(r"^(\w[\w-]*:) \$\(STAMP\)", r"\1", makefile, flags=re.MULTILINE)
