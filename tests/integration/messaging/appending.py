"""Events to relay."""

import sqlite3
from pathlib import Path
from uuid import UUID, uuid4

from application.ports.event_log import EventLog
from domain.command_receipts import CommandReceipt
from domain.reservations.reservation import NameReservation
from infrastructure.event_log import open_event_log
from infrastructure.event_log.log import SqlEventLog
from infrastructure.event_log.migrations import upgrade
from tests.given import context


def make_log(path: Path) -> SqlEventLog:
    """An empty log in a SQLite file."""
    url = f"sqlite:///{path}"
    upgrade(url)
    return open_event_log(url)


def append(log: EventLog, count: int, *, together: int = 1) -> list[int]:
    """Appends some events (topic ``command.handled``); returns their last positions."""
    return [
        log.save(
            *(
                CommandReceipt.write(context(), str(uuid4()), "r", UUID(int=1))
                for _ in range(together)
            )
        )
        for _ in range(count)
    ]


def append_name(log: EventLog, name: str) -> int:
    """Appends one event of another topic (``name.reserved``)."""
    return log.save(NameReservation.reserve(context(), "audit", name, uuid4()))


def append_nonsense(path: Path, topic: str = "no.such.topic") -> None:
    """Appends what no reader can read."""
    with sqlite3.connect(path, timeout=30) as database:
        database.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state) "
            "VALUES (?, 1, ?, ?)",
            (uuid4().hex, topic, b"{"),
        )
    database.close()
