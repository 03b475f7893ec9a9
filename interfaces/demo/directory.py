"""The data directory of a demo: always fresh, and nothing of anybody else is touched."""

import shutil
from collections.abc import Callable
from pathlib import Path

from infrastructure.supervision import holder
from interfaces.demo.errors import DemoFailed

MARK = "demo"
"""File that says: a demo made this directory."""


def prepare(directory: Path, say: Callable[[str], None]) -> None:
    """Makes an empty directory; one of an earlier demo is moved aside.

    Raises:
        DemoFailed: something runs on it, or no demo made it.
    """
    pid = holder(directory)
    if pid is not None:
        raise DemoFailed(f"{directory} is in use by a running `vigil up` (pid {pid})")
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).exists():
            raise DemoFailed(f"{directory} is not empty and was not made by a demo: choose another")
        _move_aside(directory, say)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (directory / MARK).write_text("made by `vigil demo`; the next demo moves it aside\n")


def _move_aside(directory: Path, say: Callable[[str], None]) -> None:
    previous = directory.with_name(f"{directory.name}.previous")
    if previous.exists():
        if not (previous / MARK).exists():
            raise DemoFailed(f"{previous} is in the way and was not made by a demo")
        shutil.rmtree(previous)
    directory.rename(previous)
    say(f"The last demo's data was moved to {previous}.")
