"""Writes the children's output to the terminal, with their names as prefixes, and to a log file."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from infrastructure import logs

OLD_FILES = 3
"""Rotated log files that are kept."""


class OutputWriter:
    """Writes ``name | line`` to a stream (if any) and to a file.

    A full disk must not end the supervisor: lines that cannot be written are dropped, and their
    number is written to the file as soon as that is possible.

    Args:
        path: the file; when it exceeds ``limit`` bytes it becomes ``path.1`` and so on.
        stream: a terminal; None: only the file.
        width: of the name column; 0: no names (JSON lines contain the role).
        errors_only: the stream gets only errors, with their tracebacks; the file gets every line.
    """

    def __init__(
        self,
        path: Path,
        stream: TextIO | None,
        *,
        width: int = 15,
        limit: int = 50_000_000,
        errors_only: bool = False,
    ) -> None:
        self._path = path
        self._stream = stream
        self._errors_only = errors_only
        self._in_error: dict[str, bool] = {}
        self._width = width
        self._limit = limit
        self._file: int | None = self._opened()
        self._size = self._path.stat().st_size
        self._missing = 0

    def __call__(self, name: str, line: bytes) -> None:
        """Writes a line of a child."""
        line_text = line.decode(errors="replace").rstrip()
        text = f"{name:<{self._width}} | {line_text}\n" if self._width else f"{line_text}\n"
        self._write_to_file(text)
        if self._stream is not None and not (
            self._errors_only and self._is_harmless(name, line_text)
        ):
            self._show(text)

    def _is_harmless(self, name: str, line: str) -> bool:
        """Whether a line is no error; a line without a level has that of the line before it."""
        is_error = logs.is_error(line)
        if is_error is not None:
            self._in_error[name] = is_error
        return not self._in_error.get(name, False)

    def _write_to_file(self, text: str) -> None:
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
                self._report("cannot be written", error)
        else:
            self._rotate_if_large()

    def _rotate_if_large(self) -> None:
        if self._size > self._limit:
            try:
                self._rotate()
            except OSError as error:
                self._report("cannot be rotated", error)

    def _report(self, what: str, error: OSError) -> None:
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
        except (OSError, ValueError):  # the terminal was closed; only the file is written
            self._stream = None

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _rotate(self) -> None:
        self.close()
        self._size = 0  # even if the file cannot be moved: then tried again after another limit
        for number in range(OLD_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class LineStream(io.TextIOBase):
    """A text stream that passes complete lines to an output: for the supervisor's own log."""

    def __init__(self, name: str, output: Callable[[str, bytes], None]) -> None:
        self._name = name
        self._output = output
        self._partial = ""

    def write(self, text: str) -> int:
        """Passes on the lines that a text completes."""
        *complete, self._partial = (self._partial + text).split("\n")
        for line in complete:
            self._output(self._name, line.encode(errors="replace"))
        return len(text)
