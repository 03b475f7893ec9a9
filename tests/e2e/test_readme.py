"""The README's commands are what a newcomer types: they parse, and the demo's are run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from interfaces.cli.main import build_parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
COMMANDS = [line[2:].split("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
INLINE = re.findall(r"`((?:make|vigil) [^`]+)`", README)
VIGIL = [one for one in [*COMMANDS, *INLINE] if re.match(r"(\.venv/bin/)?vigil ", one)]
MAKE = [one for one in [*COMMANDS, *INLINE] if one.startswith("make ")]


def test_the_readme_names_commands() -> None:
    assert {"make demo", "make test"} <= set(COMMANDS)
    assert len(VIGIL) > 5


@pytest.mark.parametrize("command", VIGIL)
def test_every_vigil_command_is_understood(command: str) -> None:
    build_parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("command", MAKE)
def test_every_make_target_exists(command: str) -> None:
    subprocess.run(
        ["make", "--dry-run", "--silent", *shlex.split(command)[1:]],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_runs_and_leaves_what_replay_opens(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    vigil = [sys.executable, "-m", "interfaces.cli.main"]
    demo = subprocess.run(
        [*vigil, "demo", "--data", str(data)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "== Before and after" in demo.stdout
    assert ", 0 failed, in " in demo.stdout
    for words in (["replay", "log"], ["replay", "show", "demo"], ["status", "--once"]):
        output = subprocess.run(
            [*vigil, *words, "--data", str(data)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        assert output.stdout.strip()
