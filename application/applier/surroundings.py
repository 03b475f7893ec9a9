import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from application.applier.action_times import ActionTimes
from application.applier.claimed_plan import ClaimedPlan
from application.applier.gate import StartGate
from application.applier.policy import ExecutionPolicy
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable, Observation
from application.ports.progress import Progress, ProgressBoard
from application.ports.projections import StoreUnavailable
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Fenced
from domain.kernel.reasons import Cause
from domain.plans import ActionSpec

log = logging.getLogger(__name__)

NOTICE: Final = 1.0
"""Seconds after which a cancellation is noticed at the latest, if its message is lost."""


@dataclass(frozen=True)
class Surroundings:
    """What the executions of all actions of a plan share.

    Attributes:
        fresh: whether this instance's heartbeat is recent enough to send requests.
        policy: limits and intervals.
        gate: whether actions may begin now.
        why_illegal: why an action has become illegal, None if it has not.
        stop: set when the process is to end.
        ended: set when the execution of the plan ends, for any reason.
    """

    plan: ClaimedPlan
    progress: ProgressBoard
    clock: Clock
    fresh: Callable[[], bool]
    policy: ExecutionPolicy
    gate: StartGate
    why_illegal: Callable[[ActionSpec], Cause | None]
    stop: threading.Event
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be started."""
        return self.stop.is_set() or self.ended.is_set()

    def pause(self, seconds: float) -> None:
        """Waits for some seconds.

        Ends earlier if the execution of the plan ends, or a cancellation of the plan is noticed.
        """
        due = self.clock.monotonic() + seconds
        before = self.plan.state(refresh=False)
        while (left := due - self.clock.monotonic()) > 0:
            if self.ended.wait(min(left, NOTICE)) or self.plan.state(refresh=False) is not before:
                return

    def is_fresh(self, action: UUID) -> bool:
        """Whether this applier may send a request of an action; logs if not."""
        if not self.fresh():
            log.warning("action %s waits: this instance's heartbeat is too old", action)
            return False
        return True

    def send(
        self, request: Callable[[], JsonObject], action: UUID, times: ActionTimes, version: int
    ) -> JsonObject | None:
        """Sends a request if this applier still owns the plan; returns None without a response.

        Args:
            request: sends it.
            action: the action that needs it.
            times: of the action.
            version: of the plan after the intent.

        Raises:
            Fenced, CloudRefused: nothing was changed.
        """
        try:
            if self.is_fresh(action):
                self.plan.check_fence(version)
                return request()
        except (Fenced, CloudRefused):
            raise
        except CloudUnreachable as lost:
            log.warning("action %s: no response to the request; observing: %s", action, lost)
        except Exception:
            log.exception("action %s: the request raised an error; observing", action)
        finally:
            times.sent()
        return None

    def show(self, action: UUID, seen: Observation) -> None:
        """Shows the progress of an action to users; a failure is logged."""
        percent = seen.facts.get("percent")
        progress = Progress(
            action_id=action,
            percent=float(percent) if isinstance(percent, int | float) else None,
            detail=str(seen.facts.get("status", seen.phase)),
            updated_at=self.clock.now(),
            because=seen.because,
            copied=None if seen.copied is None else round(seen.copied),
        )
        try:
            self.progress.put(progress)
        except StoreUnavailable as outage:
            log.warning("action %s: its progress was not saved: %s", action, outage)
