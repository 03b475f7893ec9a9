"""SQLite's write-ahead log."""

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

PAUSE = 0.02
"""Seconds between two attempts."""


def write_ahead(connection: sqlite3.Connection, timeout: float) -> None:
    """Switches a database file to WAL mode, in which readers and a writer do not block each other.

    SQLite does not wait for its busy timeout here: of several processes that open a new file at
    once, all but one get the error at once that it is locked.

    Raises:
        sqlite3.OperationalError: it was locked all the time, or cannot be written.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            return


def connected_to_read(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection that cannot write; it works in a read-only directory, too.

    Args:
        path: the database file.
        timeout: seconds to wait for a lock.

    Raises:
        sqlite3.OperationalError: there is no such file, or it cannot be read.
    """
    address = f"file:{quote(path.as_posix())}?mode=ro"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False, timeout=timeout)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        return sqlite3.connect(f"{address}&immutable=1", uri=True, check_same_thread=False)
    return connection
