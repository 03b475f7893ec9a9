"""Executes one action: check → *intent* → request → *receipt* → observe until it ends → *outcome*.

What is in italics is appended to the log. After a crash the next applier starts at "observe": it
never repeats a request whose effect the cloud shows.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from application.applier.action_times import ActionTimes
from application.applier.gate import HeldBack
from application.applier.observation_times import ObservationTimes
from application.applier.surroundings import Surroundings
from application.ports.cloud import (
    ActionHandler,
    CloudRefused,
    CloudUnreachable,
    Fail,
    Observation,
    Phase,
    Skip,
    cause_of,
)
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Refusal
from domain.kernel.reasons import Cause
from domain.plans import Action, ActionPlan, PlanState
from domain.plans.plan_in_execution import ABORT
from domain.plans.reasons import (
    ABORTED_BY_CANCEL,
    DEADLINE_PASSED,
    NOTHING_COPIED,
    OUTCOME_UNKNOWN,
    PLAN_CANCELLED,
    STILL_RUNNING,
)

log = logging.getLogger(__name__)


class _Over(Exception):
    """The action has its outcome, or another applier will resume it."""


class ActionExecution:
    """Executes an action on the calling thread.

    Args:
        action: the action as it is in the log.
        handler: of its type.
        around: what all executions of the plan use.
    """

    def __init__(self, action: Action, handler: ActionHandler, around: Surroundings) -> None:
        self._id = action.spec.id
        self._parameters = action.spec.parameters
        self._handler = handler
        self._around = around
        self._plan = around.plan
        self._times = ActionTimes(action, around.clock, around.policy)
        self._errors = 0  # unexpected errors of observations in a row
        self._refused_step: Cause | None = None

    def run(self) -> None:
        """Executes the action from where the log left it.

        Raises:
            Fenced, Refusal: another applier claimed the plan.
        """
        with suppress(_Over):
            if self._action.intent is None:
                self._attempt()
            while True:
                self._observe()
                self._attempt()

    # -- check → intent → request → receipt ------------------------------------------------------

    def _attempt(self) -> None:
        """Sends the request; returns without that if an earlier one has to be observed first."""
        while (before := self._check()) is None or not self._start(before):
            self._around.pause(self._around.policy.poll_interval)
            if self._action.intent is not None:
                return

    def _check(self) -> JsonObject | None:
        """The state of the cloud before the action; None while the cloud is unreachable."""
        self._continue()
        try:
            verdict = self._handler.check(self._parameters)
        except CloudUnreachable as outage:
            self._unreachable(outage)
            return None
        except CloudRefused as refusal:
            self._fail(refusal.because)
        except Exception as bug:
            log.exception("action %s cannot be checked", self._id)
            self._fail(cause_of(bug))
        self._times.reached()
        if isinstance(verdict, Skip):
            self._end(ActionPlan.skip_action, self._named(verdict.because))
        if isinstance(verdict, Fail):
            self._fail(verdict.because)
        illegal = self._around.why_illegal(self._action.spec)
        if illegal is not None:
            self._end(ActionPlan.skip_action, self._named(illegal))
        return verdict.before

    def _start(self, before: JsonObject) -> bool:
        """Appends the intent, sends the request; returns False if the action may not start now."""
        self._continue()
        if not self._around.is_fresh(self._id) or not self._may_start():
            return False
        deadline = self._handler.deadline(self._parameters, before)
        intent: JsonObject = {"before": before, "deadline": deadline}
        try:
            version = self._plan.append(ActionPlan.intend_action, self._id, intent)
        except Refusal:
            if self._may_start():
                raise
            return False  # a user cancelled the plan at this moment
        self._times.intended(self._action.attempt)
        start = partial(self._handler.start, self._parameters, before)
        try:
            self._around.gate.check(self._action)
            receipt = self._around.send(start, self._id, self._times, version)
        except HeldBack as held:
            self._end(ActionPlan.withhold_action, held.because)
        except CloudRefused as refusal:
            self._fail(refusal.because)
        if receipt is not None:
            self._plan.append(ActionPlan.acknowledge_action, self._id, receipt)
        return True

    def _may_start(self) -> bool:
        """Whether the plan is still to be executed, after a fresh read of the log."""
        if self._plan.may_run(self._id):
            return True
        if self._action.intent is None:  # cancelled
            raise _Over
        return False  # an earlier attempt has to end first

    # -- observe → outcome -----------------------------------------------------------------------

    def _observe(self) -> None:
        """Observes the effect until it ends; returns if there is none and none can follow."""
        times = ObservationTimes(self._around.clock, self._around.policy.poll_interval)
        while True:
            seen = self._look()
            if seen is not None and self._judge(seen):
                return
            self._around.pause(times.pause(seen))

    def _look(self) -> Observation | None:
        """Observes once; returns None if that is impossible now."""
        self._continue()
        action = self._action
        try:
            seen = self._handler.observe(self._parameters, action.before, action.receipt)
        except (CloudUnreachable, CloudRefused) as unseen:
            self._unreachable(unseen)
            return None
        except Exception as bug:
            self._errors += 1
            log.exception("action %s cannot be observed", self._id)
            if self._errors >= self._around.policy.max_attempts:
                self._fail(cause_of(bug))
            return None
        self._times.reached()
        self._errors = 0
        return seen

    def _judge(self, seen: Observation) -> bool:
        """Does what an observation calls for; returns whether to send the request again."""
        match seen.phase:
            case Phase.DONE:
                self._end(ActionPlan.succeed_action, seen.facts)
            case Phase.FAILED:
                self._end_failed(seen)
            case Phase.NEVER_STARTED:
                return self._may_try_again()
            case Phase.RUNNING:
                self._times.running(seen)
                self._around.show(self._id, seen)
                if seen.next_step is None or not self._advance(seen.next_step):
                    self._limit(seen)
            case Phase.UNKNOWN:
                self._around.show(self._id, seen)
                self._abort_if_due()
                if self._times.is_given_up(self._action, self._around.policy.abort_grace):
                    self._fail(seen.cause)
        return False

    def _end_failed(self, seen: Observation) -> NoReturn:
        aborting = self._action.aborting if seen.aborted else None
        if aborting is not None and aborting.reason == ABORTED_BY_CANCEL:
            self._end(ActionPlan.cancel_action, aborting)
        self._fail(aborting or seen.cause)

    def _may_try_again(self) -> bool:
        """Whether another attempt is due: the earlier request can no longer take effect."""
        if not self._times.is_settled():
            return False
        attempt = self._action.attempt
        if attempt >= self._around.policy.max_attempts:
            error = f"the cloud showed no effect of {attempt} attempts"
            self._fail(Cause(OUTCOME_UNKNOWN, {"error": error}))
        if self._is_cancelled():
            self._end(ActionPlan.cancel_action, Cause(PLAN_CANCELLED))
        return True

    def _advance(self, step: str) -> bool:
        """Requests a further step; returns False if it is not to be requested now."""
        action = self._action
        late = self._times.is_given_up(action, self._around.policy.follow_up)
        if step in action.steps and (late or not self._times.is_settled()):
            return False  # too late, or the earlier request may still take effect
        known = self._parameters, action.before, action.receipt
        return self._request_step(step, partial(self._handler.advance, *known, step))

    def _request_step(
        self, step: str, request: Callable[[], JsonObject], because: Cause | None = None
    ) -> bool:
        """Appends the intent of a step, sends its request; returns False if it may not be sent."""
        if not self._around.is_fresh(self._id):
            return False
        version = self._plan.append(ActionPlan.intend_step, self._id, step, because)
        try:
            receipt = self._around.send(request, self._id, self._times, version)
        except CloudRefused as refusal:  # the next observation shows whether somebody else took it
            log.warning("action %s: step %s was refused: %s", self._id, step, refusal)
            if step != ABORT:
                self._refused_step = refusal.because
            return True
        if receipt is not None:
            self._plan.append(ActionPlan.acknowledge_step, self._id, step, receipt)
        return True

    def _limit(self, seen: Observation) -> None:
        """Aborts a running effect if that is due; fails the action if it does not end after that.

        What the cloud cannot abort (a cold migration) is observed for a while after its deadline:
        it usually ends, and may need a further step. After that the plan does not wait for it any
        longer (see ``FollowUps``).
        """
        self._abort_if_due()
        if self._times.is_given_up(self._action, self._around.policy.follow_up):
            status = str(seen.facts.get("status") or seen.phase)
            if self._refused_step is not None:
                status = f"{status} ({self._refused_step})"
            facts: JsonObject = {"seconds": round(self._action.deadline), "status": status}
            self._fail(Cause(STILL_RUNNING, facts))

    def _abort_if_due(self) -> None:
        action = self._action
        because = action.aborting or self._why_abort()
        if because is None or not self._handler.can_abort(self._parameters):
            return
        if ABORT in action.steps and not self._times.is_settled(action.steps[ABORT]):
            return  # the earlier request may still take effect; each one gets more time for that
        known = self._parameters, action.before, action.receipt

        def abort() -> JsonObject:
            self._handler.abort(*known)
            return {}

        self._request_step(ABORT, abort, because)

    def _why_abort(self) -> Cause | None:
        """Why a running effect is to be aborted; None if it is not."""
        if self._around.policy.abort_on_cancel and self._is_cancelled():
            return Cause(ABORTED_BY_CANCEL)
        if self._times.is_stalled():
            return Cause(NOTHING_COPIED, {"seconds": round(self._around.policy.stall_limit)})
        if self._times.is_late(self._action):
            return Cause(DEADLINE_PASSED, {"seconds": round(self._action.deadline)})
        return None

    def _is_cancelled(self) -> bool:
        is_cancelling = self._plan.state(refresh=False) is PlanState.CANCELLING
        return is_cancelling and not self._action.restores

    @property
    def _action(self) -> Action:
        return self._plan.action(self._id)

    def _continue(self) -> None:
        """Ends the execution if the process or the plan ends, or the action was cancelled."""
        if self._around.is_over or self._action.ended:
            raise _Over

    def _fail(self, because: Cause) -> NoReturn:
        named = self._named(because)
        log.error("action %s (%s) failed: %s", self._id, self._action.spec.what, named)
        self._end(ActionPlan.fail_action, named)

    def _named(self, because: Cause) -> Cause:
        return because.naming(self._action.spec.names)

    def _end(self, decide: Callable[..., None], fact: object) -> NoReturn:
        """Appends the outcome, unless the action was cancelled at this moment."""
        try:
            self._plan.append(decide, self._id, fact)
        except Refusal:
            if not self._action.ended:
                raise
        raise _Over

    def _unreachable(self, why: CloudUnreachable | CloudRefused) -> None:
        """Notes a failed or refused read (a changed password): it says nothing about the action."""
        log.warning("action %s: %s; trying again", self._id, why)
        self._around.show(self._id, Observation(Phase.UNKNOWN, {}, cause_of(why)))
        if self._times.missed():
            self._fail(cause_of(why))
