from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select

from application.ports.clock import Clock
from infrastructure.bell import Bell
from infrastructure.read_models.schema import PROJECTIONS

POLL = 0.003
"""Seconds between the first two polls …"""
_BACK_OFF = 0.25
"""… where a pause is this share of the time waited so far, …"""
_LONGEST_PAUSE = 0.25
"""… at most so many seconds."""
_BELL_FLOOR = 0.1
"""Seconds after which a ring of the projector is not waited for any longer."""
_REACHED = select(func.min(PROJECTIONS.c.position)).where(PROJECTIONS.c.active)


def await_position(
    connection: Connection, clock: Clock, position: int, timeout: float, bell: Bell | None = None
) -> bool:
    """Waits until all active generations have reached a position; returns whether they did.

    The projector rings the bell of an SQLite file. Without it, polls become rarer: many requests
    that wait for a projector that lags must not slow it down further.
    """
    if _reached(connection, position):
        return True
    started = clock.monotonic()
    deadline = started + timeout
    with _pauses(bell, clock) as pause:
        while not _reached(connection, position):
            now = clock.monotonic()
            if now >= deadline:
                return False
            pause(now - started, deadline - now)
    return True


def _reached(connection: Connection, position: int) -> bool:
    reached: int | None = connection.scalar(_REACHED)
    return reached is not None and reached >= position


@contextmanager
def _pauses(bell: Bell | None, clock: Clock) -> Iterator[Callable[[float, float], None]]:
    """What waits for the next look; its arguments: seconds waited so far, seconds that are left."""

    def sleep(waited: float, left: float) -> None:
        clock.sleep(min(max(POLL, _BACK_OFF * waited), _LONGEST_PAUSE, left))

    try:
        listener = None if bell is None else bell.listener()
    except OSError:  # no bell can be heard here
        listener = None
    if listener is None:
        yield sleep
        return
    try:
        yield lambda _, left: listener.wait(min(left, _BELL_FLOOR))
    finally:
        listener.close()
