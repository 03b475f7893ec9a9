from dataclasses import dataclass


@dataclass(frozen=True)
class ExecutionPolicy:
    """Limits and intervals for the execution of one plan.

    Attributes:
        max_parallel: actions in progress at once.
        poll_interval: seconds between two observations of an action, at most.
        settle_time: seconds during which a request without a response may still take effect.
        max_attempts: requests sent for one action, if the cloud shows that each had no effect.
        max_losses: appliers lost while they execute one action alone, after which it fails.
        unreachable_limit: seconds without a usable response after which the action fails.
        abort_on_cancel: whether a cancellation aborts what is running, if the cloud can do that.
        stall_limit: seconds without a copied byte after which a migration is aborted.
        follow_up: seconds after its deadline during which a running effect is still observed.
        abort_grace: the same for an effect whose state the cloud does not show.
        return_if_failed: whether a plan that fails is undone by a return plan.
    """

    max_parallel: int = 8
    poll_interval: float = 2.0
    settle_time: float = 10.0
    max_attempts: int = 3
    max_losses: int = 3
    unreachable_limit: float = 900.0
    abort_on_cancel: bool = False
    stall_limit: float = 180.0
    follow_up: float = 1800.0
    abort_grace: float = 60.0
    return_if_failed: bool = False
