"""Executes launched plans: claims one, then drives its actions until it has ended."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from application.applier.action_tracker import ExecutionPolicy
from application.applier.aggregate_session import AggregateSession
from application.applier.plan_execution import PlanExecution
from application.ports.clock import Clock
from application.ports.cloud import ActionHandler, correlated
from application.ports.event_log import EventLog
from application.ports.progress import ProgressBoard
from application.ports.read_models import ReadModels
from application.ports.services import Instance, ServiceRegistry
from application.workers.liveness import takeover
from domain.kernel.errors import Fenced, Refusal
from domain.kernel.metadata import Context, Metadata, component
from domain.plans import ActionPlan, PlanState

log = logging.getLogger(__name__)

OPEN = frozenset({PlanState.PENDING, PlanState.ONGOING, PlanState.CANCELLING})


@dataclass(frozen=True)
class Collaborators:
    """What executing a plan takes."""

    log: EventLog
    read: ReadModels
    progress: ProgressBoard
    services: ServiceRegistry
    handlers: Mapping[str, ActionHandler]
    clock: Clock


class Applier:
    """Processes launched plans, one at a time per slot.

    Args:
        parts: collaborators.
        instance: this process.
        fresh: whether this instance's heartbeat is recent enough to have effects.
        pace: how fast and how patiently.
        stop: set when the process is to end; what runs in the cloud is then left to a successor.
    """

    def __init__(
        self,
        parts: Collaborators,
        instance: Instance,
        *,
        fresh: Callable[[], bool],
        pace: ExecutionPolicy,
        stop: threading.Event,
    ) -> None:
        self._parts = parts
        self._me = instance
        self._fresh = fresh
        self._pace = pace
        self._stop = stop
        self._metadata = Metadata(component("applier", instance.id))

    def sweep(self) -> list[UUID]:
        """Plans that were launched and have not ended, whoever holds them: holders may be dead."""
        return [plan.plan_id for plan in self._parts.read.open_plans()]

    def process(self, plan_id: UUID) -> None:
        """Executes a plan to its end; nothing if it is another's or over."""
        held = AggregateSession(self._parts.log, self._parts.clock, ActionPlan, plan_id)
        epoch = self._claim(held)
        if epoch is None:
            return
        with ThreadPoolExecutor(self._pace.parallel, thread_name_prefix="effect") as pool:
            run = PlanExecution(
                held,
                epoch,
                handlers=self._parts.handlers,
                progress=self._parts.progress,
                clock=self._parts.clock,
                metadata=self._metadata,
                pool=pool,
                fresh=self._fresh,
                pace=self._pace,
            )
            try:
                with correlated(held.state.run_id):
                    run.drive(self._stop)
            except (Fenced, Refusal) as lost:
                log.warning("plan %s is no longer ours: %s", plan_id, lost)

    def _claim(self, held: AggregateSession[ActionPlan]) -> int | None:
        plan = held.state
        if plan.state not in OPEN:
            return None
        owner = plan.owner
        why = takeover(self._parts.services, owner, self._me)
        if owner is not None and why is None:
            return None

        def decide(plan: ActionPlan, ctx: Context) -> int:
            if plan.owner != owner:
                raise Refusal(f"Action Plan {plan.id} was taken by {plan.owner}.")
            return plan.claim(ctx, self._me.id, self._me.host, takeover=why)

        try:
            epoch = held.act(self._metadata, decide)
        except Refusal as lost:
            log.info("plan %s went to somebody else: %s", plan.id, lost)
            return None
        log.info("plan %s claimed with epoch %s%s", plan.id, epoch, f": {why}" if why else "")
        return epoch
