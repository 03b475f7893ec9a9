from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """Time, as the application may know it."""

    def now(self) -> datetime:
        """The wall clock, timezone-aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread for some seconds."""
        ...


class Ids(Protocol):
    """New random ids."""

    def new(self) -> UUID:
        """A fresh id."""
        ...
