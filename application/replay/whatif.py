"""Forks a recorded decision: changes one input, decides again, and compares the two plans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from application.kernel.typed_values import typed
from application.ports.plugins import OptimizerOptions, Optimizers
from application.ports.records import RecordStore
from application.ports.strategy_runner import Computation, StrategyRunner, failure_of
from application.records.decision import (
    DecisionExplanation,
    DecisionRecord,
    decode_explanation,
    decode_record,
    encode,
)
from application.replay.plan_diff import MoveChange, plan_changes
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.scope.compute import ComputeScope
from domain.cluster.scope.operator_rules import AmbiguousName, parse_rules, resolve_rules
from domain.cluster.scope.parser import Names
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed, MetricTable
from domain.optimization.goals import global_efficacy
from domain.optimization.returning import Return
from domain.optimization.selection import choose_strategy
from domain.optimization.strategy import COMPUTE_ONLY, Strategy
from domain.plans.events import PlanProposed
from domain.plans.proposal import PlannedAction, Proposal
from domain.plans.verification import verify_plan

Complete = Callable[[JsonObject, JsonObject], JsonObject]
"""Adds the defaults of a schema (first) to parameters; raises InvalidValue if they break it."""
KINDS = ("apart", "together", "fences", "bans")
"""Kinds of operator rules, as the fields of ``OperatorRules``."""


@dataclass(frozen=True)
class Variation:
    """What is changed.

    Attributes:
        parameters: of the strategy, by name; the others stay.
        strategy: another strategy; parameters that it does not have are dropped.
        without_hosts: hosts that are outside the scope of the decision.
        rules: further operator rules, as in docs/constraints.md.
        without_rules: operator rules to drop: ``bans`` (all of a kind) or ``bans[0]``.
    """

    parameters: Mapping[str, object] = field(default_factory=dict)
    strategy: str | None = None
    without_hosts: tuple[str, ...] = ()
    rules: object = None
    without_rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanFigures:
    """A plan in figures.

    Attributes:
        strategy: that made it.
        actions: their number; migrations: of these.
        indicators, efficacy: the strategy's indicators, the goal's figures.
        violations: placement rules of the fork that the plan breaks.
        failure: why there is no plan; empty if there is one.
    """

    strategy: str
    actions: int = 0
    migrations: int = 0
    indicators: Mapping[str, float] = field(default_factory=dict)
    efficacy: Mapping[str, float | None] = field(default_factory=dict)
    violations: int = 0
    failure: str = ""


@dataclass(frozen=True)
class Fork:
    """Both plans side by side.

    Attributes:
        before: the published plan; after: that of the fork.
        moves: actions that differ.
        notes: remarks on the variation and on the plan of the fork.
    """

    before: PlanFigures
    after: PlanFigures
    moves: tuple[MoveChange, ...]
    notes: tuple[str, ...]


class Forker:
    """Forks recorded decisions; nothing is stored.

    Args:
        records: has the decision records.
        runner: computes the forks.
        optimizers: the installed plug-ins, which the runner uses, too.
        options: of strategies and planners, for a strategy that the record does not name.
        complete: completes and checks parameters.
    """

    def __init__(
        self,
        records: RecordStore,
        runner: StrategyRunner,
        optimizers: Optimizers,
        options: OptimizerOptions,
        complete: Complete,
    ) -> None:
        self._records = records
        self._runner = runner
        self._optimizers = optimizers
        self._options = options
        self._complete = complete

    def fork(self, plan: PlanProposed, variation: Variation) -> Fork:
        """Decides again with a variation.

        Raises:
            KeyError, ValueError: a record of the plan is lost or damaged.
            InvalidValue: the variation is invalid, or needs what the record does not have.
        """
        record = decode_record(self._records.get(plan.record))
        stored = decode_explanation(self._records.get(plan.explanation))
        changed, notes = self._varied(record, variation)
        before = self._figures(record.strategy, stored.actions, stored.indicators, changed)
        before = replace(before, efficacy={one.name: one.value for one in plan.global_efficacy})
        try:
            found = self._runner.run(encode(changed))
        except Exception as error:  # noqa: BLE001 - that there is no plan is a result, too
            after = PlanFigures(changed.strategy, failure=str(failure_of(error)))
            return Fork(before, after, (), notes)
        return self._compared(plan, changed, before, found, notes)

    def _compared(
        self,
        plan: PlanProposed,
        changed: DecisionRecord,
        before: PlanFigures,
        found: Computation,
        notes: tuple[str, ...],
    ) -> Fork:
        now = decode_explanation(encode(DecisionExplanation.of("", found)))
        after = self._figures(changed.strategy, now.actions, now.indicators, changed)
        specs = Proposal(plan.audit_id, plan.run_id, "", "", "", "", "", tuple(now.actions)).specs(
            plan.originator_id
        )
        moves = tuple(plan_changes(plan.actions, specs, in_full=False))
        return Fork(before, after, moves, (*notes, *map(str, now.notes)))

    def _figures(
        self,
        strategy: str,
        actions: Sequence[PlannedAction],
        indicators: Mapping[str, float],
        changed: DecisionRecord,
    ) -> PlanFigures:
        model = ComputeModel.from_columns(changed.model)
        known = self._optimizers.strategies.get(strategy)
        goal = None if known is None else self._optimizers.goals.get(known.goal)
        figures = () if goal is None else global_efficacy(goal, indicators)
        broken = verify_plan(
            model,
            actions,
            placement=changed.placement,
            start=changed.start,
            action_types=self._optimizers.action_types,
        )
        return PlanFigures(
            strategy,
            len(actions),
            sum(one.action.type == "migrate" for one in actions),
            indicators,
            {one.name: one.value for one in figures},
            len(broken),
        )

    # -- the record with the variation -----------------------------------------------------------

    def _varied(
        self, record: DecisionRecord, variation: Variation
    ) -> tuple[DecisionRecord, tuple[str, ...]]:
        model = ComputeModel.from_columns(record.model)
        operator, notes = _rules(record.placement.operator, variation, model)
        changed = msgspec.structs.replace(
            record, placement=replace(record.placement, operator=operator)
        )
        if variation.without_hosts:
            changed, unknown = _without_hosts(changed, model, variation.without_hosts)
            notes = (*notes, *unknown)
        return self._with_strategy(changed, variation), tuple(map(str, notes))

    def _with_strategy(self, record: DecisionRecord, variation: Variation) -> DecisionRecord:
        strategies = self._optimizers.strategies
        if record.strategy == Return.name:
            if variation.strategy or variation.parameters:
                why = "a return plan undoes what happened; only hosts and rules can be changed"
                raise InvalidValue("strategy" if variation.strategy else "parameters", why)
            return record
        name = variation.strategy or record.strategy
        strategy = choose_strategy(strategies, "", name)
        given: JsonObject = dict(record.parameters)
        if name != record.strategy:
            record = msgspec.structs.replace(
                record,
                strategy=strategy.name,
                planner=strategy.planner,
                strategy_options=vars(self._options.strategies[strategy.name]),
                planner_options=vars(self._options.planners[strategy.planner]),
            )
            known = strategy.parameters_schema.get("properties", {})
            given = {key: value for key, value in given.items() if key in known}  # type: ignore[operator]
        whole = self._complete(strategy.parameters_schema, {**given, **variation.parameters})
        _require_inputs(record, strategy, whole)
        return msgspec.structs.replace(record, parameters=whole)


def _require_inputs(record: DecisionRecord, strategy: Strategy[Any], given: JsonObject) -> None:
    """Raises InvalidValue if a strategy needs what the record does not have."""
    required = strategy.requirements(typed(given, strategy.parameters))
    there = MetricTable.from_columns(record.metrics).values
    metrics = [need for need in required.metrics if need not in there]
    missing = [f"metric {need.name} over {need.period:g} s" for need in metrics]
    models = {"storage": record.storage, "baremetal": record.baremetal}
    missing += [f"{kind} model" for kind in required.models - COMPUTE_ONLY if models[kind] is None]
    engines = {one.name for one in record.engines}
    missing += [f"scoring engine {name}" for name in required.engines if name not in engines]
    if missing:
        what = ", ".join(sorted(missing))
        raise InvalidValue("strategy", f"{strategy.name} needs what was not recorded: {what}")


def _rules(
    recorded: OperatorRules, variation: Variation, model: ComputeModel
) -> tuple[OperatorRules, tuple[Cause, ...]]:
    kept = {kind: list(getattr(recorded, kind)) for kind in KINDS}
    for word in variation.without_rules:
        kind, bracket, place = word.partition("[")
        number = place.removesuffix("]")
        if kind not in kept or (bracket and not number.isdecimal()):
            raise InvalidValue("without_rules", f"{word} is not of the form bans or bans[0]")
        if not kept[kind] or (bracket and int(number) >= len(getattr(recorded, kind))):
            count = len(getattr(recorded, kind))
            raise InvalidValue("without_rules", f"{word}: the record has {count} {kind}")
        dropped = [getattr(recorded, kind)[int(number)]] if bracket else list(kept[kind])
        kept[kind] = [rule for rule in kept[kind] if rule not in dropped]
    rules = OperatorRules(**{kind: tuple(found) for kind, found in kept.items()})
    if variation.rules is None:
        return rules, ()
    try:
        resolved = resolve_rules(parse_rules("", variation.rules), model)
    except AmbiguousName as ambiguous:
        raise InvalidValue("rules", str(ambiguous)) from ambiguous
    return rules | resolved.rules, resolved.notes


def _without_hosts(
    record: DecisionRecord, model: ComputeModel, hosts: tuple[str, ...]
) -> tuple[DecisionRecord, tuple[Cause, ...]]:
    scope = ComputeScope(without_hosts=Names(names=frozenset(hosts)))
    smaller, selection = scope.apply(model, record.placement.operator)
    metrics = MetricTable.from_columns(record.metrics)
    changed = msgspec.structs.replace(
        record,
        model=smaller.to_columns(),
        metrics=_aligned(metrics, model, smaller).to_columns(),
    )
    return changed, selection.notes


def _aligned(metrics: MetricTable, before: ComputeModel, after: ComputeModel) -> MetricTable:
    """The metrics of a smaller model."""

    def column(need: MetricNeed, values: Any) -> Any:
        if need.resource not in {"host", "server"}:
            return values
        old, new = (
            (one.hosts.id if need.resource == "host" else one.servers.id) for one in (before, after)
        )
        places = {identity: place for place, identity in enumerate(old)}
        return values[[places[identity] for identity in new]]

    return MetricTable({need: column(need, values) for need, values in metrics.values.items()})
