from application.applier.policy import ExecutionPolicy
from application.ports.clock import Clock
from domain.plans import Action


class ActionTimes:
    """How long an action waits for what. By the monotonic clock: setting the clock moves nothing.

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
        self._aborted_at: float | None = None

    def intended(self, attempt: int) -> None:
        """The intent of a request was appended; the deadline counts from the first."""
        self._sent_by = self._now()
        if attempt == 1:
            self._intended_at = self._sent_by

    def sent(self) -> None:
        """A request was possibly on its way to the cloud until now."""
        self._sent_by = self._now()

    def is_settled(self) -> bool:
        """Whether the latest request can no longer take effect if the cloud shows none."""
        return self._now() - self._sent_by >= self._policy.settle_time

    def is_late(self, action: Action) -> bool:
        """Whether the action is past its deadline."""
        return self._now() - self._intended_at >= action.deadline

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

    def aborting(self) -> None:
        """The effect is aborted now."""
        self._aborted_at = self._now()

    @property
    def is_aborted(self) -> bool:
        """Whether this applier aborted the effect."""
        return self._aborted_at is not None

    def is_grace_over(self) -> bool:
        """Whether an effect that was aborted had enough time to end."""
        aborted = self._aborted_at
        return aborted is not None and self._now() - aborted >= self._policy.abort_grace
