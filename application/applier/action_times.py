from typing import Final

from application.applier.policy import ExecutionPolicy
from application.ports.clock import Clock
from application.ports.cloud import Observation
from domain.plans import Action

_LOWER: Final = 0.95
"""A copy gets on if less than this share of the lowest remainder so far is left."""
_EXTENDED: Final = 4.0
"""A copy that gets on may take this many times as long as its deadline says."""


class ActionTimes:
    """How long an action waits for what. By the monotonic clock: setting the clock moves nothing.

    The deadline of an effect assumes a low rate. While the cloud shows that less and less is left
    to copy, the deadline moves: it is ``stall_limit`` after the last such observation.

    Args:
        action: the action as it is in the log.
        clock: measures; only its wall clock shows the time under a previous applier.
        policy: the limits.
    """

    def __init__(self, action: Action, clock: Clock, policy: ExecutionPolicy) -> None:
        self._now = clock.monotonic
        self._policy = policy
        passed = 0.0
        if action.started_at is not None:
            passed = max((clock.now() - action.started_at).total_seconds(), 0.0)
        self._sent_by = self._now()
        self._intended_at = self._sent_by - passed
        self._unreachable_since: float | None = None
        self._moved: tuple[tuple[float | None, float | None], float] | None = None
        self._lowest: tuple[float, float] | None = None

    def intended(self, attempt: int) -> None:
        """The intent of a request was appended; the deadline counts from the first."""
        self._sent_by = self._now()
        if attempt == 1:
            self._intended_at = self._sent_by

    def sent(self) -> None:
        """A request was possibly on its way to the cloud until now."""
        self._sent_by = self._now()

    def is_settled(self, times: int = 1) -> bool:
        """Whether the latest request can no longer take effect if the cloud shows none.

        Args:
            times: how many settle times must have passed.
        """
        return self._now() - self._sent_by >= times * self._policy.settle_time

    def running(self, seen: Observation) -> None:
        """Notes how much a running effect has copied, and has left to copy."""
        now, figures = self._now(), (seen.copied, seen.remaining)
        if seen.copied is None:
            self._moved = None
        elif self._moved is None or self._moved[0] != figures:
            self._moved = figures, now
        left = seen.remaining
        if left is not None and (self._lowest is None or left < _LOWER * self._lowest[0]):
            self._lowest = left, now

    def is_stalled(self) -> bool:
        """Whether a copy that the cloud shows has not moved for too long."""
        moved = self._moved
        return moved is not None and self._now() - moved[1] >= self._policy.stall_limit

    def is_late(self, action: Action) -> bool:
        """Whether the action is past its deadline."""
        return self._now() >= self._due(action)

    def is_given_up(self, action: Action, grace: float) -> bool:
        """Whether the action is past its deadline for some seconds."""
        return self._now() >= self._due(action) + grace

    def _due(self, action: Action) -> float:
        due = self._intended_at + action.deadline
        if self._lowest is None:
            return due
        latest = self._intended_at + _EXTENDED * action.deadline
        return max(due, min(self._lowest[1] + self._policy.stall_limit, latest))

    def reached(self) -> None:
        """A read succeeded. A request that hung in an outage may still take effect after it."""
        if self._unreachable_since is not None:
            self._sent_by = self._now()
        self._unreachable_since = None

    def missed(self) -> bool:
        """A read failed; returns whether reads have failed for too long."""
        if self._unreachable_since is None:
            self._unreachable_since = self._now()
        return self._now() - self._unreachable_since >= self._policy.unreachable_limit
