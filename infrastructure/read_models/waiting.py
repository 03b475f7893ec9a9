from sqlalchemy import Connection, func, select

from application.ports.clock import Clock
from infrastructure.read_models.schema import PROJECTIONS

POLL = 0.003
"""Seconds between two polls on SQLite, and at first on PostgreSQL …"""
_BACK_OFF = 0.25
"""… where a pause is this share of the time waited so far, …"""
_LONGEST_PAUSE = 0.25
"""… at most so many seconds."""
_REACHED = select(func.min(PROJECTIONS.c.position)).where(PROJECTIONS.c.active)


def await_position(connection: Connection, clock: Clock, position: int, timeout: float) -> bool:
    """Waits until all active generations have reached a position; returns whether they did.

    On SQLite a poll is a ``PRAGMA data_version``, which costs a tenth of a query and changes on a
    connection when another connection has committed. On PostgreSQL it is a query, so polls become
    rarer: many requests that wait for a projector that lags must not slow it down further.
    """
    started = clock.monotonic()
    deadline = started + timeout
    seen = _version(connection)
    while True:
        reached = connection.scalar(_REACHED)
        if reached is not None and reached >= position:
            return True
        while True:
            now = clock.monotonic()
            if now >= deadline:
                return False
            pause = POLL if seen is not None else _pause(now - started)
            clock.sleep(min(pause, deadline - now))
            version = _version(connection)
            if version is None or version != seen:
                seen = version
                break


def _pause(waited: float) -> float:
    return min(max(POLL, _BACK_OFF * waited), _LONGEST_PAUSE)


def _version(connection: Connection) -> int | None:
    if connection.dialect.name != "sqlite":
        return None
    found: int | None = connection.exec_driver_sql("PRAGMA data_version").scalar()
    return found
