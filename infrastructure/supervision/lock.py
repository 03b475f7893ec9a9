import fcntl
import os
import time
from pathlib import Path
from typing import Self

NAME = "up.lock"
PATIENCE = 0.5
"""Seconds to insist: someone who only asks who holds the lock has it for an instant."""


class DirectoryBusy(Exception):
    """Another process runs on the data directory."""

    def __init__(self, directory: Path, pid: str) -> None:
        super().__init__(
            f"{directory} is in use by another `vigil up` (pid {pid}); "
            "stop that one or choose another directory with --data"
        )
        self.pid = pid


class DirectoryUnusable(Exception):
    """The data directory cannot be made or written to."""

    def __init__(self, directory: Path, error: OSError) -> None:
        super().__init__(
            f"{directory} cannot be the data directory: {error.strerror}; "
            "choose another with --data"
        )


class DirectoryLock:
    """The right to run an installation on a data directory; held while the process lives.

    The kernel gives the lock back when the process ends, however it ends.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Takes it.

        Raises:
            DirectoryBusy: another process has it.
            DirectoryUnusable: it is no directory, or cannot be written to.
        """
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._directory / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DirectoryUnusable(self._directory, error) from error
        if not _taken(descriptor, time.monotonic() + PATIENCE):
            pid = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DirectoryBusy(self._directory, pid)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Gives it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _taken(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(PATIENCE / 10)
        else:
            return True


def holder(directory: Path) -> int | None:
    """The process that runs on a data directory, None if nobody does."""
    try:
        descriptor = os.open(directory / NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 32).decode(errors="replace").strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(descriptor)
    return None
