"""Repeats recorded decisions and compares the results with what was published.

A decision record has all inputs of a run, and strategies are pure: so the same code makes the same
plan of it. If it does not, the code differs from the code that decided, and the record says which.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from application.kernel.json_values import json_value
from application.ports.clock import Clock
from application.ports.event_log import ReadOnlyLog
from application.ports.plugins import OptimizerOptions, Optimizers
from application.ports.records import RecordStore
from application.ports.strategy_runner import (
    STRATEGY_MEMORY_LIMIT,
    STRATEGY_NOT_STARTED,
    STRATEGY_PROCESS_LOST,
    STRATEGY_TIME_LIMIT,
    Computation,
    StrategyRunner,
    failure_of,
)
from application.records.decision import (
    DecisionExplanation,
    DecisionRecord,
    decode_explanation,
    decode_record,
    encode,
)
from application.replay.plan_diff import MoveChange, plan_changes, same_order
from application.replay.runs import RecordedRun, proposed
from domain.audits.reasons import WORKERS_LOST
from domain.kernel.reasons import Cause
from domain.plans.events import PlanProposed
from domain.plans.proposal import Proposal

MACHINE = frozenset(
    {
        STRATEGY_TIME_LIMIT,
        STRATEGY_MEMORY_LIMIT,
        STRATEGY_PROCESS_LOST,
        STRATEGY_NOT_STARTED,
        WORKERS_LOST,
    }
)
"""Reasons of failures that depend on the machine, not on the inputs."""


class Outcome(StrEnum):
    """The result of a verification."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    IMPOSSIBLE = "impossible"
    """The decision cannot be repeated: something that it needs is missing."""
    NO_DECISION = "no decision"
    """The run took no decision that could be repeated."""


@dataclass(frozen=True)
class CodeChange:
    """Something that the record names and that is different today.

    Attributes:
        what: such as ``strategy basic: version``.
        recorded, today: values as text; empty if there is none.
    """

    what: str
    recorded: str
    today: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.what}: {self.recorded or '-'} -> {self.today or '-'}"


@dataclass(frozen=True)
class RunVerification:
    """The verification of a run.

    Attributes:
        because: why the decision cannot be repeated, or that there was none.
        strategy: that decided; empty if none did.
        actions: number of actions of the published plan.
        digest: of the record with the published decision and its reasons.
        seconds: that the repetition took.
        moves: actions that differ.
        others: further differences, a line each.
        changes: what differs between the code that decided and this code.
    """

    run: RecordedRun
    outcome: Outcome
    because: str = ""
    strategy: str = ""
    actions: int = 0
    digest: str = ""
    seconds: float = 0.0
    moves: tuple[MoveChange, ...] = ()
    others: tuple[str, ...] = ()
    changes: tuple[CodeChange, ...] = ()

    @property
    def is_proof(self) -> bool:
        """Whether nothing speaks against the published decision."""
        return self.outcome in {Outcome.IDENTICAL, Outcome.NO_DECISION}


class Verifier:
    """Verifies runs.

    Args:
        log: has the runs and their plans.
        records: has the decision records.
        runner: repeats the computations.
        optimizers: the installed plug-ins, which the runner uses, too.
        options: of strategies and planners, in force today.
        code: version of Vigil.
        clock: measures the repetitions.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        records: RecordStore,
        runner: StrategyRunner,
        optimizers: Optimizers,
        options: OptimizerOptions,
        code: str,
        clock: Clock,
    ) -> None:
        self._log = log
        self._records = records
        self._runner = runner
        self._optimizers = optimizers
        self._options = options
        self._code = code
        self._clock = clock

    def verify(self, run: RecordedRun) -> RunVerification:
        """Repeats the decision of a run and compares."""
        if run.record is None:
            return RunVerification(run, Outcome.NO_DECISION, _without_record(run))
        if not run.ended:
            return RunVerification(run, Outcome.NO_DECISION, "it published nothing so far")
        plan = None if run.plan is None else proposed(self._log, run.plan)
        if run.plan is not None and plan is None:
            return RunVerification(run, Outcome.IMPOSSIBLE, f"the log has no plan {run.plan}")
        try:
            content = self._records.get(run.record if plan is None else plan.record)
            record = decode_record(content)
            stored = (
                None if plan is None else decode_explanation(self._records.get(plan.explanation))
            )
        except (KeyError, ValueError) as lost:
            return RunVerification(run, Outcome.IMPOSSIBLE, f"a record cannot be read: {lost}")
        missing = self._missing(record)
        if missing:
            return RunVerification(
                run, Outcome.IMPOSSIBLE, missing, record.strategy, changes=self._changes(record)
            )
        return self._compared(run, record, content, plan, stored)

    def _compared(
        self,
        run: RecordedRun,
        record: DecisionRecord,
        content: bytes,
        plan: PlanProposed | None,
        stored: DecisionExplanation | None,
    ) -> RunVerification:
        began = self._clock.monotonic()
        result = self._repeated(content)
        seconds = self._clock.monotonic() - began
        if isinstance(result, Cause) and result.reason in MACHINE:
            return RunVerification(run, Outcome.IMPOSSIBLE, str(result), record.strategy)
        if run.failure is not None and run.failure.reason in MACHINE:
            because = f"its end says nothing about its inputs: {run.failure}"
            return RunVerification(run, Outcome.NO_DECISION, because, record.strategy)
        moves: list[MoveChange] = []
        others: list[str] = []
        if plan is not None and stored is not None and isinstance(result, Computation):
            moves, others = _differences(plan, stored, result)
        elif _ending(run.failure, plan) != _ending(result, None):
            others = [f"end: {_ending(run.failure, plan)} -> {_ending(result, None)}"]
        if (moves or others) and _plain(self._repeated(content)) != _plain(result):
            others.append(f"strategy {record.strategy} gives another result each time")
        return RunVerification(
            run,
            Outcome.DIFFERENT if moves or others else Outcome.IDENTICAL,
            "" if run.failure is None else str(run.failure),
            strategy=record.strategy,
            actions=0 if plan is None else len(plan.actions),
            digest="" if plan is None else plan.explanation,
            seconds=seconds,
            moves=tuple(moves),
            others=tuple(others),
            changes=self._changes(record),
        )

    def _repeated(self, content: bytes) -> Computation | Cause:
        try:
            return self._runner.run(content)
        except Exception as error:  # noqa: BLE001 - a failure is a result, too
            return failure_of(error)

    def _missing(self, record: DecisionRecord) -> str:
        if record.strategy not in self._optimizers.every_strategy:
            return f"strategy {record.strategy} is not installed"
        if record.planner not in self._optimizers.every_planner:
            return f"planner {record.planner} is not installed"
        return ""

    def _changes(self, record: DecisionRecord) -> tuple[CodeChange, ...]:
        found = [CodeChange("Vigil: version", record.code, self._code)]
        today = self._optimizers.identities
        for was in record.plugins:
            name, now = f"{was.kind} {was.name}", today.get((was.kind, was.name))
            version = "" if now is None else f"{now.distribution} {now.version}"
            found += [
                CodeChange(f"{name}: version", f"{was.distribution} {was.version}", version),
                CodeChange(f"{name}: code", was.digest, "" if now is None else now.digest),
            ]
        for engine in record.engines:
            installed = self._optimizers.engines.get(engine.name)
            version = "" if installed is None else str(installed.version)
            found.append(
                CodeChange(f"scoring engine {engine.name}: version", str(engine.version), version)
            )
        strategy = self._options.strategies.get(record.strategy)
        planner = self._options.planners.get(record.planner)
        found += _options(f"strategy {record.strategy}", record.strategy_options, strategy)
        found += _options(f"planner {record.planner}", record.planner_options, planner)
        return tuple(one for one in found if one.recorded != one.today)


def _options(name: str, recorded: Mapping[str, Any], today: object) -> Iterator[CodeChange]:
    was, now = dict(_flat(recorded)), dict(_flat({} if today is None else json_value(vars(today))))
    for key in dict.fromkeys((*was, *now)):
        yield CodeChange(f"{name}: option {key}", was.get(key, ""), now.get(key, ""))


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)


def _without_record(run: RecordedRun) -> str:
    if run.failure is not None:
        return f"it failed before its inputs were recorded: {run.failure}"
    if run.plan is not None:
        return "no strategy computed its plan"
    return "its inputs are not recorded"


def _ending(result: object, plan: PlanProposed | None) -> str:
    if isinstance(result, Cause):
        return f"failed: {result}"
    count = len(result.actions) if isinstance(result, Computation) else 0
    return f"{len(plan.actions) if plan is not None else count} actions"


def _plain(result: Computation | Cause) -> Any:
    return json_value(result)


def _differences(
    plan: PlanProposed, stored: DecisionExplanation, result: Computation
) -> tuple[list[MoveChange], list[str]]:
    """What differs between the published plan and a computation."""
    now = decode_explanation(encode(DecisionExplanation.of(stored.record, result)))
    after = Proposal(plan.audit_id, plan.run_id, "", "", "", "", "", tuple(now.actions)).specs(
        plan.originator_id
    )
    moves = plan_changes(plan.actions, after)
    others = list(_remarks(stored, now))
    if not moves and not same_order(plan.actions, after):
        others.append("the order of the actions")
    published = {one.name: one.value for one in plan.indicators}
    for name, value in now.indicators.items():
        before = published.get(name, stored.indicators.get(name))
        if before != value:
            others.append(f"indicator {name}: {before} -> {value}")
    return moves, others


def _remarks(stored: DecisionExplanation, now: DecisionExplanation) -> Iterator[str]:
    for what, before, after in (
        ("note", stored.notes, now.notes),
        ("rejection", stored.rejections, now.rejections),
    ):
        for number, (old, new) in enumerate(zip_longest(before, after), start=1):
            if old != new:
                yield f"{what} {number}: {_said(old)} -> {_said(new)}"
                break  # one that is inserted shifts all others
    if stored.rejection_count not in {0, now.rejection_count}:
        yield f"rejections: {stored.rejection_count} -> {now.rejection_count}"


def _said(remark: Any) -> str:
    if remark is None:
        return "-"
    return str(remark) if isinstance(remark, Cause) else f"{remark.subject}: {remark.because}"
