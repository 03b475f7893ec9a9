"""Turns requested runs into action plans: claim, gather, record, solve, plan, publish."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from application.decision_engine.inputs import InputLoader, InputsUnavailable, ModelStale
from application.decision_engine.run_claims import STOP_PATIENCE, ClaimableRun, RunClaims
from application.decision_engine.shared_lock import SharedLock
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable, correlated
from application.ports.event_log import ConcurrencyConflict, EventLog, EventLogUnavailable
from application.ports.metrics import MetricsUnavailable
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ReadModels
from application.ports.records import RecordStore
from application.ports.services import Instance, ServiceRegistry
from application.records.decision import (
    FORMAT,
    CollectedInputs,
    DecisionExplanation,
    DecisionRecord,
    encode,
    make_record,
)
from domain.audits import Audit, AuditType, Run
from domain.kernel.errors import Fenced, InvalidValue, NotFound, Refusal
from domain.kernel.metadata import Context, Metadata, component
from domain.kernel.reasons import Cause, Reason
from domain.optimization.efficacy import global_efficacy
from domain.optimization.goals import GOALS, Goal
from domain.optimization.selection import NoStrategyForGoal, choose_strategy
from domain.optimization.solution import Planner, Solution
from domain.optimization.strategy import Strategy
from domain.plans import ActionPlan, EfficacyIndicator, PlanState, Proposal
from domain.plans.proposal import PlannedAction

log = logging.getLogger(__name__)

OUTAGES = (StoreUnavailable, EventLogUnavailable, ConcurrencyConflict)
"""The database is away, or busy beyond patience: no fault of the run. The next sweep goes on."""
DOUBLINGS = 32
"""So often a pause is doubled at the most, however many attempts an operator grants."""

Parameters = Callable[[Mapping[str, object], Mapping[str, object]], dict[str, object]]
"""Completes parameters by a strategy's schema; raises InvalidValue where they do not fit it."""


@dataclass(frozen=True)
class RunRetryPolicy:
    """How long a run keeps trying.

    Attributes:
        attempts: how often a run may be deferred because the cloud or the metrics are away.
        pause: seconds before the first retry; doubled each time up to ``longest``.
        gate: seconds before the first look at whether the plan that is being executed has ended;
            from then on each sweep looks.
        losses: how many workers may be lost over one run.
    """

    attempts: int = 10
    pause: float = 5.0
    longest: float = 300.0
    gate: float = 10.0
    losses: int = 3

    def after(self, attempt: int) -> float:
        """Seconds to wait after an attempt failed, counted from 0."""
        return float(min(self.pause * 2.0 ** min(attempt, DOUBLINGS), self.longest))


class _Hopeless(Exception):
    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


class DecisionEngine:
    """Processes the open run of an audit, if there is one that this instance may take."""

    def __init__(  # noqa: PLR0913 - the engine's collaborators
        self,
        *,
        log: EventLog,
        commands: Commands,
        read: ReadModels,
        records: RecordStore,
        services: ServiceRegistry,
        gatherer: InputLoader,
        strategies: Mapping[str, Strategy],
        planners: Mapping[str, Planner],
        planner_options: Mapping[str, object],
        complete: Parameters,
        clock: Clock,
        instance: Instance,
        code: str,
        patience: RunRetryPolicy,
    ) -> None:
        self._log = log
        self._commands = commands
        self._read = read
        self._records = records
        self._gatherer = gatherer
        self._strategies = strategies
        self._planners = planners
        self._planner_options = planner_options
        self._complete = complete
        self._clock = clock
        self._code = code
        self._patience = patience
        self._metadata = Metadata(component("decision-engine", instance.id))
        self._claims = RunClaims(
            commands, services, clock, instance, self._metadata, limit=patience.losses
        )
        self._company = SharedLock()

    def sweep(self) -> list[UUID]:
        """Audits with a run that is due, whoever holds it: holders may be dead."""
        return [run.audit_id for run in self._read.open_runs(self._clock.now())]

    def process(self, audit_id: UUID) -> None:
        """Does what there is to do for an audit; nothing if its run is another's or over.

        A run over which a worker was lost is worked on alone: if it takes this one along, no
        other run is lost with it, and none is suspected because of it.
        """
        with self._company.shared():
            if self._process(audit_id, alone=False):
                return
        with self._company.alone():
            self._process(audit_id, alone=True)

    def hand_over(self, stop: threading.Event, patience: float = STOP_PATIENCE) -> None:
        """Waits until told to stop, then gives back the runs that do not end soon."""
        stop.wait()
        self._claims.give_back(patience)

    def _process(self, audit_id: UUID, *, alone: bool) -> bool:
        """Whether that was all; not so for a run that has to be worked on alone."""
        audit = self._log.find(Audit, audit_id)
        if audit is None or audit.run is None:
            return True
        offer = self._claims.offer(audit.run)
        if offer is None:
            return True
        if offer.suspect and not alone:
            return False
        if not self._gated(audit, offer):
            self._work(audit_id, offer)
        return True

    def _work(self, audit_id: UUID, offer: ClaimableRun) -> None:
        claimed = self._claims.take(audit_id, offer)
        if claimed is None:
            return
        run, epoch = claimed
        try:
            with correlated(run):
                self._decide(audit_id, run, epoch)
        except (Fenced, Refusal) as stale:
            log.info("run %s is no longer ours; what it found is dropped: %s", run, stale)
        finally:
            self._claims.done(audit_id)

    def _gated(self, audit: Audit, offer: ClaimableRun) -> bool:
        """Whether another plan is being executed; a ONESHOT audit is cancelled then (rest 4.2)."""
        if audit.force:
            return False
        busy = next((p for p in self._read.open_plans() if p.state == PlanState.ONGOING), None)
        if busy is None:
            return False
        because = Cause(Reason.PLAN_IN_PROGRESS, {"plan": str(busy.plan_id)})
        if audit.audit_type is AuditType.ONESHOT:
            self._commands.run(
                self._metadata, lambda tx, ctx: tx.get(Audit, audit.id).cancel(ctx, because)
            )
        elif (run := audit.run) is None or _waits(audit, run, because):
            return True  # a plan may take a day; it need not be told a thousand times
        elif claimed := self._claims.take(audit.id, offer):
            try:
                self._claims.defer(audit.id, *claimed, because, self._patience.gate, tried=False)
            finally:
                self._claims.done(audit.id)
        return True

    # -- deciding --------------------------------------------------------------------------------

    def _decide(self, audit_id: UUID, run: UUID, epoch: int) -> None:
        audit = self._log.find(Audit, audit_id)
        if audit is None:
            raise NotFound("Audit", audit_id)
        try:
            strategy, parameters = self._strategy(audit)
            gathered = self._gatherer.gather(strategy, parameters, audit.scope)
        except (_Hopeless, CloudRefused, InputsUnavailable) as end:
            self._fail(audit_id, run, epoch, end.because)
        except InvalidValue as unfit:
            self._fail(audit_id, run, epoch, _unfit(unfit))
        except ModelStale as outage:
            self._retry(audit, run, epoch, outage.because)
        except CloudUnreachable as outage:
            self._retry(audit, run, epoch, _away(Reason.CLOUD_UNREACHABLE, outage))
        except MetricsUnavailable as outage:
            self._retry(audit, run, epoch, _away(Reason.METRICS_UNAVAILABLE, outage))
        except OUTAGES:
            raise
        except Exception as bug:
            log.exception("run %s: gathering failed", run)
            self._fail(audit_id, run, epoch, _internal(bug))
        else:
            self._solve(audit, run, epoch, strategy, parameters, gathered)

    def _strategy(self, audit: Audit) -> tuple[Strategy, dict[str, object]]:
        if audit.strategy is not None and audit.strategy not in self._strategies:
            raise _Hopeless(Cause(Reason.STRATEGY_UNKNOWN, {"strategy": audit.strategy}))
        try:
            strategy = choose_strategy(self._strategies, audit.goal, audit.strategy)
        except NoStrategyForGoal:
            because = Cause(Reason.NO_STRATEGY_FOR_GOAL, {"goal": audit.goal})
            raise _Hopeless(because) from None
        try:
            return strategy, self._complete(audit.parameters, strategy.parameters_schema)
        except InvalidValue as unfit:
            raise _Hopeless(_unfit(unfit)) from None

    def _solve(
        self,
        audit: Audit,
        run: UUID,
        epoch: int,
        strategy: Strategy,
        parameters: Mapping[str, object],
        gathered: CollectedInputs,
    ) -> None:
        record = make_record(
            code=self._code,
            goal=audit.goal,
            strategy=strategy.name,
            planner=strategy.planner,
            planner_options=self._planner_options,
            parameters=parameters,
            seed=run.int & 0xFFFFFFFF,
            scope=audit.scope,
            gathered=gathered,
        )
        digest = self._records.put(encode(record))
        self._commands.run(
            self._metadata,
            lambda tx, ctx: tx.get(Audit, audit.id).record_inputs(
                ctx, run, epoch, digest=digest, strategy=strategy.name
            ),
        )
        try:
            solution, planned = decide_again(record, strategy, self._planners[strategy.planner])
            proposal = self._proposal(audit, run, record, digest, solution, planned)
        except OUTAGES:
            raise
        except Exception as bug:
            log.exception("run %s: strategy %s failed", run, strategy.name)
            because = Cause(Reason.STRATEGY_FAILED, {"error": f"{type(bug).__name__}: {bug}"})
            self._fail(audit.id, run, epoch, because)
            return
        self._publish(audit.id, run, epoch, proposal)

    def _proposal(
        self,
        audit: Audit,
        run: UUID,
        record: DecisionRecord,
        digest: str,
        solution: Solution,
        planned: Sequence[PlannedAction],
    ) -> Proposal:
        goal = GOALS[self._strategies[record.strategy].goal]  # the audit may name another one
        explanation = DecisionExplanation(
            format=FORMAT,
            record=digest,
            actions=list(planned),
            rejections=list(solution.rejections),
            notes=list(solution.notes),
            indicators=dict(solution.indicators),
        )
        return Proposal(
            audit_id=audit.id,
            run_id=run,
            goal=audit.goal,
            strategy=record.strategy,
            planner=record.planner,
            record=digest,
            explanation=self._records.put(encode(explanation)),
            actions=tuple(planned),
            indicators=_indicators(goal, solution.indicators),
            global_efficacy=_global_efficacy(goal, solution.indicators),
            notes=solution.notes,
        )

    # -- ending a run ----------------------------------------------------------------------------

    def _publish(self, audit_id: UUID, run: UUID, epoch: int, proposal: Proposal) -> None:
        """The plan and the end of the run appear together, or neither does."""
        earlier = [plan.uuid for plan in self._read.recommended_plans(audit_id)]

        def decide(transaction: Transaction, ctx: Context) -> UUID:
            audit = transaction.get(Audit, audit_id)
            plan = ActionPlan.propose(ctx, proposal)
            audit.succeed_run(ctx, run, epoch, plan.id)
            transaction.add(plan)
            if audit.audit_type is AuditType.CONTINUOUS:
                _replace(transaction, ctx.correlated(run), earlier)
            if audit.auto_trigger and plan.state is PlanState.RECOMMENDED:
                plan.launch(ctx)
            return plan.id

        plan = self._commands.run(self._metadata, decide).value
        log.info("run %s published plan %s with %s actions", run, plan, len(proposal.actions))

    def _retry(self, audit: Audit, run: UUID, epoch: int, because: Cause) -> None:
        attempt = audit.run.attempt if audit.run is not None else 0
        if attempt >= self._patience.attempts:
            self._fail(audit.id, run, epoch, because)
            return
        pause = self._patience.after(attempt)
        log.warning("run %s: %s Next attempt in %.0f s.", run, because, pause)
        self._claims.defer(audit.id, run, epoch, because, pause, tried=True)

    def _fail(self, audit_id: UUID, run: UUID, epoch: int, because: Cause) -> None:
        log.error("run %s failed: %s", run, because)
        self._commands.run(
            self._metadata,
            lambda tx, ctx: tx.get(Audit, audit_id).fail_run(ctx, run, epoch, because),
        )


def decide_again(
    record: DecisionRecord, strategy: Strategy, planner: Planner
) -> tuple[Solution, Sequence[PlannedAction]]:
    """What a strategy and a planner make of a decision record: always the same."""
    solution = strategy.solve(record.inputs())
    return solution, planner.plan(solution)


def _waits(audit: Audit, run: Run, because: Cause) -> bool:
    """Whether the log says already that the run waits, and for just this."""
    return run.owner is None and run.not_before is not None and audit.because == because


def _replace(transaction: Transaction, ctx: Context, plans: Sequence[UUID]) -> None:
    for earlier in plans:
        plan = transaction.find(ActionPlan, earlier)
        if plan is not None and plan.state is PlanState.RECOMMENDED:
            plan.cancel(ctx, Cause(Reason.SUPERSEDED_BY_RUN))


def _indicators(goal: Goal, values: Mapping[str, float]) -> tuple[EfficacyIndicator, ...]:
    return tuple(
        EfficacyIndicator(known.name, known.description, known.unit, float(values[known.name]))
        for known in goal.efficacy.indicators
        if known.name in values
    )


def _global_efficacy(goal: Goal, values: Mapping[str, float]) -> tuple[EfficacyIndicator, ...]:
    return tuple(
        EfficacyIndicator(figure.name, figure.description, figure.unit, figure.value)
        for figure in global_efficacy(goal, values)
    )


def _unfit(value: InvalidValue) -> Cause:
    return Cause(Reason.PARAMETERS_INVALID, {"error": str(value)})


def _away(reason: Reason, outage: Exception) -> Cause:
    return Cause(reason, {"error": str(outage)})


def _internal(bug: Exception) -> Cause:
    return Cause(Reason.INTERNAL_ERROR, {"error": f"{type(bug).__name__}: {bug}"})


__all__ = ["DecisionEngine", "Parameters", "RunRetryPolicy", "decide_again"]
