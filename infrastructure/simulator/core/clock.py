"""The simulator's only source of time and of unique ids."""

import time
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Anchor:
    """A pair of instants that means the same moment: the wall's and the simulation's.

    Args:
        wall: seconds since the epoch.
        simulated: seconds since the simulated cloud was made.
    """

    wall: float
    simulated: float


@dataclass
class SimulatedClock:
    """Wall time, and simulated time that runs `speed` times as fast.

    Clients see wall time in every timestamp. Durations (a migration, a metrics window) are
    simulated seconds: at speed 10 a migration of 20 s is over after 2 s.
    """

    speed: float = 1.0
    anchor: Anchor = field(default_factory=lambda: Anchor(time.time(), 0.0))

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def simulated(self, wall: float) -> float:
        """Simulated seconds since the cloud was made, at a wall time."""
        return self.anchor.simulated + (wall - self.anchor.wall) * self.speed

    def wall_after(self, start: float, simulated_seconds: float) -> float:
        """The wall time that many simulated seconds after a wall time."""
        return start + simulated_seconds / self.speed

    def sleep(self, seconds: float) -> None:
        """Wait in wall time (a slow endpoint is slow for a real client)."""
        time.sleep(seconds)

    def unique(self) -> str:
        """A fresh UUID, for request ids and token audit ids."""
        return str(uuid.uuid4())


def iso_micro(at: float | None) -> str | None:
    """Nova's timestamp in records: 2026-11-24T07:34:18.000000."""
    if at is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000000"


def iso_zulu(at: float) -> str:
    """Nova's timestamp of a server: 2026-11-24T07:34:18Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def iso_token(at: float) -> str:
    """Keystone's timestamp of a token: 2026-11-24T07:34:18.000000Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000000Z"
