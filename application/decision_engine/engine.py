"""Turns a requested run into a published action plan.

The steps follow in this file in the same order: claim the run, load its inputs (models and
metrics), record them, solve (strategy), plan (planner), publish.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

from application.decision_engine.decisions import DecisionRecorder, SearchSettings
from application.decision_engine.inputs import InputLoader, InputsUnavailable, ModelStale
from application.decision_engine.returns import OUTAGES, ReturnPlans
from application.decision_engine.run_claims import STOP_TIMEOUT, RunClaim, RunClaims
from application.decision_engine.strategies import RunStrategies, StrategyMissing
from application.kernel.action_parameters import check_requested
from application.kernel.retry import RetryPolicy
from application.kernel.typed_values import typed
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.cloud import (
    ActionHandler,
    CloudRefused,
    CloudUnreachable,
    cause_of,
    correlated,
)
from application.ports.event_log import EventLog
from application.ports.metrics import MetricsUnavailable
from application.ports.plugins import OptimizerOptions, Optimizers
from application.ports.read_models import ReadModels
from application.ports.records import RecordStore
from application.ports.services import Instance, ServiceRegistry
from application.ports.strategy_runner import (
    Computation,
    RunnerStopped,
    StrategyRunner,
    failure_of,
)
from application.records.decision import (
    DecisionRecord,
    encode,
)
from application.workers.claims import Claimable
from domain.audits import Audit, AuditType, Run
from domain.audits.reasons import PARAMETERS_INVALID, PLAN_IN_PROGRESS
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Fenced, InvalidValue, NotFound, Refusal
from domain.kernel.metadata import Context, Metadata, component
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import METRICS_UNAVAILABLE
from domain.optimization.context import P
from domain.optimization.goals import Goal, global_efficacy
from domain.optimization.scoring import SCORING_ENGINE_MISSING, EngineIdentity
from domain.optimization.strategy import Strategy
from domain.plans import ActionPlan, EfficacyIndicator, PlanState, Proposal
from domain.plans.reasons import SUPERSEDED_BY_RUN

log = logging.getLogger(__name__)

OUTAGE_RETRY = RetryPolicy(first_pause=5.0, longest_pause=300.0, attempts=11)
"""A run is deferred at most ten times."""

Parameters = Callable[[Mapping[str, object], Mapping[str, object]], dict[str, object]]
"""Adds a schema's defaults to parameters; raises InvalidValue if they break the schema."""


@dataclass(frozen=True)
class RunPolicy:
    """How often and when a run is tried again.

    Attributes:
        retry: while the cloud, the metrics or an engine with the strategy are missing.
        plan_wait: seconds that a run is deferred while another plan is being executed; after that
            each sweep checks again.
        max_losses: workers that may be lost over one run before it fails.
    """

    retry: RetryPolicy = OUTAGE_RETRY
    plan_wait: float = 10.0
    max_losses: int = 3


class DecisionEngine:
    """Processes the open run of an audit if this instance may claim it."""

    def __init__(  # noqa: PLR0913 - its collaborators
        self,
        *,
        log: EventLog,
        commands: Commands,
        read: ReadModels,
        records: RecordStore,
        services: ServiceRegistry,
        inputs: InputLoader,
        optimizers: Optimizers,
        runner: StrategyRunner,
        options: OptimizerOptions,
        handlers: Mapping[str, ActionHandler],
        search: SearchSettings,
        complete: Parameters,
        clock: Clock,
        instance: Instance,
        code: str,
        policy: RunPolicy,
    ) -> None:
        self._log = log
        self._commands = commands
        self._read = read
        self._inputs = inputs
        self._goals = optimizers.goals
        self._strategies = optimizers.strategies
        self._run_strategies = RunStrategies(log, services, optimizers)
        self._engines = optimizers.engines
        self._schemas = {name: one.schema for name, one in optimizers.action_types.items()}
        self._runner = runner
        self._recorder = DecisionRecorder(records, optimizers, options, search, code)
        self._complete = complete
        self._clock = clock
        self._policy = policy
        self._metadata = Metadata(component("decision-engine", instance.id))
        self._returns = ReturnPlans(
            log,
            commands,
            read,
            inputs,
            runner,
            self._recorder,
            handlers,
            clock,
            self._metadata,
            patience=policy.retry.patience,
        )
        self._claims = RunClaims(
            commands, services, clock, instance, self._metadata, limit=policy.max_losses
        )

    def sweep(self) -> list[UUID]:
        """Audits with a run that is due, with or without an owner, and plans to be returned."""
        runs = self._read.open_runs(self._clock.now())
        return [*(run.audit_id for run in runs), *self._returns.sweep()]

    def release_at_stop(self, stop: threading.Event, timeout: float = STOP_TIMEOUT) -> None:
        """Waits for ``stop``, then gives back and ends runs that take over ``timeout`` s more."""
        stop.wait()
        self._claims.close(timeout)
        self._runner.close()

    def process(self, key: UUID, claimed: Callable[[], None] = lambda: None) -> None:
        """Makes what is requested: the plan of an audit's open run, or the return plan of a plan.

        Args:
            key: the audit, or the plan.
            claimed: called when the run is claimed.
        """
        audit = self._log.find(Audit, key)
        if audit is None:
            self._returns.process(key)
        else:
            self._process(audit, claimed)

    def _process(self, audit: Audit, claimed: Callable[[], None]) -> None:
        if audit.run is None:
            return
        found = self._claims.claimable(audit.run)
        if found is None or self._run_strategies.are_elsewhere(audit):
            return
        if self._blocked_by_plan(audit, audit.run, found):
            return
        with self._claims.claim(audit.id, audit.run, found) as claim:
            if claim is None:
                return
            claimed()
            try:
                with correlated(claim.run_id):
                    self._decide(claim)
            except (Fenced, Refusal) as stale:
                log.info("run %s: its result is discarded: %s", claim.run_id, stale)

    def _blocked_by_plan(self, audit: Audit, run: Run, found: Claimable) -> bool:
        """Whether a plan is being executed; if so, cancels a ONESHOT audit or defers the run."""
        if audit.force:
            return False
        busy = next((p for p in self._read.open_plans() if p.state == PlanState.ONGOING), None)
        if busy is None:
            return False
        because = Cause(PLAN_IN_PROGRESS, {"plan": str(busy.plan_id)})
        if audit.audit_type is AuditType.ONESHOT:
            self._commands.run(
                self._metadata, lambda tx, ctx: tx.get(Audit, audit.id).cancel(ctx, because)
            )
        elif not _is_deferred(audit, run, because):  # else each sweep would append an event
            with self._claims.claim(audit.id, run, found) as claim:
                if claim is not None:
                    self._claims.defer(claim, because, self._policy.plan_wait, tried=False)
        return True

    # -- inputs → solution → plan ----------------------------------------------------------------

    def _decide(self, claim: RunClaim) -> None:
        audit = self._log.find(Audit, claim.audit_id)
        if audit is None:
            raise NotFound("Audit", claim.audit_id)
        try:
            strategy = self._run_strategies.of(audit)
            parameters = self._complete(audit.parameters, strategy.parameters_schema)
            given = typed(parameters, strategy.parameters)
            check_requested(strategy, given, lambda: self._schemas)
            engines = self._required_engines(strategy, given)
            inputs = self._inputs.load(strategy, given, audit.scope, audit.id)
        except (CloudRefused, InputsUnavailable) as end:
            self._fail(claim, end.because)
        except InvalidValue as invalid:
            self._fail(claim, Cause(PARAMETERS_INVALID, {"error": str(invalid)}))
        except (ModelStale, StrategyMissing) as outage:
            self._try_later(audit, claim, outage.because)
        except CloudUnreachable as outage:
            self._try_later(audit, claim, cause_of(outage))
        except MetricsUnavailable as outage:
            because = Cause(METRICS_UNAVAILABLE, {"error": str(outage)})
            self._try_later(audit, claim, because)
        except OUTAGES:
            raise
        except Exception as bug:
            log.exception("run %s: loading its inputs failed", claim.run_id)
            self._fail(claim, cause_of(bug))
        else:
            record = self._recorder.record(
                audit, claim.run_id, strategy, parameters, inputs, engines
            )
            self._solve(claim, record)

    def _required_engines(self, strategy: Strategy[P], given: P) -> tuple[EngineIdentity, ...]:
        names = strategy.requirements(given).engines
        for name in names:
            if name not in self._engines:
                facts: JsonObject = {"strategy": strategy.name, "engine": name}
                raise InputsUnavailable(Cause(SCORING_ENGINE_MISSING, facts))
        return tuple(self._engines[name].identity for name in names)

    def _solve(self, claim: RunClaim, record: DecisionRecord) -> None:
        content = encode(record)
        digest = self._recorder.records.put(content)
        self._commands.run(
            self._metadata,
            lambda tx, ctx: tx.get(Audit, claim.audit_id).record_inputs(
                ctx, claim.run_id, claim.epoch, digest=digest, strategy=record.strategy
            ),
        )
        try:
            found = self._runner.run(content)
            proposal = self._proposal(claim, record, digest, found)
        except OUTAGES:
            raise
        except RunnerStopped:
            self._claims.give_back(claim)
        except Exception as bug:
            because = failure_of(bug)
            if because.reason == PARAMETERS_INVALID:  # no defect: a traceback would not help
                log.warning("run %s: %s", claim.run_id, because)
            else:
                log.exception("run %s: strategy %s failed", claim.run_id, record.strategy)
            self._fail(claim, because)
        else:
            self._publish(claim, proposal)

    def _proposal(
        self, claim: RunClaim, record: DecisionRecord, digest: str, found: Computation
    ) -> Proposal:
        goal = self._goals[self._strategies[record.strategy].goal]  # the audit may name another one
        proposal = self._recorder.proposal(claim.audit_id, claim.run_id, record, digest, found)
        return replace(
            proposal,
            indicators=_indicators(goal, found.indicators),
            global_efficacy=global_efficacy(goal, found.indicators),
        )

    # -- outcome of the run ----------------------------------------------------------------------

    def _publish(self, claim: RunClaim, proposal: Proposal) -> None:
        """Appends the plan and the end of the run in one transaction."""
        earlier = [plan.uuid for plan in self._read.recommended_plans(claim.audit_id)]

        def decide(transaction: Transaction, ctx: Context) -> UUID:
            audit = transaction.get(Audit, claim.audit_id)
            plan = ActionPlan.propose(ctx, proposal)
            audit.succeed_run(ctx, claim.run_id, claim.epoch, plan.id)
            transaction.add(plan)
            if audit.audit_type is AuditType.CONTINUOUS:
                _cancel_recommended(transaction, ctx.correlated(claim.run_id), earlier)
            if audit.auto_trigger and plan.state is PlanState.RECOMMENDED:
                plan.launch(ctx)
            return plan.id

        plan = self._commands.run(self._metadata, decide).value
        count = len(proposal.actions)
        log.info("run %s published plan %s with %s actions", claim.run_id, plan, count)

    def _try_later(self, audit: Audit, claim: RunClaim, because: Cause) -> None:
        deferrals = audit.run.attempt if audit.run is not None else 0
        pause = next(islice(self._policy.retry.delays(), deferrals, None), None)
        if pause is None:
            self._fail(claim, because)
            return
        log.warning("run %s: %s Next attempt in %.0f s.", claim.run_id, because, pause)
        self._claims.defer(claim, because, pause, tried=True)

    def _fail(self, claim: RunClaim, because: Cause) -> None:
        log.error("run %s failed: %s", claim.run_id, because)
        self._commands.run(
            self._metadata,
            lambda tx, ctx: tx.get(Audit, claim.audit_id).fail_run(
                ctx, claim.run_id, claim.epoch, because
            ),
        )


def _is_deferred(audit: Audit, run: Run, because: Cause) -> bool:
    """Whether the run is deferred already, for this very reason."""
    return run.owner is None and run.not_before is not None and audit.because == because


def _cancel_recommended(transaction: Transaction, ctx: Context, plans: Sequence[UUID]) -> None:
    for plan_id in plans:
        plan = transaction.find(ActionPlan, plan_id)
        if plan is None or plan.undoes is not None:  # a user asked for a return plan
            continue
        if plan.state is PlanState.RECOMMENDED:
            plan.cancel(ctx, Cause(SUPERSEDED_BY_RUN))


def _indicators(goal: Goal, values: Mapping[str, float]) -> tuple[EfficacyIndicator, ...]:
    return tuple(
        EfficacyIndicator(known.name, known.description, known.unit, float(values[known.name]))
        for known in goal.efficacy.indicators
        if known.name in values
    )
