from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.ports.cloud import ActionHandler
from domain.kernel.aggregate import JsonObject
from domain.plans import Action


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


@dataclass
class ActionTracker:
    """An action in progress. All times are of the monotonic clock, in seconds.

    Attributes:
        call: the running call to the cloud and the function that handles its result.
        next_check: time of the next check or observation.
        sent_by: latest time at which the request was possibly still on its way to the cloud.
        intended_at: time of the first intent; the deadline counts from it. A change of the wall
            clock does not move it.
        unreachable_since: time of the first of the latest failed calls, None after a success.
        aborted_at: time at which the action was aborted, None if it was not.
        errors: unexpected errors of observations in a row.
    """

    action_id: UUID
    handler: ActionHandler
    parameters: JsonObject
    next_check: float
    sent_by: float
    intended_at: float
    call: tuple[Future[Any], Callable[[], None]] | None = None
    unreachable_since: float | None = None
    aborted_at: float | None = None
    errors: int = 0


def state_before(action: Action) -> JsonObject:
    """The state of the cloud that the check recorded in the intent; empty without an intent."""
    before = (action.intent or {}).get("before")
    return before if isinstance(before, dict) else {}


def deadline_seconds(action: Action) -> float:
    """Seconds from the first intent to the deadline of an action."""
    seconds = (action.intent or {}).get("deadline")
    return float(seconds) if isinstance(seconds, int | float) else 0.0
