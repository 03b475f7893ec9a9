"""The commands of the tutorial are run as they stand, in their order, each after the one before it.

Only a port is added to `vigil up`, because another server may have the usual one here.
"""

import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.test_readme import Newcomer
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/tutorial.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines()]
ACTIVATE = "source .venv/bin/activate"
UP = next(one for one in COMMANDS if one.startswith("vigil up"))
SAYS = {
    "vigil status": r"60 servers",
    "vigil goal list": r"server_consolidation",
    "vigil host list": r"compute-00012",
    "vigil audit create": r"first",
    "vigil audit list": r"SUCCEEDED",
    "vigil plan show": r"RECOMMENDED",
    "vigil plan explain": r"moving vm-000035 helps to empty compute-00005",
    "vigil why": r"helps to empty compute-00012",
    "vigil replay whatif": r"published +fork",
    "vigil plan start": r"SUCCEEDED",
    "vigil replay log": r"migrate vm-\d+ compute-\d+ -> compute-\d+",
    "vigil replay verify": r"identical: \d+ actions",
    "vigil plan return": r"(?s)(?=.*compute-00012 is disabled)(?=.*: SUCCEEDED)",
}
"""Beginning of a command → what the page says that it shows."""


def test_the_tutorial_is_run_whole() -> None:
    said = [name for name in SAYS if not any(one.startswith(name) for one in COMMANDS)]
    assert said == []
    assert UP in COMMANDS


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_hour_goes_as_the_tutorial_tells(tmp_path: Path) -> None:
    newcomer = Newcomer.at(tmp_path / "vigil")
    variables: list[str] = []
    shown: dict[str, str] = {}
    with newcomer.leaves_running(f"{UP} --api-port {free_port()}"):
        for command in COMMANDS:
            if command in {ACTIVATE, UP}:
                continue
            if re.match(r"[A-Z]+=", command):
                variables.append(command)
                continue
            shown[command] = _typed(newcomer, [*variables, command])
            if command.startswith("vigil audit create"):
                _await_the_plan(newcomer)
    for name, pattern in SAYS.items():
        texts = [text for command, text in shown.items() if command.startswith(name)]
        assert any(re.search(pattern, text) for text in texts), f"{name}: {texts}"


def _typed(newcomer: Newcomer, lines: list[str]) -> str:
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=newcomer.home,
        env=newcomer.environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{lines}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def _await_the_plan(newcomer: Newcomer) -> None:
    deadline = time.monotonic() + 60
    while "RECOMMENDED" not in _typed(newcomer, ["vigil plan list"]):
        assert time.monotonic() < deadline, "the audit has no plan"
        time.sleep(0.5)
