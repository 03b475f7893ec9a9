"""`vigil api` as operators run it: a process with a configuration file."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infrastructure.simulator import clouds_yaml
from tests.integration.supervision.conftest import eventually
from tests.ports import free_port

START = 60.0


@dataclass(frozen=True)
class Running:
    """A process that answers.

    Attributes:
        url: base address.
        said: file with all that it logs.
    """

    url: str
    said: Path


def environment() -> dict[str, str]:
    """This process's, without what would configure a Vigil or a client."""
    return {
        name: text for name, text in os.environ.items() if not name.startswith(("VIGIL_", "OS_"))
    }


def command(*words: str) -> list[str]:
    """The command line of `vigil`."""
    return [sys.executable, "-m", "interfaces.cli.main", *words]


@contextmanager
def serving(database: str, file: Path, *words: str, port: int | None = None) -> Iterator[Running]:
    """`vigil api` with a configuration file, until the block ends.

    Args:
        database: its URL; it has been upgraded.
        file: of the operator's.
        words: further arguments.
        port: None takes a free one.
    """
    port = port or free_port()
    folder = file.parent
    clouds = folder / "api-clouds.yaml"
    if not clouds.exists():
        clouds.write_text(clouds_yaml("http://127.0.0.1:9"))
    said = folder / "api.log"
    fixed = {
        "database.connection": database,
        "api.port": str(port),
        "api.workers": "1",
        "vigil.cloud": "simulator",
        "vigil.cloud_config": str(clouds),
    }
    settings = [word for pair in fixed.items() for word in ("--set", "=".join(pair))]
    with said.open("wb") as out:
        process = subprocess.Popen(
            command("api", "--config-file", str(file), *settings, *words),
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment(),
        )
        try:
            eventually(lambda: _listening(process, said), "the API answers", START)
            yield Running(f"http://127.0.0.1:{port}", said)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
    assert process.returncode == 0, said.read_text()


def _listening(process: subprocess.Popen[bytes], said: Path) -> bool:
    text = said.read_text(errors="replace")
    assert process.poll() is None, text
    return "Booting worker" in text


def refused(words: Sequence[str], role: str = "api") -> str:
    """What a `vigil api` (or another command) says that must not start."""
    free = ("--set", f"api.port={free_port()}")
    done = subprocess.run(
        command(role, *words, *free),
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert done.returncode == 2, (done.returncode, done.stderr)
    return done.stderr
