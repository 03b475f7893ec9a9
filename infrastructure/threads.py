"""Notices threads that end by an error: without one of them, a process only seems to work."""

import contextlib
import logging
import threading
from collections.abc import Iterator

log = logging.getLogger(__name__)


@contextlib.contextmanager
def noticed_threads(stop: threading.Event) -> Iterator[list[str]]:
    """Logs each thread that an error ends during a block, and sets ``stop``.

    Yields:
        The names of these threads, as they end.
    """
    lost: list[str] = []

    def notice(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_type is SystemExit or ended.exc_value is None:
            return
        name = "?" if ended.thread is None else ended.thread.name
        log.error(
            "the thread %s ended by an error; this process ends, too",
            name,
            exc_info=ended.exc_value,
        )
        lost.append(name)
        stop.set()

    before = threading.excepthook
    threading.excepthook = notice
    try:
        yield lost
    finally:
        threading.excepthook = before
