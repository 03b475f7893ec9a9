"""The two command lines of python-watcherclient, unmodified, as programs."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}


@dataclass(frozen=True)
class Cli:
    """A command line, pointed at a server.

    Attributes:
        prefix: the program and its global options.
    """

    prefix: tuple[str, ...]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command."""
        return subprocess.run(
            [*self.prefix, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env=CLEAN,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        """What a command that must succeed prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command that must succeed answers."""
        return json.loads(self(*arguments, "-f", "json"))

    def fails(self, *arguments: str) -> str:
        """What a command that must fail says."""
        done = self.run(*arguments)
        assert done.returncode != 0, (arguments, done.stdout)
        return done.stdout + done.stderr


def watcher(base: str, version: str | None = None) -> Cli:
    """``watcher …``."""
    asked = () if version is None else ("--os-infra-optim-api-version", version)
    program = str(BIN / "watcher")
    return Cli((program, "--os-auth-token", "none", "--os-endpoint-override", base, *asked))


def openstack(base: str, version: str | None = None) -> Cli:
    """``openstack … optimize …``."""
    asked = () if version is None else ("--os-infra-optim-api-version", version)
    program = str(BIN / "openstack")
    return Cli((program, "--os-auth-type", "none", "--os-endpoint", base, *asked, "optimize"))
