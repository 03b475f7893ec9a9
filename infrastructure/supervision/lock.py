import fcntl
import os
from pathlib import Path
from typing import Self

from application.kernel.retry import RetryPolicy, retry
from infrastructure.clock import SystemClock

NAME = "up.lock"
RETRY = RetryPolicy(first_pause=0.05, factor=1.0, time_limit=0.5)
"""``holder`` in another process takes the lock for a moment."""


class DirectoryBusy(Exception):
    """Another process runs on the data directory."""

    def __init__(self, directory: Path, pid: str) -> None:
        super().__init__(
            f"{directory} is in use by another `vigil up` (pid {pid}); "
            "stop that one or choose another directory with --data"
        )
        self.pid = pid


class DirectoryUnusable(Exception):
    """The data directory cannot be created or written to."""

    def __init__(self, directory: Path, error: OSError) -> None:
        super().__init__(
            f"{directory} cannot be the data directory: {error.strerror}; "
            "choose another with --data"
        )


class DirectoryLock:
    """The right to run an installation on a data directory; held while the process lives.

    The kernel releases the lock when the process ends, however it ends.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Takes the lock.

        Raises:
            DirectoryBusy: another process has it.
            DirectoryUnusable: it is no directory, or it is not writable.
        """
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._directory / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DirectoryUnusable(self._directory, error) from error
        try:
            retry(
                lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB),
                RETRY,
                on=BlockingIOError,
                clock=SystemClock(),
            )
        except BlockingIOError:
            pid = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DirectoryBusy(self._directory, pid) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Releases the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def holder(directory: Path) -> int | None:
    """The id of the process that runs on a data directory, None if there is none."""
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
