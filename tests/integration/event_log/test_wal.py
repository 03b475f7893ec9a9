import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure.wal import write_ahead


def _mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_who_finds_a_new_file_locked_waits_for_it(tmp_path: Path) -> None:
    """Of four upgrades of one new file at once, one failed: "database is locked".

    SQLite's own busy time-out does not apply to the change of the journal's mode.
    """
    path = tmp_path / "new.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as holder,
        closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other,
    ):
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("CREATE TABLE t (n)")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write_ahead(other, 0.0)  # the control: it is locked
        release = threading.Timer(0.2, holder.execute, ("COMMIT",))
        release.start()
        write_ahead(other, 30.0)
        release.join()
        assert _mode(other) == "wal"


def test_another_failure_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    path.write_bytes(b"this is no database at all, and long enough to be seen as none" * 20)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError):
        write_ahead(connection, 30.0)
