"""Makes the return plans that were requested: plans that undo what another plan changed.

No claim is needed: a return plan has a fixed id, and it is published together with the end of its
request. Of two engines that compute it at once, one publishes it; the other finds the request over.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import msgspec

from application.decision_engine.decisions import DecisionRecorder
from application.decision_engine.inputs import InputLoader, InputsUnavailable, ModelStale
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.cloud import (
    ActionHandler,
    CloudRefused,
    CloudUnreachable,
    Observation,
    Phase,
    cause_of,
    correlated,
)
from application.ports.event_log import ConcurrencyConflict, EventLog, EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ReadModels
from application.ports.strategy_runner import RunnerStopped, StrategyRunner, failure_of
from application.records.decision import encode
from domain.audits import Audit
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import Cause
from domain.optimization.returning import Effect, Return, ReturnParameters
from domain.plans import ActionPlan, ActionState, PlanState, Proposal
from domain.plans.action import Action
from domain.plans.reasons import ACTION_TYPE_UNKNOWN, OUTCOME_UNKNOWN, UNDOES_ACTION
from domain.plans.returning import ReturnRequest, effects

log = logging.getLogger(__name__)

OUTAGES = (StoreUnavailable, EventLogUnavailable, ConcurrencyConflict)
"""The database is unreachable or too busy: no fault of the request. The next sweep continues it."""
RETURN = Return()


@dataclass(frozen=True)
class ReturnPlans:
    """Computes and publishes return plans.

    Attributes:
        log, commands, read, inputs, runner, recorder, clock: collaborators.
        handlers: action type → its handler, which knows the inverse of an action and reads from the
            cloud what became of a failed one.
        metadata: provenance of the events.
        patience: seconds after which a request fails that cannot be met, because the cloud is
            unreachable.
    """

    log: EventLog
    commands: Commands
    read: ReadModels
    inputs: InputLoader
    runner: StrategyRunner
    recorder: DecisionRecorder
    handlers: Mapping[str, ActionHandler]
    clock: Clock
    metadata: Metadata
    patience: float

    def sweep(self) -> Sequence[UUID]:
        """Plans of which a return plan is requested and not made yet."""
        return self.read.requested_returns()

    def process(self, plan_id: UUID) -> None:
        """Makes the return plan of a plan, if one is requested.

        It waits while a plan is executed, unless the audit has ``force``.
        """
        plan = self.log.find(ActionPlan, plan_id)
        if plan is None or plan.returns.request is None:
            return
        audit = self.log.find(Audit, plan.audit_id)
        if audit is None:
            raise NotFound("Audit", plan.audit_id)
        if not audit.force and self._is_plan_ongoing():
            return
        request = plan.returns.request
        try:
            with correlated(request.run_id):
                proposal = self._proposal(plan, audit, request)
            self._publish(plan, request, proposal)
        except OUTAGES:
            raise
        except RunnerStopped:
            log.info("plan %s: its return is left to another engine", plan_id)
        except Refusal as over:
            log.info("plan %s: this return plan is discarded: %s", plan_id, over)
        except (CloudUnreachable, ModelStale) as outage:
            self._try_later(plan, request, outage)
        except (InputsUnavailable, CloudRefused) as end:
            self._fail(plan, request, end.because)
        except Exception as bug:
            log.exception("plan %s: no return plan could be made", plan_id)
            self._fail(plan, request, failure_of(bug))

    def _is_plan_ongoing(self) -> bool:
        return any(one.state == PlanState.ONGOING for one in self.read.open_plans())

    # -- effects → inverse actions → plan --------------------------------------------------------

    def _proposal(self, plan: ActionPlan, audit: Audit, request: ReturnRequest) -> Proposal:
        happened = tuple(self._effect(one) for one in effects(plan.actions.values()))
        parameters = ReturnParameters(str(plan.id), happened)
        inputs = self.inputs.load(RETURN, parameters, audit.scope, audit.id)
        plain = msgspec.to_builtins(parameters)
        record = self.recorder.record(audit, request.run_id, RETURN, plain, inputs)
        content = encode(record)
        digest = self.recorder.records.put(content)
        found = self.runner.run(content)
        proposal = self.recorder.proposal(plan.audit_id, request.run_id, record, digest, found)
        # clients know the strategy of the audit, and the applier the limits of its planner
        return replace(proposal, strategy=plan.strategy, planner=plan.planner, undoes=plan.id)

    def _effect(self, action: Action) -> Effect:
        """What an action changed, by its recorded outcome; by the cloud, if it failed."""
        what = action.spec.what
        handler = self.handlers.get(action.spec.type)
        if handler is None:
            return Effect(what, because=Cause(ACTION_TYPE_UNKNOWN, {"type": action.spec.type}))
        parameters, outcome = action.spec.parameters, action.outcome
        if action.state is ActionState.FAILED:
            try:
                seen = handler.observe(parameters, action.before, action.receipt)
            except CloudRefused as refused:
                return Effect(what, because=refused.because)
            why_not = _why_unknown(action, seen)
            if why_not is not None:
                return Effect(what, because=why_not)
            outcome = seen.facts
        inverse = handler.compensation(parameters, action.before, outcome)
        if isinstance(inverse, Cause):
            return Effect(what, because=inverse)
        because = Cause(UNDOES_ACTION, {"action": what, "id": str(action.spec.id)})
        return Effect(what, replace(inverse, because=because))

    # -- outcome of the request ------------------------------------------------------------------

    def _publish(self, plan: ActionPlan, request: ReturnRequest, proposal: Proposal) -> None:
        """Appends the return plan and the end of the request in one transaction."""

        def decide(transaction: Transaction, ctx: Context) -> ActionPlan:
            transaction.get(ActionPlan, plan.id).complete_return(ctx, request.number)
            made = ActionPlan.propose(ctx, proposal)
            if request.automatic and made.state is PlanState.RECOMMENDED:
                made.launch(ctx)
            transaction.add(made)
            return made

        made = self.commands.run(self.metadata, decide).value
        log.info("plan %s: return plan %s has %s actions", plan.id, made.id, len(made.actions))

    def _try_later(self, plan: ActionPlan, request: ReturnRequest, outage: Exception) -> None:
        because = outage.because if isinstance(outage, ModelStale) else cause_of(outage)
        if (self.clock.now() - request.requested_at).total_seconds() > self.patience:
            self._fail(plan, request, because)
        else:
            log.warning("plan %s: its return is tried again: %s", plan.id, because)

    def _fail(self, plan: ActionPlan, request: ReturnRequest, because: Cause) -> None:
        log.error("plan %s cannot be returned: %s", plan.id, because)
        self.commands.run(
            self.metadata,
            lambda tx, ctx: tx.get(ActionPlan, plan.id).fail_return(ctx, request.number, because),
        )


def _why_unknown(action: Action, seen: Observation) -> Cause | None:
    """Why it is not known that a failed action changed something; None if it did.

    A failed move may have brought its server to another host than it should.
    """
    if seen.phase is Phase.DONE or (seen.phase is Phase.FAILED and seen.facts.get("host")):
        return None
    if seen.phase in {Phase.FAILED, Phase.NEVER_STARTED}:
        return action.because or seen.cause
    return seen.because or Cause(OUTCOME_UNKNOWN, {"error": f"it is {seen.phase}"})
