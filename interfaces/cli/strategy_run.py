"""`vigil strategy run`: the plan of a strategy for a cluster file, its reasons and its cost."""

import gc
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from application.kernel.json_values import json_value
from application.ports.plugins import OptimizerOptions, Optimizers
from application.simulation.offline import OfflineResult, refused, solve_offline
from domain.kernel.reasons import Cause
from interfaces.terminal.wording import target

SHOWN = 20
"""Number of rejections, and of excluded records, to print as text."""
_MIB = 2**20


@dataclass(frozen=True)
class MeasuredRun:
    """The result of a strategy, and what the computation cost.

    Attributes:
        refused: why a run would not publish the plan; None if it would.
        cpu_seconds: of this process, from the parsed file to the finished plan.
        verification_seconds: of this process, for the verification of the plan.
        peak_memory_mib: peak memory of this process.
    """

    result: OfflineResult
    refused: Cause | None
    cpu_seconds: float
    verification_seconds: float
    peak_memory_mib: float


def run(
    optimizers: Optimizers,
    data: Mapping[str, object],
    strategy: str,
    parameters: Mapping[str, object],
    seed: int,
    rules: object = None,
    options: OptimizerOptions | None = None,
) -> MeasuredRun:
    """Runs a strategy and its planner, and verifies the plan.

    Raises:
        InvalidValue: the cluster file, or an operator rule, is invalid.
    """
    gc.freeze()  # the file's objects stay: the collector need not visit them again and again
    begun = time.process_time()
    result = solve_offline(
        optimizers, data, strategy, parameters, seed, rules=rules, options=options
    )
    planned = time.process_time()
    because = refused(optimizers, result)
    verified = time.process_time()
    return MeasuredRun(result, because, planned - begun, verified - planned, _peak())


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2) counts in bytes there, else KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB


def as_json(measured: MeasuredRun) -> dict[str, object]:
    """The run as JSON. ``actions``, ``reasons`` and ``parents`` are in plan order."""
    result = measured.result
    return {
        "strategy": result.strategy,
        "actions": result.actions(),
        "parents": [list(planned.parents) for planned in result.planned],
        "reasons": [json_value(planned.action.because) for planned in result.planned],
        "indicators": dict(result.indicators),
        "efficacy": [asdict(figure) for figure in result.efficacy],
        "rejections": [json_value(one) for one in result.rejections],
        "rejection_count": result.rejection_count,
        "notes": [json_value(one) for one in result.notes],
        "quarantined": [json_value(one) for one in result.quarantined],
        "refused": json_value(measured.refused),
        "cpu_seconds": round(measured.cpu_seconds, 3),
        "verification_cpu_seconds": round(measured.verification_seconds, 3),
        "peak_memory_mib": round(measured.peak_memory_mib, 1),
    }


def lines(measured: MeasuredRun) -> Iterator[str]:
    """The run as text."""
    result = measured.result
    for number, planned in enumerate(result.planned, start=1):
        action = planned.action
        what = target({"resource_id": action.resource_id, **action.parameters})
        yield f"{number:>4}  {action.type:<26} {what}  ({action.because})"
    if not result.planned:
        yield "nothing to do"
    for figure in result.efficacy:
        yield f"efficacy {figure.name}: {figure.value:g} {figure.unit}".rstrip()
    for name, value in result.indicators.items():
        yield f"indicator {name}: {value:g}"
    for note in result.notes:
        yield f"note {note}"
    yield from _some("rejected", [f"{r.subject}: {r.because}" for r in result.rejections])
    if result.rejection_count > len(result.rejections):
        yield f"rejected: {result.rejection_count} in all; the first ones are explained"
    yield from _some("excluded", [f"{q.kind} {q.id}: {q.because}" for q in result.quarantined])
    if measured.refused is not None:
        yield f"refused {measured.refused}"
    yield (
        f"{measured.cpu_seconds:.2f} s of CPU, {measured.verification_seconds:.2f} s for the "
        f"verification, {measured.peak_memory_mib:.0f} MiB at most"
    )


def _some(kind: str, texts: list[str]) -> Iterator[str]:
    for text in texts[:SHOWN]:
        yield f"{kind} {text}"
    if len(texts) > SHOWN:
        yield f"{kind}: {len(texts) - SHOWN} more (--json lists them)"
