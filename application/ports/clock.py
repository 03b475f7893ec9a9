from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """The source of time."""

    def now(self) -> datetime:
        """The current time, timezone-aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps; only differences have a meaning."""
        ...

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread."""
        ...


class Ids(Protocol):
    """The source of random ids."""

    def new(self) -> UUID:
        """A new id."""
        ...
