"""SQLite's write-ahead log, switched on by whichever process comes first."""

import sqlite3
import time

PAUSE = 0.02
"""Seconds between two attempts."""


def write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Puts a database file into WAL mode, in which readers and a writer do not wait for each other.

    SQLite does not wait for its busy time-out here: of several processes that open a new file at
    once, all but one are told at once that it is locked.

    Raises:
        sqlite3.OperationalError: it was locked all the time, or cannot be written.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            return
