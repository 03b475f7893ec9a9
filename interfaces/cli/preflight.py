"""Whether what a strategy measures can be had for the cloud: a row per metric."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence

from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.metrics import MetricCheck, MetricsUnavailable
from application.replay.travel import plain
from domain.cluster.compute import ComputeModel
from domain.optimization.metrics import MetricNeed
from domain.optimization.strategy import Strategy
from interfaces.bootstrap.models import live_cloud
from interfaces.cli.cloud import locate_cloud
from interfaces.cli.errors import CommandFailed
from interfaces.cli.wording import age

OUTAGES = (CloudUnreachable, CloudRefused, MetricsUnavailable)


def check(args: argparse.Namespace, strategy: Strategy, parameters: Mapping[str, object]) -> int:
    """Prints the rows; returns 1 if a required metric is missing.

    Raises:
        CommandFailed: the cloud or the datasource does not answer.
    """
    needs = strategy.metrics(parameters)
    try:
        with live_cloud(locate_cloud(args).settings) as cloud:
            rows = cloud.compute.collect()
            model, _ = ComputeModel.build(rows.hosts, rows.servers, rows.groups, rows.aggregates)
            source = cloud.metrics.of(strategy.name)
            checks = source.preflight(needs, model) if needs else ()
    except OUTAGES as error:
        raise CommandFailed(str(error)) from error
    ready = not missing(needs, checks)
    if args.json:
        print(json.dumps(as_json(strategy.name, source.name, needs, checks), indent=2))
    else:
        for line in lines(strategy.name, source.name, needs, checks):
            print(line)
    return 0 if ready else 1


def missing(needs: Sequence[MetricNeed], checks: Sequence[MetricCheck]) -> list[str]:
    """Metrics that are required and not present."""
    pairs = zip(needs, checks, strict=True)
    return [need.name for need, found in pairs if need.required and not found.present]


def as_json(
    strategy: str, source: str, needs: Sequence[MetricNeed], checks: Sequence[MetricCheck]
) -> dict[str, object]:
    """Everything."""
    rows = [
        {**plain(found), "present": found.present, "required": need.required}
        for need, found in zip(needs, checks, strict=True)
    ]
    absent = missing(needs, checks)
    return {
        "strategy": strategy,
        "datasource": source,
        "ready": not absent,
        "missing": absent,
        "metrics": rows,
    }


def lines(
    strategy: str, source: str, needs: Sequence[MetricNeed], checks: Sequence[MetricCheck]
) -> Iterator[str]:
    """For people."""
    if not needs:
        yield f"{strategy} needs no metrics"
        return
    yield (
        f"{'metric':<24} {'of':<7} {'required':<9} {'present':<8} {'unit':<5} "
        f"{'known':>13} {'range':>21} {'age':>5}"
    )
    for need, found in zip(needs, checks, strict=True):
        known = f"{found.known} of {found.total}"
        yield (
            f"{need.name:<24} {need.resource:<7} {_said(need.required):<9} "
            f"{_said(found.present):<8} {found.unit or '-':<5} {known:>13} "
            f"{_range(found):>21} {_age(found):>5}"
        )
        for problem in found.problems:
            yield f"  {problem}"
    absent = missing(needs, checks)
    told = f"lacks {', '.join(absent)}" if absent else "has what it requires"
    yield f"{strategy} {told} (datasource: {source})"


def _said(yes: bool) -> str:  # noqa: FBT001 - it is what is said
    return "yes" if yes else "no"


def _range(found: MetricCheck) -> str:
    if found.least is None or found.most is None:
        return "-"
    return f"{found.least:.4g} to {found.most:.4g}"


def _age(found: MetricCheck) -> str:
    return "-" if found.age is None else age(found.age)
