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
    """How fast and how patiently a plan is executed.

    Attributes:
        parallel: actions in the cloud at once.
        poll: seconds between two looks at a running effect.
        settle: seconds for which an effect whose answer was lost may still show up.
        attempts: how often an effect is tried that provably was not had.
        unreachable: seconds without an answer from the cloud before an action fails.
        grace: seconds that an effect gets to end after it was aborted at its deadline.
    """

    parallel: int = 8
    poll: float = 2.0
    settle: float = 10.0
    attempts: int = 3
    unreachable: float = 900.0
    grace: float = 60.0


@dataclass
class ActionTracker:
    """An action that is being worked on, between two decisions.

    Attributes:
        call: the call to the cloud that is under way, None between calls.
        then: takes the outcome of the call and decides.
        due: monotonic time of the next look.
        since: monotonic time until which the effect was (believed to be) on its way.
        begun: monotonic time of the first intent; deadlines count from it, whoever sets clocks.
        silent: monotonic time since which the cloud has given no answer, None while it does.
        aborted: monotonic time at which it was aborted, None if it was not.
        doubts: how often in a row looking at it went wrong.
    """

    action: UUID
    handler: ActionHandler
    parameters: JsonObject
    due: float
    since: float
    begun: float
    call: Future[Any] | None = None
    then: Callable[[], None] | None = None
    silent: float | None = None
    aborted: float | None = None
    doubts: int = 0


def before_of(action: Action) -> JsonObject:
    """What the cloud looked like before an action's effect, empty without an intent."""
    noted = (action.intent or {}).get("before")
    return noted if isinstance(noted, dict) else {}


def deadline_of(action: Action) -> float:
    """Seconds from the first intent after which an action's effect is given up."""
    seconds = (action.intent or {}).get("deadline")
    return float(seconds) if isinstance(seconds, int | float) else 0.0
