import sys
from typing import NoReturn, TextIO

from rich.console import Console

UNLIMITED = 10_000
"""Columns of an output that is not a terminal: nothing is cut or wrapped there."""


class Terminal(Console):
    """A console that raises BrokenPipeError when the reader closes the pipe."""

    def on_broken_pipe(self) -> NoReturn:
        """Raises the error, instead of exiting with a failure as rich does."""
        raise BrokenPipeError


def terminal(stream: TextIO | None = None) -> Terminal:
    """A console as wide as the terminal; wide enough for every line if there is no terminal."""
    out = stream or sys.stdout
    if out.isatty():
        return Terminal(file=out, highlight=False)
    return Terminal(file=out, width=UNLIMITED, highlight=False)
