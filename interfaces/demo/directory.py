"""The data directory of a demo: always new; only directories of earlier demos are moved."""

from collections.abc import Callable
from pathlib import Path

from infrastructure.supervision import holder
from interfaces.demo.errors import DemoFailed

MARK = "demo"
"""Name of the file that marks a directory of a demo."""


def prepare(directory: Path, report: Callable[[str], None]) -> None:
    """Creates an empty directory; renames that of an earlier demo.

    Raises:
        DemoFailed: a running `vigil up` uses it, or no demo created it.
    """
    pid = holder(directory)
    if pid is not None:
        raise DemoFailed(f"{directory} is in use by a running `vigil up` (pid {pid})")
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).exists():
            raise DemoFailed(f"{directory} is not empty and was not made by a demo: choose another")
        _move_aside(directory, report)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (directory / MARK).write_text("made by `vigil demo`; the next demo moves it aside\n")


def _move_aside(directory: Path, report: Callable[[str], None]) -> None:
    number, previous = 1, directory.with_name(f"{directory.name}.previous")
    while previous.exists():
        number += 1
        previous = directory.with_name(f"{directory.name}.previous-{number}")
    directory.rename(previous)
    report(f"The data of the last demo was moved to {previous}.")
