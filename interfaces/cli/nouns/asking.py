"""What a command asks and shows on a terminal while it works."""

import itertools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from interfaces.cli.errors import CommandFailed

_DELAY: Final = 1.0
"""Seconds after which waiting is shown."""
_FRAMES: Final = "|/-\\"


def confirm(question: str, *, yes: bool) -> None:
    """Asks before something changes the cloud, if a person can answer.

    Raises:
        CommandFailed: the answer is not yes.
    """
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandFailed("nothing was changed", hint="answer y, or use --yes")


@contextmanager
def busy() -> Iterator[None]:
    """Shows on a terminal that the command is still waiting."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_spin, args=[done], daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _spin(done: threading.Event) -> None:
    if done.wait(_DELAY):
        return
    for frame in itertools.cycle(_FRAMES):
        print(f"\r{frame} waiting for the API", end="", file=sys.stderr, flush=True)
        if done.wait(0.1):
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            return
