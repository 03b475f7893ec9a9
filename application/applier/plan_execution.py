"""One execution of a plan by one applier under one epoch.

One thread (``drive``) takes every decision and appends every event; calls to the cloud are made on
a pool. For each action: check → *intent* → effect → *receipt* → observe … → *outcome*. After a
crash the successor starts at "observe": it never repeats an effect that the cloud shows.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar
from uuid import UUID

from application.applier.action_tracker import (
    ActionTracker,
    ExecutionPolicy,
    before_of,
    deadline_of,
)
from application.applier.aggregate_session import AggregateSession
from application.ports.clock import Clock
from application.ports.cloud import (
    ActionHandler,
    CloudRefused,
    CloudUnreachable,
    Fail,
    Go,
    Observation,
    Phase,
    Skip,
    Verdict,
)
from application.ports.progress import Progress, ProgressBoard
from application.ports.projections import StoreUnavailable
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Fenced, Refusal
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import Cause, Reason
from domain.plans import Action, ActionPlan, PlanState
from domain.plans.action_plan import RUNNING
from domain.plans.events import PlanClaimed

R = TypeVar("R")

log = logging.getLogger(__name__)


class PlanExecution:
    """Drives the actions of a claimed plan."""

    def __init__(  # noqa: PLR0913 - its collaborators
        self,
        held: AggregateSession[ActionPlan],
        epoch: int,
        *,
        handlers: Mapping[str, ActionHandler],
        progress: ProgressBoard,
        clock: Clock,
        metadata: Metadata,
        pool: ThreadPoolExecutor,
        fresh: Callable[[], bool],
        pace: ExecutionPolicy,
    ) -> None:
        self._held = held
        self._epoch = epoch
        self._handlers = handlers
        self._progress = progress
        self._clock = clock
        self._metadata = metadata
        self._pool = pool
        self._fresh = fresh
        self._pace = pace
        self._tracks: dict[UUID, ActionTracker] = {}
        self._moved = threading.Event()
        self._looked = float("-inf")
        self._leaving = False

    def drive(self, stop: threading.Event) -> None:
        """Works until the plan has ended, or until told to stop with nothing half-said.

        Raises:
            Fenced, Refusal: the plan is no longer this applier's; nothing more was done.
        """
        self._adopt()
        while self._plan().state in RUNNING and not stop.is_set():
            self._moved.clear()
            self._collect()
            self._begin()
            self._look()
            self._moved.wait(self._pause())
        if stop.is_set():
            self._hand_over()

    # -- one round -------------------------------------------------------------------------------

    def _plan(self) -> ActionPlan:
        now = self._clock.monotonic()
        if now - self._looked >= self._pace.poll:
            self._looked = now
            self._held.refresh()
        plan = self._held.state
        if plan.epoch != self._epoch:
            raise Fenced(f"Action Plan {plan.id}", epoch=self._epoch, current=plan.epoch)
        if plan.state is PlanState.CANCELLING and plan.pending():
            self._act(lambda plan, ctx: plan.stop(ctx, self._epoch))
        return self._held.state

    def _adopt(self) -> None:
        """Takes over the effects that a predecessor may have had: looks at them first."""
        for action in self._held.state.ongoing():
            handler = self._handlers.get(action.spec.type)
            if handler is None:
                self._unknown_type(action)
            else:
                self._tracks[action.spec.id] = self._track(action, handler)

    def _collect(self) -> None:
        for track in list(self._tracks.values()):
            if track.call is None or not track.call.done():
                continue
            then = track.then
            track.call = track.then = None
            if then is not None:
                then()

    def _begin(self) -> None:
        for action in self._held.state.ready():
            if len(self._tracks) >= self._pace.parallel:
                return
            if action.spec.id in self._tracks:
                continue
            handler = self._handlers.get(action.spec.type)
            if handler is None:
                self._unknown_type(action)
                continue
            track = self._tracks[action.spec.id] = self._track(action, handler)
            self._check(track)

    def _look(self) -> None:
        now = self._clock.monotonic()
        for track in self._tracks.values():
            if track.call is None and now >= track.due:
                if self._held.state.actions[track.action].intent is None:
                    self._check(track)
                else:
                    self._observe(track)

    def _pause(self) -> float:
        waiting = [track.due for track in self._tracks.values() if track.call is None]
        soonest = min(waiting, default=self._clock.monotonic() + self._pace.poll)
        return min(self._pace.poll, max(0.01, soonest - self._clock.monotonic()))

    def _hand_over(self) -> None:
        """Waits for the calls under way and notes their outcome; the rest is the successor's."""
        self._leaving = True
        for track in self._tracks.values():
            if track.call is not None:
                track.call.exception()  # waits
        self._collect()
        log.info("plan %s is left to a successor", self._held.state.id)

    # -- check → intent → effect -----------------------------------------------------------------

    def _check(self, track: ActionTracker) -> None:
        self._submit(
            track, partial(track.handler.check, track.parameters), partial(self._checked, track)
        )

    def _checked(self, track: ActionTracker, verdict: Callable[[], Verdict]) -> None:
        if self._held.state.actions[track.action].ended:  # a cancel was faster
            self._drop(track)
            return
        try:
            said = verdict()
        except CloudUnreachable as outage:
            self._silence(track, outage)
        except CloudRefused as refusal:
            self._fail(track, refusal.because)
        except Exception as bug:
            log.exception("action %s cannot be checked", track.action)
            self._fail(track, _internal(bug))
        else:
            track.silent = None
            self._judge(track, said)

    def _judge(self, track: ActionTracker, verdict: Verdict) -> None:
        match verdict:
            case Skip(because):
                self._act(lambda p, ctx: p.skip_action(ctx, self._epoch, track.action, because))
                self._drop(track)
            case Fail(because):
                self._fail(track, because)
            case Go(before):
                self._intend(track, before)

    def _intend(self, track: ActionTracker, before: JsonObject) -> None:
        if self._leaving:
            return
        if not self._fresh():
            track.due = self._clock.monotonic() + self._pace.poll
            log.warning("heartbeat is stale; action %s waits until it beats again", track.action)
            return
        if not self._wanted(track):
            return
        intent: JsonObject = {
            "before": before,
            "deadline": track.handler.deadline(track.parameters, before),
        }
        try:
            self._act(lambda p, ctx: p.intend_action(ctx, self._epoch, track.action, intent))
        except Refusal:
            if self._wanted(track):
                raise
            return  # it was cancelled just then
        track.since = self._clock.monotonic()
        if self._held.state.actions[track.action].attempt == 1:
            track.begun = track.since
        effect = partial(self._start, track, before, self._held.state.version)
        self._submit(track, effect, partial(self._started, track))

    def _wanted(self, track: ActionTracker) -> bool:
        """Whether the plan still is to be carried out, as the log says now."""
        plan = self._held.refresh()
        if plan.state is PlanState.ONGOING:
            return True
        if plan.actions[track.action].intent is None:  # cancelled or taken meanwhile
            self._drop(track)  # the next round sees to it
        else:
            track.due = self._clock.monotonic()  # an earlier attempt still has to be ended
        return False

    def _start(self, track: ActionTracker, before: JsonObject, version: int) -> JsonObject:
        """The effect, if this applier is still the one that may have it (runs on the pool)."""
        if not self._fresh():
            raise CloudUnreachable("the heartbeat went stale before the effect was asked for")
        self._held.check_fence(version, PlanClaimed)
        return track.handler.start(track.parameters, before)

    def _started(self, track: ActionTracker, answer: Callable[[], JsonObject]) -> None:
        track.due = self._clock.monotonic()
        try:
            receipt = answer()
        except Fenced:
            raise
        except CloudUnreachable as lost:
            track.since = self._clock.monotonic()  # until now it may have waited on its way
            log.warning("action %s: no answer to its effect, observing: %s", track.action, lost)
        except CloudRefused as refusal:
            self._fail(track, refusal.because)
        except Exception:
            track.since = self._clock.monotonic()
            log.exception("action %s: its effect went wrong, observing", track.action)
        else:
            self._act(lambda p, ctx: p.acknowledge_action(ctx, self._epoch, track.action, receipt))

    # -- observe → outcome -----------------------------------------------------------------------

    def _observe(self, track: ActionTracker) -> None:
        action = self._held.state.actions[track.action]
        look = partial(track.handler.observe, track.parameters, before_of(action), action.receipt)
        self._submit(track, look, partial(self._observed, track))

    def _observed(self, track: ActionTracker, observation: Callable[[], Observation]) -> None:
        track.due = self._clock.monotonic() + self._pace.poll
        try:
            seen = observation()
        except (CloudUnreachable, CloudRefused) as unseen:
            self._silence(track, unseen)
        except Exception as bug:
            track.doubts += 1
            log.exception("action %s cannot be observed", track.action)
            if track.doubts >= self._pace.attempts:
                self._fail(track, _internal(bug))
        else:
            if track.silent is not None:  # what hung in the outage may still go on
                track.since = self._clock.monotonic()
            track.silent, track.doubts = None, 0
            self._conclude(track, seen)

    def _conclude(self, track: ActionTracker, seen: Observation) -> None:
        match seen.phase:
            case Phase.DONE:
                self._act(
                    lambda p, ctx: p.succeed_action(ctx, self._epoch, track.action, seen.facts)
                )
                self._drop(track)
            case Phase.FAILED:
                self._fail(track, self._why(track, seen))
            case Phase.RUNNING:
                self._running(track, seen)
            case Phase.NEVER_STARTED:
                self._never_started(track)
            case Phase.UNKNOWN:
                self._overdue(track, seen.because or Cause(Reason.OUTCOME_UNKNOWN, seen.facts))

    def _running(self, track: ActionTracker, seen: Observation) -> None:
        self._show(track, seen)
        self._overdue(track, self._late(track))

    def _late(self, track: ActionTracker) -> Cause:
        seconds = round(deadline_of(self._held.state.actions[track.action]))
        return Cause(Reason.DEADLINE_PASSED, {"seconds": seconds})

    def _why(self, track: ActionTracker, seen: Observation) -> Cause:
        because = seen.because or Cause(Reason.OUTCOME_UNKNOWN, seen.facts)
        ours = track.aborted is not None and because.reason is Reason.MIGRATION_ABORTED
        return self._late(track) if ours else because

    def _show(self, track: ActionTracker, seen: Observation) -> None:
        percent = seen.facts.get("percent")
        progress = Progress(
            action_id=track.action,
            percent=float(percent) if isinstance(percent, int | float) else None,
            detail=str(seen.facts.get("status", "running")),
            updated_at=self._clock.now(),
        )
        try:
            self._progress.put(progress)
        except StoreUnavailable as outage:
            log.warning("action %s: its progress is not shown: %s", track.action, outage)

    def _never_started(self, track: ActionTracker) -> None:
        """The cloud shows nothing of the effect: once it surely cannot show up any more, again."""
        if self._clock.monotonic() - track.since < self._pace.settle:
            return
        action = self._held.state.actions[track.action]
        if action.attempt >= self._pace.attempts:
            error = f"the cloud showed no effect of {action.attempt} attempts"
            self._fail(track, Cause(Reason.OUTCOME_UNKNOWN, {"error": error}))
        elif self._held.state.state is PlanState.CANCELLING:
            self._fail(track, Cause(Reason.PLAN_CANCELLED))
        else:
            self._check(track)

    def _overdue(self, track: ActionTracker, because: Cause) -> None:
        """Gives up an effect that is past its deadline: aborts it, watches it, then fails it."""
        now = self._clock.monotonic()
        action = self._held.state.actions[track.action]
        if now - track.begun < deadline_of(action):
            return
        if track.aborted is None:
            track.aborted = now
            abort = partial(track.handler.abort, track.parameters, action.receipt)
            self._submit(track, abort, partial(self._given_up, track))
        elif now - track.aborted >= self._pace.grace:
            self._fail(track, because)

    def _given_up(self, track: ActionTracker, aborted: Callable[[], None]) -> None:
        try:
            aborted()
        except Exception:
            log.exception("action %s could not be aborted; observing it", track.action)

    # -- helpers ---------------------------------------------------------------------------------

    def _track(self, action: Action, handler: ActionHandler) -> ActionTracker:
        now = self._clock.monotonic()
        passed = 0.0  # what a predecessor waited is known by the wall clock only
        if action.started_at is not None:
            passed = max((self._clock.now() - action.started_at).total_seconds(), 0.0)
        return ActionTracker(
            action.spec.id,
            handler,
            action.spec.parameters,
            due=now,
            since=now,
            begun=now - passed,
        )

    def _submit(
        self,
        track: ActionTracker,
        call: Callable[[], R],
        then: Callable[[Callable[[], R]], None],
    ) -> None:
        if self._leaving:  # nobody would be there for its outcome
            return
        # in a copy of this context: it carries the correlation id to the cloud
        future = self._pool.submit(copy_context().run, call)
        track.call, track.then = future, partial(then, future.result)
        future.add_done_callback(lambda _: self._moved.set())

    def _act(self, decide: Callable[[ActionPlan, Context], object]) -> None:
        self._held.act(self._metadata, decide)

    def _drop(self, track: ActionTracker) -> None:
        self._tracks.pop(track.action, None)
        self._moved.set()

    def _fail(self, track: ActionTracker, because: Cause) -> None:
        log.error("action %s failed: %s", track.action, because)
        self._act(lambda p, ctx: p.fail_action(ctx, self._epoch, track.action, because))
        self._drop(track)

    def _silence(self, track: ActionTracker, why: CloudUnreachable | CloudRefused) -> None:
        """The cloud does not tell, or not us (credentials change): that says nothing of effects."""
        now = self._clock.monotonic()
        track.due = now + self._pace.poll
        track.silent = now if track.silent is None else track.silent
        log.warning("action %s: %s; asking again in %s s", track.action, why, self._pace.poll)
        if now - track.silent >= self._pace.unreachable:
            unreachable = Cause(Reason.CLOUD_UNREACHABLE, {"error": str(why)})
            self._fail(track, why.because if isinstance(why, CloudRefused) else unreachable)

    def _unknown_type(self, action: Action) -> None:
        because = Cause(Reason.ACTION_TYPE_UNKNOWN, {"type": action.spec.type})
        self._act(lambda p, ctx: p.fail_action(ctx, self._epoch, action.spec.id, because))


def _internal(bug: Exception) -> Cause:
    return Cause(Reason.INTERNAL_ERROR, {"error": f"{type(bug).__name__}: {bug}"})
