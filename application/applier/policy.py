from dataclasses import dataclass


@dataclass(frozen=True)
class ExecutionPolicy:
    """Limits and intervals for the execution of one plan.

    Attributes:
        max_parallel: actions in progress at once.
        poll_interval: seconds between two observations of an action.
        settle_time: seconds during which a request without a response may still take effect.
        max_attempts: requests sent for one action, if the cloud shows that each had no effect.
        unreachable_limit: seconds without a usable response after which the action fails.
        abort_grace: seconds that an action gets to end after it was aborted at its deadline.
    """

    max_parallel: int = 8
    poll_interval: float = 2.0
    settle_time: float = 10.0
    max_attempts: int = 3
    unreachable_limit: float = 900.0
    abort_grace: float = 60.0
