"""An anchor in a file: one statement a line. Keep it where the database's users cannot write."""

import os
from collections.abc import Sequence
from pathlib import Path

from application.ports.seal import AnchorUnavailable


class AnchorFile:
    """Appends statements to a file and synchronises it to disk.

    Args:
        path: of the file; it is created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, statements: Sequence[bytes]) -> None:
        """Appends statements; removes an incomplete line before, if a full disk left one."""
        try:
            with self._path.open("a+b") as file:
                file.seek(0)
                content = file.read()
                if not content.endswith(b"\n"):  # else not: the file may allow appends only
                    file.truncate(content.rfind(b"\n") + 1)
                file.write(b"".join(statement + b"\n" for statement in statements))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise AnchorUnavailable(f"{self._path}: {error.strerror}") from error

    def statements(self) -> list[bytes]:
        """All whole lines; none if there is no file."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AnchorUnavailable(f"{self._path}: {error.strerror}") from error
        return content.split(b"\n")[:-1]
