"""What children write: to the terminal with their names before it, and to a file that stays."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

KEPT = 3
"""Older files that are kept beside the current one."""


class Prefixed:
    """Takes lines; writes ``name | line`` to a stream (if any) and to a file.

    Args:
        path: the file; when it exceeds ``limit`` bytes it becomes ``path.1`` and so on.
        stream: for people, None for nobody.
        width: of the name column; 0 leaves the names out (JSON lines say who speaks).
    """

    def __init__(
        self, path: Path, stream: TextIO | None, *, width: int = 15, limit: int = 50_000_000
    ) -> None:
        self._path = path
        self._stream = stream
        self._width = width
        self._limit = limit
        self._file = self._opened()
        self._size = self._path.stat().st_size

    def __call__(self, name: str, line: bytes) -> None:
        """Writes a line of a child."""
        said = line.decode(errors="replace").rstrip()
        text = f"{name:<{self._width}} | {said}\n" if self._width else f"{said}\n"
        self._size += self._file.write(text)
        self._file.flush()
        if self._size > self._limit:
            self._rotate()
        if self._stream is not None:
            self._show(text)

    def _show(self, text: str) -> None:
        try:
            self._stream.write(text)  # type: ignore[union-attr]
            self._stream.flush()  # type: ignore[union-attr]
        except (OSError, ValueError):  # the terminal is gone; the file goes on
            self._stream = None

    def _opened(self) -> TextIO:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="replace")

    def _rotate(self) -> None:
        self._file.close()
        for number in range(KEPT - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = self._opened()
        self._size = 0

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class Voice(io.TextIOBase):
    """A stream that passes complete lines on under a name: the supervisor's own log messages."""

    def __init__(self, name: str, output: Callable[[str, bytes], None]) -> None:
        self._name = name
        self._output = output
        self._partial = ""

    def write(self, text: str) -> int:
        """Takes text; passes on the lines that it completes."""
        *complete, self._partial = (self._partial + text).split("\n")
        for line in complete:
            self._output(self._name, line.encode(errors="replace"))
        return len(text)
