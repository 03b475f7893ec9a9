import sys
from typing import NoReturn, TextIO

from rich.console import Console

ENDLESS = 10_000
"""Columns of something that is no terminal: nothing is cut or wrapped there."""


class Terminal(Console):
    """A console that lets the command know when its reader has left."""

    def on_broken_pipe(self) -> NoReturn:
        """Instead of ending the process with a failure."""
        raise BrokenPipeError


def terminal(stream: TextIO | None = None) -> Terminal:
    """A console as wide as the terminal, or wide enough for everything if it is none."""
    out = stream or sys.stdout
    if out.isatty():
        return Terminal(file=out, highlight=False)
    return Terminal(file=out, width=ENDLESS, highlight=False)
