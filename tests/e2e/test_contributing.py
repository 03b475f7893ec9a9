"""The examples in CONTRIBUTING.md are complete: each is a plug-in that its suite accepts."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL
)


def file_name(block: str) -> str:
    """The name that the block's docstring gives it."""
    return (ast.get_docstring(ast.parse(block)) or "").partition(":")[0]


def run_pytest(folder: Path, block: str) -> subprocess.CompletedProcess[str]:
    """Runs an example with pytest."""
    (folder / file_name(block)).write_text(block, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_is_an_example_of_each_kind() -> None:
    assert [file_name(block) for block in BLOCKS] == [
        "test_drain.py",
        "test_serial.py",
        "test_start.py",
    ]


@pytest.mark.parametrize("block", BLOCKS, ids=file_name)
def test_an_example_passes_its_suite(block: str, tmp_path: Path) -> None:
    done = run_pytest(tmp_path, block)
    assert done.returncode == 0, done.stdout
    assert re.search(r"[5-9] passed", done.stdout), done.stdout


def test_an_example_that_breaks_a_rule_fails(tmp_path: Path) -> None:
    """The control: the suites run, and see a defect."""
    broken = BLOCKS[1].replace("(place - 1,) if place else ()", "()")
    assert broken != BLOCKS[1]
    done = run_pytest(tmp_path, broken)
    assert "test_legal_moves_stay_legal_when_several_are_in_flight" in done.stdout
    assert done.returncode == 1
