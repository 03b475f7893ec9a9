"""Executes a claimed plan: one applier under one epoch.

The calling thread (``run``) starts the actions whose parents have ended, each on a thread of its
own (``ActionExecution``), and watches for a cancellation or another claim.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from uuid import UUID

from application.applier.action_execution import ActionExecution
from application.applier.aggregate_session import AggregateSession
from application.applier.claimed_plan import ClaimedPlan
from application.applier.gate import LOOK, StartGate
from application.applier.legality import MoveLegality
from application.applier.policy import ExecutionPolicy
from application.applier.surroundings import NOTICE, Surroundings
from application.ports.clock import Clock
from application.ports.cloud import ActionHandler
from application.ports.progress import ProgressBoard
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans import Action, ActionPlan
from domain.plans.pace import Hold
from domain.plans.parallelism import Parallelism, Slots
from domain.plans.plan_states import RUNNING
from domain.plans.reasons import ACTION_TYPE_UNKNOWN, APPLIERS_LOST

log = logging.getLogger(__name__)


class PlanExecution:
    """Runs the actions of a claimed plan.

    Args:
        session: the plan.
        epoch: of the claim.
        handlers: by action type.
        fresh: whether this instance's heartbeat is recent enough to send requests.
        policy: limits and intervals.
        parallelism: further limits on the actions in progress at once.
        legality: checks moves just before they are requested.
        gate: whether actions may begin now.
    """

    def __init__(  # noqa: PLR0913 - its collaborators
        self,
        session: AggregateSession[ActionPlan],
        epoch: int,
        *,
        handlers: Mapping[str, ActionHandler],
        progress: ProgressBoard,
        clock: Clock,
        fresh: Callable[[], bool],
        policy: ExecutionPolicy,
        parallelism: Parallelism,
        legality: MoveLegality,
        gate: StartGate,
    ) -> None:
        self._plan = ClaimedPlan(session, epoch)
        self._handlers = handlers
        self._progress = progress
        self._clock = clock
        self._fresh = fresh
        self._policy = policy
        self._parallelism = parallelism
        self._legality = legality
        self._gate = gate
        self._running: dict[UUID, tuple[Action, Future[None]]] = {}
        self._wake = threading.Event()
        self._is_outdated = threading.Event()

    def look_again(self) -> None:
        """Has ``run`` read at once what other processes appended."""
        self._is_outdated.set()
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Runs actions until the plan has ended or ``stop`` is set.

        On ``stop`` the calls in progress end and their results are appended; actions that are still
        running in the cloud are resumed by another applier.

        Raises:
            Fenced, Refusal: another applier claimed the plan; this one sends no more requests.
        """
        around = Surroundings(
            self._plan,
            self._progress,
            self._clock,
            self._fresh,
            self._policy,
            self._gate,
            partial(self._plan.why_illegal, legality=self._legality),
            stop,
        )
        self._give_up_deadly_actions()
        resumed = self._plan.ongoing()  # a previous applier sent their requests
        threads = max(self._policy.max_parallel, len(resumed))
        with ThreadPoolExecutor(threads, thread_name_prefix="action") as pool:
            try:
                self._run_actions(around, pool)
            finally:
                around.ended.set()
        self._reap()
        if stop.is_set():
            log.info("the execution of a plan stopped; another applier will resume it")

    def _give_up_deadly_actions(self) -> None:
        """Fails the actions that cost too many appliers."""
        for action in self._plan.deadly(self._policy.max_losses):
            facts: JsonObject = {"action": action.spec.what, "lost": action.losses}
            because = Cause(APPLIERS_LOST, facts)
            log.error("action %s failed: %s", action.spec.id, because)
            self._plan.append(ActionPlan.fail_action, action.spec.id, because)

    def _run_actions(self, around: Surroundings, pool: ThreadPoolExecutor) -> None:
        refreshed_at, interval = float("-inf"), min(self._policy.poll_interval, NOTICE)
        while not around.stop.is_set():
            self._wake.clear()
            now = self._clock.monotonic()
            is_due = now - refreshed_at >= interval
            refresh = is_due or self._is_outdated.is_set()
            self._is_outdated.clear()
            refreshed_at = now if refresh else refreshed_at
            self._reap()
            if self._plan.state(refresh=refresh) not in RUNNING:
                return
            held = self._start_actions(around, pool)
            self._wake.wait(min(interval, LOOK) if held else interval)

    def _start_actions(self, around: Surroundings, pool: ThreadPoolExecutor) -> bool:
        """Starts those that may start; one at a time if appliers were lost.

        Returns:
            Whether the gate held one back.
        """
        alone = self._plan.one_at_a_time()
        if alone and self._running:
            return False
        for action in self._plan.ongoing():
            self._execute(action, around, pool, alone=alone)
            if alone:
                return False
        return self._start_ready_actions(around, pool, alone=alone)

    def _start_ready_actions(
        self, around: Surroundings, pool: ThreadPoolExecutor, *, alone: bool
    ) -> bool:
        """Starts those that the limits allow beside the ones in progress, in the plan's order.

        Returns:
            Whether the gate held one back.
        """
        most = 1 if alone else self._policy.max_parallel
        if len(self._running) >= most:
            return False
        ready = self._plan.ready()
        if all(one.spec.id in self._running for one in ready):
            return False
        running = [action.spec for action, _ in self._running.values()]
        slots, survey = Slots(self._parallelism, running), self._gate.survey(running)
        holds: list[Hold] = []
        for action in ready:
            if len(self._running) >= most:
                break
            if action.spec.id in self._running or slots.full(action.spec) is not None:
                continue
            hold = survey.hold(action)
            if hold is not None:
                holds.append(hold)
            else:
                slots.count(action.spec, 1)
                self._execute(action, around, pool, alone=alone)
        self._plan.hold(self._why_it_waits(holds))
        return bool(holds)

    def _why_it_waits(self, holds: Sequence[Hold]) -> Cause | None:
        """What keeps the whole plan from going on, None if it goes on."""
        if holds and (holds[0].everything or not self._running):
            return holds[0].because
        return None

    def _execute(
        self, action: Action, around: Surroundings, pool: ThreadPoolExecutor, *, alone: bool
    ) -> None:
        ident = action.spec.id
        handler = self._handlers.get(action.spec.type)
        if handler is None:
            because = Cause(ACTION_TYPE_UNKNOWN, {"type": action.spec.type})
            log.error("action %s failed: %s", ident, because)
            self._plan.append(ActionPlan.fail_action, ident, because)
            self._wake.set()
        elif ident not in self._running:
            if alone:
                log.warning("action %s is executed alone: appliers were lost", ident)
                self._plan.append(ActionPlan.isolate_action, ident)
            execution = ActionExecution(action, handler, around)
            # the copied context carries the correlation id to the cloud
            future = pool.submit(copy_context().run, execution.run)
            self._running[ident] = action, future
            future.add_done_callback(lambda _: self._wake.set())

    def _reap(self) -> None:
        """Forgets the executions that have ended.

        Raises:
            Exception: what ended one of them early.
        """
        for ident, (_, future) in list(self._running.items()):
            if future.done():
                del self._running[ident]
                future.result()
