"""Executes a claimed plan: one applier under one epoch.

One thread (``run``) makes every decision and appends every event; calls to the cloud run on a
pool. Each action goes through these steps, which follow in this file in the same order:
check → *intent* → request → *receipt* (Nova's response) → observe (repeated) → *outcome*.
After a crash the next applier starts at "observe": it never repeats a request whose effect the
cloud shows.
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
    deadline_seconds,
    state_before,
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
    cause_of,
)
from application.ports.progress import Progress, ProgressBoard
from application.ports.projections import StoreUnavailable
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Fenced, Refusal
from domain.kernel.reasons import Cause
from domain.plans import Action, ActionPlan, PlanState
from domain.plans.action_plan import RUNNING
from domain.plans.events import PlanClaimed
from domain.plans.reasons import (
    ACTION_TYPE_UNKNOWN,
    DEADLINE_PASSED,
    OUTCOME_UNKNOWN,
    PLAN_CANCELLED,
)

R = TypeVar("R")

log = logging.getLogger(__name__)


class PlanExecution:
    """Runs the actions of a claimed plan.

    Args:
        session: the plan.
        epoch: of the claim.
        handlers: by action type.
        fresh: whether this instance's heartbeat is recent enough to send requests.
        policy: limits and intervals.
    """

    def __init__(
        self,
        session: AggregateSession[ActionPlan],
        epoch: int,
        *,
        handlers: Mapping[str, ActionHandler],
        progress: ProgressBoard,
        clock: Clock,
        fresh: Callable[[], bool],
        policy: ExecutionPolicy,
    ) -> None:
        self._session = session
        self._epoch = epoch
        self._handlers = handlers
        self._progress = progress
        self._clock = clock
        self._fresh = fresh
        self._policy = policy
        self._pool = ThreadPoolExecutor(policy.max_parallel, thread_name_prefix="effect")
        self._trackers: dict[UUID, ActionTracker] = {}
        self._wake = threading.Event()
        self._refreshed_at = float("-inf")
        self._stopping = False

    def run(self, stop: threading.Event) -> None:
        """Runs actions until the plan has ended or ``stop`` is set.

        On ``stop`` it waits for the calls in progress and appends their results; actions that are
        still running in the cloud are resumed by another applier.

        Raises:
            Fenced, Refusal: another applier claimed the plan; this one sends no more requests.
        """
        with self._pool:
            for action in self._session.state.ongoing():  # a previous applier sent the request
                self._track(action)
            while self._current_plan().state in RUNNING and not stop.is_set():
                self._wake.clear()
                self._handle_results()
                self._start_ready_actions()
                self._check_due_actions()
                self._wake.wait(self._pause())
            if stop.is_set():
                self._hand_over()

    def _current_plan(self) -> ActionPlan:
        now = self._clock.monotonic()
        if now - self._refreshed_at >= self._policy.poll_interval:
            self._refreshed_at = now
            self._session.refresh()
        plan = self._session.state
        if plan.epoch != self._epoch:
            raise Fenced(f"Action Plan {plan.id}", epoch=self._epoch, current=plan.epoch)
        if plan.state is PlanState.CANCELLING and plan.pending():
            self._session.run(lambda plan, ctx: plan.stop(ctx, self._epoch))
        return self._session.state

    def _handle_results(self) -> None:
        for tracker in list(self._trackers.values()):
            if tracker.call is not None and tracker.call[0].done():
                (_, handle), tracker.call = tracker.call, None
                handle()

    def _start_ready_actions(self) -> None:
        for action in self._session.state.ready():
            if len(self._trackers) >= self._policy.max_parallel:
                return
            if action.spec.id in self._trackers:
                continue
            tracker = self._track(action)
            if tracker is not None:
                self._check(tracker)

    def _check_due_actions(self) -> None:
        now = self._clock.monotonic()
        for tracker in self._trackers.values():
            if tracker.call is None and now >= tracker.next_check:
                if self._action(tracker).intent is None:
                    self._check(tracker)
                else:
                    self._observe(tracker)

    def _pause(self) -> float:
        now = self._clock.monotonic()
        idle = [one.next_check - now for one in self._trackers.values() if one.call is None]
        return min(self._policy.poll_interval, max(0.01, min(idle, default=float("inf"))))

    def _hand_over(self) -> None:
        self._stopping = True
        for tracker in self._trackers.values():
            if tracker.call is not None:
                tracker.call[0].exception()  # waits
        self._handle_results()
        log.info("plan %s: stopped; another applier will resume it", self._session.state.id)

    # -- check → intent → request ----------------------------------------------------------------

    def _check(self, tracker: ActionTracker) -> None:
        self._submit(tracker, partial(tracker.handler.check, tracker.parameters), self._checked)

    def _checked(self, tracker: ActionTracker, result: Callable[[], Verdict]) -> None:
        if self._action(tracker).ended:  # a user cancelled the plan during the check
            self._untrack(tracker.action_id)
            return
        try:
            verdict = result()
        except CloudUnreachable as outage:
            self._unreachable(tracker, outage)
            return
        except CloudRefused as refusal:
            verdict = Fail(refusal.because)
        except Exception as bug:
            log.exception("action %s cannot be checked", tracker.action_id)
            verdict = Fail(cause_of(bug))
        tracker.unreachable_since = None
        match verdict:
            case Skip(because):
                action = tracker.action_id
                self._session.run(lambda p, ctx: p.skip_action(ctx, self._epoch, action, because))
                self._untrack(action)
            case Fail(because):
                self._fail(tracker.action_id, because)
            case Go(before):
                self._intend(tracker, before)

    def _intend(self, tracker: ActionTracker, before: JsonObject) -> None:
        if self._stopping:
            return
        action = tracker.action_id
        if not self._fresh():
            tracker.next_check = self._clock.monotonic() + self._policy.poll_interval
            log.warning("action %s waits: this instance's heartbeat is too old", action)
            return
        if not self._may_start(tracker):
            return
        deadline = tracker.handler.deadline(tracker.parameters, before)
        intent: JsonObject = {"before": before, "deadline": deadline}
        try:
            self._session.run(lambda p, ctx: p.intend_action(ctx, self._epoch, action, intent))
        except Refusal:
            if self._may_start(tracker):
                raise
            return  # a user cancelled the plan at this moment
        tracker.sent_by = self._clock.monotonic()
        if self._action(tracker).attempt == 1:
            tracker.intended_at = tracker.sent_by
        start = partial(tracker.handler.start, tracker.parameters, before)
        self._submit(tracker, partial(self._send, start, self._session.state.version), self._sent)

    def _may_start(self, tracker: ActionTracker) -> bool:
        """Whether the plan is still to be executed, after a fresh read of the log."""
        plan = self._session.refresh()
        if plan.state is PlanState.ONGOING:
            return True
        if plan.actions[tracker.action_id].intent is None:  # cancelled or claimed by another
            self._untrack(tracker.action_id)  # the next round handles that
        else:
            tracker.next_check = self._clock.monotonic()  # an earlier attempt has to end first
        return False

    def _send(self, request: Callable[[], JsonObject], version: int) -> JsonObject:
        """Sends the request if this applier still owns the plan (runs on the pool)."""
        if not self._fresh():
            raise CloudUnreachable("the heartbeat became too old before the request was sent")
        self._session.check_fence(version, PlanClaimed)
        return request()

    def _sent(self, tracker: ActionTracker, result: Callable[[], JsonObject]) -> None:
        action = tracker.action_id
        tracker.next_check = self._clock.monotonic()
        try:
            receipt = result()
        except Fenced:
            raise
        except CloudUnreachable as lost:
            tracker.sent_by = self._clock.monotonic()  # it may have been on its way until now
            log.warning("action %s: no response to the request; observing: %s", action, lost)
        except CloudRefused as refusal:
            self._fail(action, refusal.because)
        except Exception:
            tracker.sent_by = self._clock.monotonic()
            log.exception("action %s: the request raised an error; observing", action)
        else:
            self._session.run(
                lambda p, ctx: p.acknowledge_action(ctx, self._epoch, action, receipt)
            )

    # -- observe → outcome -----------------------------------------------------------------------

    def _observe(self, tracker: ActionTracker) -> None:
        action = self._action(tracker)
        observe = partial(
            tracker.handler.observe, tracker.parameters, state_before(action), action.receipt
        )
        self._submit(tracker, observe, self._observed)

    def _observed(self, tracker: ActionTracker, result: Callable[[], Observation]) -> None:
        tracker.next_check = self._clock.monotonic() + self._policy.poll_interval
        try:
            seen = result()
        except (CloudUnreachable, CloudRefused) as unseen:
            self._unreachable(tracker, unseen)
        except Exception as bug:
            tracker.errors += 1
            log.exception("action %s cannot be observed", tracker.action_id)
            if tracker.errors >= self._policy.max_attempts:
                self._fail(tracker.action_id, cause_of(bug))
        else:
            if tracker.unreachable_since is not None:
                # a request that hung during the outage may still take effect
                tracker.sent_by = self._clock.monotonic()
            tracker.unreachable_since, tracker.errors = None, 0
            self._conclude(tracker, seen)

    def _conclude(self, tracker: ActionTracker, seen: Observation) -> None:
        action = tracker.action_id
        because = seen.because or Cause(OUTCOME_UNKNOWN, seen.facts)
        match seen.phase:
            case Phase.DONE:
                self._session.run(
                    lambda p, ctx: p.succeed_action(ctx, self._epoch, action, seen.facts)
                )
                self._untrack(action)
            case Phase.FAILED:
                if seen.aborted and tracker.aborted_at is not None:  # by this applier
                    because = self._deadline_passed(tracker)
                self._fail(action, because)
            case Phase.RUNNING:
                self._show_progress(action, seen)
                self._enforce_deadline(tracker, self._deadline_passed(tracker))
                if seen.next_step is not None and tracker.call is None and action in self._trackers:
                    self._advance(tracker, seen.next_step)
            case Phase.NEVER_STARTED:
                self._try_again(tracker)
            case Phase.UNKNOWN:
                self._enforce_deadline(tracker, because)

    def _advance(self, tracker: ActionTracker, step: str) -> None:
        """Requests the next step; again if the cloud still waits for it after the settle time."""
        now, action = self._clock.monotonic(), self._action(tracker)
        if self._stopping or not self._fresh():
            return
        late = now - tracker.intended_at >= deadline_seconds(action)
        if step in action.steps and (late or now - tracker.sent_by < self._policy.settle_time):
            return
        ident = tracker.action_id
        self._session.run(lambda p, ctx: p.intend_step(ctx, self._epoch, ident, step))
        advance = partial(
            tracker.handler.advance,
            tracker.parameters,
            state_before(action),
            action.receipt,
            step,
        )
        request = partial(self._send, advance, self._session.state.version)
        self._submit(tracker, request, partial(self._advanced, step))

    def _advanced(
        self, step: str, tracker: ActionTracker, result: Callable[[], JsonObject]
    ) -> None:
        action = tracker.action_id
        tracker.next_check = tracker.sent_by = self._clock.monotonic()
        try:
            receipt = result()
        except Fenced:
            raise
        except Exception as failure:  # noqa: BLE001 - the next observation shows what happened
            log.warning("action %s: step %s: %s; observing", action, step, failure)
        else:
            self._session.run(
                lambda p, ctx: p.acknowledge_step(ctx, self._epoch, action, step, receipt)
            )

    def _deadline_passed(self, tracker: ActionTracker) -> Cause:
        seconds = round(deadline_seconds(self._action(tracker)))
        return Cause(DEADLINE_PASSED, {"seconds": seconds})

    def _show_progress(self, action: UUID, seen: Observation) -> None:
        percent = seen.facts.get("percent")
        progress = Progress(
            action_id=action,
            percent=float(percent) if isinstance(percent, int | float) else None,
            detail=str(seen.facts.get("status", "running")),
            updated_at=self._clock.now(),
        )
        try:
            self._progress.put(progress)
        except StoreUnavailable as outage:
            log.warning("action %s: its progress was not saved: %s", action, outage)

    def _try_again(self, tracker: ActionTracker) -> None:
        """Starts another attempt once the earlier request can no longer take effect."""
        if self._clock.monotonic() - tracker.sent_by < self._policy.settle_time:
            return
        attempt = self._action(tracker).attempt
        if attempt >= self._policy.max_attempts:
            error = f"the cloud showed no effect of {attempt} attempts"
            self._fail(tracker.action_id, Cause(OUTCOME_UNKNOWN, {"error": error}))
        elif self._session.state.state is PlanState.CANCELLING:
            self._fail(tracker.action_id, Cause(PLAN_CANCELLED))
        else:
            self._check(tracker)

    def _enforce_deadline(self, tracker: ActionTracker, because: Cause) -> None:
        """Aborts an action that is past its deadline; fails it if it has not ended after that."""
        now = self._clock.monotonic()
        action = self._action(tracker)
        if now - tracker.intended_at < deadline_seconds(action):
            return
        if tracker.aborted_at is None:
            tracker.aborted_at = now
            abort = partial(
                tracker.handler.abort, tracker.parameters, state_before(action), action.receipt
            )
            self._submit(tracker, abort, self._aborted)
        elif now - tracker.aborted_at >= self._policy.abort_grace:
            self._fail(tracker.action_id, because)

    def _aborted(self, tracker: ActionTracker, result: Callable[[], None]) -> None:
        try:
            result()
        except Exception:
            log.exception("action %s could not be aborted; observing it", tracker.action_id)

    # -- helpers ---------------------------------------------------------------------------------

    def _action(self, tracker: ActionTracker) -> Action:
        return self._session.state.actions[tracker.action_id]

    def _track(self, action: Action) -> ActionTracker | None:
        """Starts to track an action; fails it and returns None if its type has no handler."""
        handler = self._handlers.get(action.spec.type)
        if handler is None:
            self._fail(action.spec.id, Cause(ACTION_TYPE_UNKNOWN, {"type": action.spec.type}))
            return None
        now = self._clock.monotonic()
        passed = 0.0  # only the wall clock measures the time under a previous applier
        if action.started_at is not None:
            passed = max((self._clock.now() - action.started_at).total_seconds(), 0.0)
        tracker = ActionTracker(
            action.spec.id,
            handler,
            action.spec.parameters,
            next_check=now,
            sent_by=now,
            intended_at=now - passed,
        )
        self._trackers[tracker.action_id] = tracker
        return tracker

    def _submit(
        self,
        tracker: ActionTracker,
        call: Callable[[], R],
        handle: Callable[[ActionTracker, Callable[[], R]], None],
    ) -> None:
        """Runs a call on the pool; ``handle`` receives its result on the thread of ``run``."""
        if self._stopping:  # no round follows that would handle the result
            return
        # the copied context carries the correlation id to the cloud
        future = self._pool.submit(copy_context().run, call)
        tracker.call = future, partial(handle, tracker, future.result)
        future.add_done_callback(lambda _: self._wake.set())

    def _untrack(self, action: UUID) -> None:
        self._trackers.pop(action, None)
        self._wake.set()

    def _fail(self, action: UUID, because: Cause) -> None:
        log.error("action %s failed: %s", action, because)
        self._session.run(lambda p, ctx: p.fail_action(ctx, self._epoch, action, because))
        self._untrack(action)

    def _unreachable(self, tracker: ActionTracker, why: CloudUnreachable | CloudRefused) -> None:
        """Retries a read that failed or was refused: neither says anything about the action.

        A refusal may be temporary (a changed password). The action fails after a time limit.
        """
        now = self._clock.monotonic()
        pause = self._policy.poll_interval
        tracker.next_check = now + pause
        if tracker.unreachable_since is None:
            tracker.unreachable_since = now
        log.warning("action %s: %s; retrying in %s s", tracker.action_id, why, pause)
        if now - tracker.unreachable_since >= self._policy.unreachable_limit:
            self._fail(tracker.action_id, cause_of(why))
