"""The investigation in docs/replay.md: its commands are run as they stand, in their order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs" / "replay.md").read_text().partition("## An investigation")[2]
BLOCKS = re.findall(r"```console\n(.*?)```", SECTION, re.DOTALL)
COMMANDS = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines()]
EXPECTED = {
    "bisect": r"became true at position \d+:\n.*applier .*migrate vm-000170 compute-00001 -> "
    r"compute-00002: succeeded",
    "why": r"moving vm-000170 helps to empty compute-00001",
    "explain": r"migrate vm-000170: compute-00001 -> compute-00002",
    "diff": r"compute-00001\n  allocated: .*(\n  \S.*)*\n  - vm-000170 -> compute-00002",
    "whatif": r"\* rules broken, by those of fork +1 +0\n",
    "verify": r"identical: \d+ actions",
    "--seal": r"unchanged since sealed; \d+ events",
    "verify_proof": r".",
}
"""Word of a command → what it prints."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_investigation_finds_explains_and_proves(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = {name: text for name, text in os.environ.items() if name[:6] != "VIGIL_"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    run("vigil demo --data .vigil/demo")
    said = {command: run(command) for command in COMMANDS}
    for word, pattern in EXPECTED.items():
        chosen = [text for command, text in said.items() if word in command.split("'")[0]]
        assert chosen, f"the page has no command with {word}"
        assert any(re.search(pattern, text) for text in chosen), f"{word}: {chosen}"
    assert "identical" in said["vigil replay verify demo --data .vigil/case"]
