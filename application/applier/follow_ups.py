"""Watches what was still running in the cloud when its action failed, until the cloud ends it.

Every applier does this beside its plans, by the log alone: it goes on after any crash. The plan of
the action has ended, so there is no claim; that a step is requested once is decided by the log.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from application.applier.aggregate_session import AggregateSession
from application.ports.clock import Clock
from application.ports.cloud import (
    ActionHandler,
    CloudRefused,
    CloudUnreachable,
    Observation,
    Phase,
    correlated,
)
from application.ports.event_log import EventLog, RecordedEvent
from domain.kernel.errors import Refusal
from domain.kernel.metadata import Metadata
from domain.plans import Action, ActionPlan
from domain.plans.events import ActionFailed
from domain.plans.reasons import STILL_RUNNING

log = logging.getLogger(__name__)

PAGE: Final = 1000
LONGEST_PAUSE: Final = 3600.0
"""Seconds between two requests of a step, at most."""


class FollowUps:
    """Follows up on failed actions whose effects may still be running.

    Args:
        log, clock, handlers: collaborators.
        fresh: whether this instance's heartbeat is recent enough to send requests.
        settle_time: seconds during which a request without a response may still take effect.
        metadata: of the events that are appended.
    """

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        handlers: Mapping[str, ActionHandler],
        *,
        fresh: Callable[[], bool],
        settle_time: float,
        metadata: Metadata,
    ) -> None:
        self._log = log
        self._clock = clock
        self._handlers = handlers
        self._fresh = fresh
        self._settle_time = settle_time
        self._metadata = metadata
        self._position = 0
        self._plans: set[UUID] = set()
        self._steps: dict[UUID, tuple[int, float]] = {}

    def look(self) -> None:
        """Observes each of them once."""
        self._read_log()
        for plan_id in sorted(self._plans):
            session = AggregateSession(self._log, self._clock, ActionPlan, plan_id, self._metadata)
            actions = session.state.still_running()
            with correlated(session.state.run_id):
                for action in actions:
                    self._follow(session, action)
            if not actions:
                self._plans.discard(plan_id)

    def _read_log(self) -> None:
        """Finds the plans with such actions, from where the last look ended.

        No index has the topics of events: what was searched once is not searched again.
        """
        end = self._log.end()
        while page := self._log.read(self._position, PAGE, (ActionFailed.TOPIC,)):
            for entry in page:
                event = entry.event if isinstance(entry, RecordedEvent) else None
                if isinstance(event, ActionFailed) and event.because.reason == STILL_RUNNING:
                    self._plans.add(event.originator_id)
            self._position = page[-1].position
        self._position = max(self._position, end)

    def _follow(self, session: AggregateSession[ActionPlan], action: Action) -> None:
        handler = self._handlers.get(action.spec.type)
        if handler is None:
            return  # another applier has it
        try:
            seen = handler.observe(action.spec.parameters, action.before, action.receipt)
            if seen.phase is Phase.RUNNING and seen.next_step is not None:
                self._advance(session, action, handler, seen.next_step)
            elif seen.phase not in {Phase.RUNNING, Phase.UNKNOWN}:
                self._end(session, action, seen)
        except (CloudUnreachable, CloudRefused, Refusal) as later:
            log.warning("action %s is followed up later: %s", action.spec.id, later)
        except Exception:
            log.exception("action %s cannot be followed up now", action.spec.id)

    def _advance(
        self,
        session: AggregateSession[ActionPlan],
        action: Action,
        handler: ActionHandler,
        step: str,
    ) -> None:
        """Requests the step that the effect waits for, unless a request may still be on its way."""
        ident, number, now = action.spec.id, action.late_steps, self._clock.monotonic()
        known, since = self._steps.setdefault(ident, (number, now))
        if known != number:
            self._steps[ident] = number, now
            return
        pause = min(self._settle_time * 2**number, LONGEST_PAUSE) if action.steps else 0.0
        if now - since < pause or not self._fresh():
            return
        session.run(lambda plan, ctx: plan.intend_late_step(ctx, ident, step, number))
        handler.advance(action.spec.parameters, action.before, action.receipt, step)

    def _end(
        self, session: AggregateSession[ActionPlan], action: Action, seen: Observation
    ) -> None:
        because = None if seen.phase is Phase.DONE else seen.cause
        session.run(lambda plan, ctx: plan.follow_up(ctx, action.spec.id, seen.facts, because))
        self._steps.pop(action.spec.id, None)
        log.info("action %s (%s) ended after all: %s", action.spec.id, action.spec.what, seen.phase)
