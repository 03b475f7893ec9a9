import time
from datetime import UTC, datetime
from uuid import UUID, uuid4


class SystemClock:
    """The clock of this machine (port: ``application.ports.clock.Clock``)."""

    def now(self) -> datetime:
        """The wall clock, timezone-aware UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the only implementation of the port

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; only differences have a meaning."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread for some seconds."""
        time.sleep(seconds)


class RandomIds:
    """Random ids (port: ``application.ports.clock.Ids``)."""

    def new(self) -> UUID:
        """A fresh random id (version 4)."""
        return uuid4()
