"""`vigil strategy preflight`: the models and metrics that a strategy needs, and their state."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from application.cluster_models.kinds import (
    COMPUTE,
    KINDS,
    CollectedKind,
    M,
)
from application.kernel.json_values import json_value
from application.kernel.typed_values import typed
from application.ports.cloud import CloudCollector, CloudRefused, CloudUnreachable
from application.ports.metrics import MetricCheck, MetricsUnavailable
from domain.audits.reasons import MODEL_NOT_KEPT
from domain.cluster.kinds import ModelKind
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed
from domain.optimization.strategy import COMPUTE_ONLY, Strategy
from interfaces.bootstrap.collectors import LiveCloud, live_cloud
from interfaces.cli.cloud import cloud_required, locate_cloud
from interfaces.cli.errors import report_errors
from interfaces.cli.printing import print_line
from interfaces.terminal.wording import age, sizes

OUTAGES = (CloudUnreachable, CloudRefused, MetricsUnavailable)


@dataclass(frozen=True)
class ModelCheck:
    """Whether a model that the strategy needs can be collected.

    Attributes:
        sizes: number of elements by kind; empty if the collection failed.
        problems: number of excluded records.
        failure: why the collection failed; None if it did not.
    """

    kind: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    problems: int = 0
    failure: str | None = None


def check(
    args: argparse.Namespace, strategy: Strategy[Any], parameters: Mapping[str, object]
) -> int:
    """Prints the state of each model and metric; returns 1 if a required one is missing.

    Raises:
        CommandFailed: Nova or the datasource does not answer.
    """
    required = strategy.requirements(typed(parameters, strategy.parameters))
    needs = required.metrics
    kinds = sorted(required.models - COMPUTE_ONLY)
    with report_errors(*OUTAGES):
        settings = locate_cloud(args).settings
        with cloud_required(settings.cloud), live_cloud(settings, args.registry) as cloud:
            model, check = _collected(COMPUTE, cloud.compute)
            models = [check, *(_model(cloud, kind) for kind in kinds)]
            source = cloud.metrics.of(strategy.name)
            checks = source.preflight(needs, model) if needs else ()
    found = Preflight(strategy.name, source.name, tuple(models), needs, checks)
    if args.json:
        print(json.dumps(as_json(found), indent=2))
    else:
        for line in lines(found):
            print_line(line)
    return 0 if found.ready else 1


def _model(cloud: LiveCloud, kind: ModelKind) -> ModelCheck:
    source = cloud.collectors.get(kind)
    if source is None:
        because = Cause(MODEL_NOT_KEPT, {"kind": kind.value})
        return ModelCheck(kind.value, failure=str(because))
    try:
        return _collected(KINDS[kind], source)[1]
    except (CloudUnreachable, CloudRefused) as failure:
        return ModelCheck(kind.value, failure=str(failure))


def _collected(kind: CollectedKind[M], source: CloudCollector[Any]) -> tuple[M, ModelCheck]:
    model, problems, _ = kind.collect(source)
    return model, ModelCheck(kind.name.value, kind.sizes(model), len(problems))


@dataclass(frozen=True)
class Preflight:
    """The models and metrics that a strategy needs, checked.

    Attributes:
        source: name of the datasource.
        needs, checks: the metrics; same order.
    """

    strategy: str
    source: str
    models: tuple[ModelCheck, ...]
    needs: Sequence[MetricNeed]
    checks: Sequence[MetricCheck]

    @property
    def missing(self) -> list[str]:
        """Names of required metrics that are not present, of those with something to measure."""
        pairs = zip(self.needs, self.checks, strict=True)
        return [
            need.name
            for need, found in pairs
            if need.required and found.total and not found.present
        ]

    @property
    def missing_models(self) -> list[str]:
        """Kinds of models that could not be collected."""
        return [one.kind for one in self.models if one.failure is not None]

    @property
    def ready(self) -> bool:
        """Whether nothing that the strategy requires is missing."""
        return not self.missing and not self.missing_models


def as_json(found: Preflight) -> dict[str, object]:
    """The preflight as JSON."""
    rows = [
        {**json_value(seen), "present": seen.present, "required": need.required}
        for need, seen in zip(found.needs, found.checks, strict=True)
    ]
    return {
        "strategy": found.strategy,
        "datasource": found.source,
        "ready": found.ready,
        "missing": found.missing,
        "missing_models": found.missing_models,
        "models": [json_value(one) for one in found.models],
        "metrics": rows,
    }


def lines(found: Preflight) -> Iterator[str]:
    """The preflight as text."""
    for model in found.models:
        state = model.failure or sizes(model.sizes)
        excluded = f", {model.problems} records excluded" if model.problems else ""
        yield f"model {model.kind:<9} {state}{excluded}"
    if found.needs:
        yield from _metric_lines(found)
    else:
        yield f"{found.strategy} needs no metrics"
    absent = [*(f"the {kind} model" for kind in found.missing_models), *found.missing]
    verdict = f"lacks {', '.join(absent)}" if absent else "has what it requires"
    yield f"{found.strategy} {verdict}" + (f" (datasource: {found.source})" if found.needs else "")


def _metric_lines(found: Preflight) -> Iterator[str]:
    yield (
        f"{'metric':<24} {'of':<7} {'required':<9} {'present':<8} {'unit':<5} "
        f"{'known':>13} {'range':>21} {'age':>5}"
    )
    for need, seen in zip(found.needs, found.checks, strict=True):
        known = f"{seen.known} of {seen.total}"
        if not seen.total:
            yield (
                f"{need.name:<24} {need.resource:<7} {_yes_no(need.required):<9} "
                f"{known}: nothing to measure"
            )
            continue
        yield (
            f"{need.name:<24} {need.resource:<7} {_yes_no(need.required):<9} "
            f"{_yes_no(seen.present):<8} {seen.unit or '-':<5} {known:>13} "
            f"{_range(seen):>21} {_age(seen):>5}"
        )
        for problem in seen.problems:
            yield f"  {problem}"


def _yes_no(value: bool) -> str:  # noqa: FBT001 - the value to print
    return "yes" if value else "no"


def _range(found: MetricCheck) -> str:
    if found.least is None or found.most is None:
        return "-"
    return f"{found.least:.4g} to {found.most:.4g}"


def _age(found: MetricCheck) -> str:
    return "-" if found.age is None else age(found.age)
