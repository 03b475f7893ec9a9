from sqlalchemy import Connection, func, select

from application.ports.clock import Clock
from infrastructure.read_models.schema import PROJECTIONS

POLL = 0.003
"""Seconds between two polls."""
_REACHED = select(func.min(PROJECTIONS.c.position)).where(PROJECTIONS.c.active)


def await_position(connection: Connection, clock: Clock, position: int, timeout: float) -> bool:
    """Waits until all active generations have reached a position; returns whether they did.

    On SQLite a poll is a ``PRAGMA data_version``, which costs a tenth of a query and changes on a
    connection when another connection has committed.
    """
    deadline = clock.monotonic() + timeout
    seen = _version(connection)
    while True:
        reached = connection.scalar(_REACHED)
        if reached is not None and reached >= position:
            return True
        while True:
            left = deadline - clock.monotonic()
            if left <= 0:
                return False
            clock.sleep(min(POLL, left))
            version = _version(connection)
            if version is None or version != seen:
                seen = version
                break


def _version(connection: Connection) -> int | None:
    if connection.dialect.name != "sqlite":
        return None
    found: int | None = connection.exec_driver_sql("PRAGMA data_version").scalar()
    return found
