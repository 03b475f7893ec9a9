"""A launched plan in a real log, and what it takes to run it on a reference cloud."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

from application.applier.aggregate_session import AggregateSession
from application.applier.gate import StartGate
from application.applier.legality import MoveLegality
from application.applier.plan_execution import PlanExecution
from application.applier.policy import ExecutionPolicy
from application.kernel.unit_of_work import Commands
from application.ports.clock import Clock
from application.ports.cloud import CLOUD_REFUSED, ActionHandler
from application.ports.event_log import EventLog, RecordedEvent
from application.ports.read_models import ReadModels
from domain.cluster.placement.policy import PlacementPolicy
from domain.kernel.metadata import Metadata, component
from domain.kernel.reasons import OWNER_LOST, Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import ActionPlan, ActionState, PlanState, Proposal
from domain.plans.action_types import CHANGE_SERVICE_STATE, MIGRATE
from domain.plans.pace import PaceLimits
from domain.plans.parallelism import Parallelism
from domain.plans.proposal import PlannedAction, ProposedAction
from infrastructure.clock import SystemClock
from tests.given import ident
from tests.unit.applier.reference_cloud import ReferenceCloud
from tests.world.boards import ReferenceProgressBoard

CLOCK = SystemClock()
METADATA = Metadata(component("applier", "me"))
POLICY = ExecutionPolicy(
    max_parallel=4,
    poll_interval=0.01,
    settle_time=0.05,
    max_attempts=3,
    unreachable_limit=5.0,
    abort_grace=0.2,
    follow_up=0.2,
)
UNLIMITED = Parallelism()
NO_MODEL = MoveLegality(lambda: None, lambda _: (), lambda _: [], None, PlacementPolicy())
"""There is no model by which a move could have become illegal."""
LOST = Cause(OWNER_LOST, {"owner": "me", "successor": "other"})
FORBIDDEN = Cause(CLOUD_REFUSED, {"error": "401"})


def action(resource: str, parents: tuple[int, ...] = (), kind: str = "act") -> PlannedAction:
    return PlannedAction(ProposedAction(kind, resource, {}, Cause(FREES_HOST)), parents, parents)


class Bench:
    """A launched plan in a real log, and what it takes to run it."""

    def __init__(
        self,
        log: EventLog,
        cloud: ReferenceCloud,
        *actions: PlannedAction,
        handlers: Mapping[str, ActionHandler] | None = None,
        number: int = 1,
        plan: UUID | None = None,
    ) -> None:
        """A plan in a log.

        Args:
            log: the log.
            cloud: executes all actions, if there are no ``handlers``.
            actions: of the plan.
            handlers: action type → handler, of another cloud.
            number: of the audit; a log has one plan of each.
            plan: a launched plan of the log; None: a new one.
        """
        kinds = ("act", MIGRATE, CHANGE_SERVICE_STATE)
        self._handlers = handlers or dict.fromkeys(kinds, cloud)
        self.log = log
        self.cloud = cloud
        self.board = ReferenceProgressBoard()
        self.commands = Commands(log, CLOCK)
        proposal = Proposal(
            ident(number), ident(2), "dummy", "dummy", "weight", "r" * 64, "e" * 64, actions
        )

        def create(tx: Any, ctx: Any) -> UUID:
            plan = ActionPlan.propose(ctx, proposal)
            plan.launch(ctx)
            tx.add(plan)
            return plan.id

        self.id = plan or self.commands.run(METADATA, create).value

    def claim(self, *, takeover: Cause | None = None) -> tuple[AggregateSession[ActionPlan], int]:
        session = AggregateSession(self.log, CLOCK, ActionPlan, self.id, METADATA)
        epoch = session.run(lambda p, ctx: p.claim(ctx, "me", "here", takeover=takeover))
        return session, epoch

    def drive(
        self,
        *,
        takeover: Cause | None = None,
        fresh: Callable[[], bool] = lambda: True,
        stop: threading.Event | None = None,
        policy: ExecutionPolicy = POLICY,
        clock: Clock = CLOCK,
        parallelism: Parallelism = UNLIMITED,
        gate: StartGate | None = None,
        legality: MoveLegality = NO_MODEL,
    ) -> ActionPlan:
        session, epoch = self.claim(takeover=takeover)
        execution = self.execution(
            session,
            epoch,
            fresh=fresh,
            policy=policy,
            clock=clock,
            parallelism=parallelism,
            gate=gate,
            legality=legality,
        )
        execution.run(stop or threading.Event())
        return self.plan()

    def execution(
        self,
        session: AggregateSession[ActionPlan],
        epoch: int,
        *,
        fresh: Callable[[], bool] = lambda: True,
        policy: ExecutionPolicy = POLICY,
        clock: Clock = CLOCK,
        parallelism: Parallelism = UNLIMITED,
        gate: StartGate | None = None,
        legality: MoveLegality = NO_MODEL,
    ) -> PlanExecution:
        return PlanExecution(
            session,
            epoch,
            handlers=self._handlers,
            progress=self.board,
            clock=clock,
            fresh=fresh,
            policy=policy,
            parallelism=parallelism,
            gate=gate or StartGate(self.log, cast("ReadModels", None), clock, PaceLimits()),
            legality=legality,
        )

    def cancel(self) -> None:
        self.commands.run(
            METADATA, lambda tx, ctx: tx.get(ActionPlan, self.id).move(ctx, PlanState.CANCELLING)
        )

    def plan(self) -> ActionPlan:
        plan = self.log.find(ActionPlan, self.id)
        assert plan is not None
        return plan

    def states(self) -> list[ActionState]:
        return [one.state for one in self.plan().actions.values()]

    def topics(self) -> list[str]:
        entries = self.log.history(self.id)
        return [entry.topic for entry in entries if isinstance(entry, RecordedEvent)]
