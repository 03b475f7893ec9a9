from typing import Final

from application.ports.clock import Clock
from application.ports.cloud import Observation

FIRST: Final = 0.05
"""Seconds until the second observation of an effect whose end is not known …"""
_GROWTH: Final = 2.0
"""… and how much longer each further pause is."""
_AFTER: Final = 0.002
"""Seconds after the end that was expected: clocks are rounded."""


class ObservationTimes:
    """When an effect is observed next: when it should end, and then in growing steps.

    Args:
        clock: measures the rate of a copy.
        longest: seconds between two observations at most.
    """

    def __init__(self, clock: Clock, longest: float) -> None:
        self._now = clock.monotonic
        self._longest = longest
        self._step = FIRST
        self._copied: tuple[float, float] | None = None

    def pause(self, seen: Observation | None) -> float:
        """Seconds until the next observation.

        Args:
            seen: the latest one; None if it was not possible.
        """
        rest = None if seen is None else self._rest(seen)
        if rest:
            self._step = FIRST
            return min(rest + _AFTER, self._longest)
        step, self._step = self._step, self._step * _GROWTH
        return min(step, self._longest)

    def _rest(self, seen: Observation) -> float | None:
        """Seconds until the effect should end, None if that is not known."""
        if seen.rest is not None or seen.copied is None or seen.remaining is None:
            return seen.rest
        now, before = self._now(), self._copied
        self._copied = seen.copied, now
        if before is None or seen.copied <= before[0]:
            return None
        return seen.remaining * (now - before[1]) / (seen.copied - before[0])
