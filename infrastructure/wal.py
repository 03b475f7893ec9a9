"""SQLite's write-ahead log."""

import sqlite3
import time

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
