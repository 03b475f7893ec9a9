"""How commands print lines of text."""

import sys
from collections.abc import Iterable
from typing import TextIO

from infrastructure.logs import one_line


def print_line(text: str, file: TextIO | None = None) -> None:
    """Prints a line. Names in it come from a cloud's users: they control no terminal."""
    print(one_line(text), file=file or sys.stdout)


def print_lines(lines: Iterable[str]) -> None:
    """Prints several lines."""
    for line in lines:
        print_line(line)
