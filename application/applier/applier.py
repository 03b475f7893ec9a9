"""Executes launched plans: claims a plan, then runs its actions until the plan has ended."""

import logging
import threading
from collections.abc import Callable, Mapping
from uuid import UUID

from application.applier.aggregate_session import AggregateSession
from application.applier.gate import StartGate
from application.applier.legality import MoveLegality
from application.applier.plan_execution import PlanExecution
from application.applier.policy import ExecutionPolicy
from application.ports.clock import Clock
from application.ports.cloud import ActionHandler, correlated
from application.ports.event_log import EventLog
from application.ports.progress import ProgressBoard
from application.ports.read_models import ReadModels
from application.ports.services import Instance, ServiceRegistry
from application.workers.claims import claimable
from domain.kernel.errors import Fenced, Refusal
from domain.kernel.metadata import Context, Metadata, component
from domain.plans import ActionPlan, PlanState
from domain.plans.execution_rule import ExecutionRule
from domain.plans.parallelism import Parallelism

log = logging.getLogger(__name__)

OPEN = frozenset({PlanState.PENDING, PlanState.ONGOING, PlanState.CANCELLING})


class Applier:
    """Executes launched plans, one at a time per slot of the worker.

    Args:
        log, read, progress, services, handlers, clock: collaborators.
        instance: this process.
        fresh: whether this instance's heartbeat is recent enough to send requests.
        policy: limits and intervals of the execution.
        parallelism: planner → further limits on the actions in progress at once of its plans.
        legality: checks moves just before they are requested.
        gate: whether actions may begin now.
        rules: strategy → execution rule of its plans, if it is not ALWAYS.
        stop: set when the process is to end; another applier then resumes the actions in progress.
    """

    def __init__(  # noqa: PLR0913 - its collaborators
        self,
        *,
        log: EventLog,
        read: ReadModels,
        progress: ProgressBoard,
        services: ServiceRegistry,
        handlers: Mapping[str, ActionHandler],
        clock: Clock,
        instance: Instance,
        fresh: Callable[[], bool],
        policy: ExecutionPolicy,
        parallelism: Mapping[str, Parallelism],
        legality: MoveLegality,
        gate: StartGate,
        rules: Mapping[str, ExecutionRule],
        stop: threading.Event,
    ) -> None:
        self._log = log
        self._read = read
        self._progress = progress
        self._services = services
        self._handlers = handlers
        self._clock = clock
        self._me = instance
        self._fresh = fresh
        self._policy = policy
        self._parallelism = parallelism
        self._legality = legality
        self._gate = gate
        self._rules = rules
        self._stop = stop
        self._metadata = Metadata(component("applier", instance.id))
        self._executions: dict[UUID, PlanExecution] = {}

    def sweep(self) -> list[UUID]:
        """Plans that were launched and have not ended, with or without an owner."""
        return [plan.plan_id for plan in self._read.open_plans()]

    def look_again(self, plan_id: UUID) -> None:
        """Has the execution of a plan, if it runs here, read the plan at once."""
        execution = self._executions.get(plan_id)
        if execution is not None:
            execution.look_again()

    def look_again_everywhere(self, _: UUID) -> None:
        """Has the executions of all plans that run here read at once what holds them back."""
        for execution in list(self._executions.values()):
            execution.look_again()

    def process(self, plan_id: UUID, claimed: Callable[[], None] = lambda: None) -> None:
        """Executes a plan to its end; does nothing if it has ended or has a live owner.

        Args:
            plan_id: the plan.
            claimed: called when it is claimed.
        """
        session = AggregateSession(self._log, self._clock, ActionPlan, plan_id, self._metadata)
        epoch = self._claim(session)
        if epoch is None:
            return
        parallelism = self._parallelism.get(session.state.planner, Parallelism())
        execution = PlanExecution(
            session,
            epoch,
            handlers=self._handlers,
            progress=self._progress,
            clock=self._clock,
            fresh=self._fresh,
            policy=self._policy,
            parallelism=parallelism,
            legality=self._legality,
            gate=self._gate.within(parallelism),
        )
        self._executions[plan_id] = execution
        claimed()
        try:
            with correlated(session.state.run_id):
                execution.run(self._stop)
        except (Fenced, Refusal) as lost:
            log.warning("plan %s: execution stopped here: %s", plan_id, lost)
        finally:
            del self._executions[plan_id]

    def _claim(self, session: AggregateSession[ActionPlan]) -> int | None:
        """Claims the plan; returns the epoch that fences its events, None if it is not free."""
        plan = session.state
        if plan.state not in OPEN:
            return None
        found = claimable(self._services, plan.owner, self._me)
        if found is None:
            return None

        def decide(plan: ActionPlan, ctx: Context) -> int:
            found.check_owner(f"Action Plan {plan.id}", plan.owner)
            rule = self._rules.get(plan.strategy, ExecutionRule.ALWAYS)
            return plan.claim(
                ctx,
                self._me.id,
                self._me.host,
                takeover=found.takeover,
                rule=rule if plan.undoes is None else ExecutionRule.ALWAYS,
                return_if_failed=self._policy.return_if_failed,
            )

        try:
            epoch = session.run(decide)
        except Refusal as lost:
            log.info("plan %s was not claimed: %s", plan.id, lost)
            return None
        reason = f": {found.takeover}" if found.takeover else ""
        log.info("plan %s claimed with epoch %s%s", plan.id, epoch, reason)
        return epoch
