"""What children write: to the terminal with their names before it, and to a file that stays."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

KEPT = 3
"""Older files that are kept beside the current one."""


class Prefixed:
    """Takes lines; writes ``name | line`` to a stream (if any) and to a file.

    Whoever runs everything must not end because a disk is full: what does not fit into the file
    is missing there, which the file tells as soon as it can be written again.

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
        self._file: int | None = self._opened()
        self._size = self._path.stat().st_size
        self._missing = 0

    def __call__(self, name: str, line: bytes) -> None:
        """Writes a line of a child."""
        said = line.decode(errors="replace").rstrip()
        text = f"{name:<{self._width}} | {said}\n" if self._width else f"{said}\n"
        self._keep(text)
        if self._stream is not None:
            self._show(text)

    def _keep(self, text: str) -> None:
        try:
            if self._missing:
                self._write(
                    f"\n({self._missing} lines are missing here: they could not be written)\n"
                )
                self._missing = 0
            self._write(text)
        except OSError as error:
            self._missing += 1
            if self._missing == 1:
                self._complain("cannot be written", error)
        else:
            self._make_room()

    def _make_room(self) -> None:
        if self._size > self._limit:
            try:
                self._rotate()
            except OSError as error:
                self._complain("cannot make room", error)

    def _complain(self, what: str, error: OSError) -> None:
        if self._stream is not None:
            self._show(f"{self._path} {what}: {error.strerror}; trying again\n")

    def _write(self, text: str) -> None:
        if self._file is None:
            self._file = self._opened()
        whole = text.encode(errors="replace")
        written = os.write(self._file, whole)
        self._size += written
        if written < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _show(self, text: str) -> None:
        try:
            self._stream.write(text)  # type: ignore[union-attr]
            self._stream.flush()  # type: ignore[union-attr]
        except (OSError, ValueError):  # the terminal is gone; the file goes on
            self._stream = None

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _rotate(self) -> None:
        self.close()
        self._size = 0  # also of a file that cannot be moved: it is tried again a limit later
        for number in range(KEPT - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


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
