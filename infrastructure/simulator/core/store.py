"""The state file: one JSON record per entity in SQLite, one transaction per request."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

_PRAGMAS = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
_WAIT = 1.0  # seconds, for the file of a simulator that is just ending
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""

Row = tuple[str, str, bytes]


class StateStore:
    """Records by kind and key; not persistent without a file."""

    def __init__(self, path: Path | None) -> None:
        """Open (and create) the file; `synchronous=FULL` makes an answer mean "on disk".

        Raises:
            sqlite3.OperationalError: another simulator uses the file.
        """
        self._db: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=_WAIT, check_same_thread=False, isolation_level=None
            )
            self._db.executescript(_PRAGMAS + _SCHEMA)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to resume from."""
        if self._db is None:
            return True
        return self._db.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None

    def save(self, rows: Iterable[Row], gone: Iterable[tuple[str, str]] = ()) -> None:
        """Write and remove records in one transaction."""
        if self._db is None:
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", rows)
            self._db.executemany("DELETE FROM records WHERE kind = ? AND key = ?", gone)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def read(self, kind: str) -> Iterator[bytes]:
        """Every record of a kind."""
        if self._db is None:
            return
        for (body,) in self._db.execute("SELECT body FROM records WHERE kind = ?", (kind,)):
            yield body

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None
