"""`vigil cluster export`: writes a cluster file of a live cloud."""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from application.ports.metrics import MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.anonymise import anonymised
from domain.cluster.formats.cluster_file import write_cluster
from domain.cluster.formats.portable import Values
from domain.metrics.catalogue import MetricNeed
from domain.optimization.strategy import Strategy
from infrastructure.clock import SystemClock
from infrastructure.plugins import Registry
from interfaces.bootstrap.collectors import LiveCloud, live_cloud
from interfaces.cli.cloud import cloud_required, locate_cloud
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_line

LOG = logging.getLogger(__name__)
REMARKS = 10
"""Number of excluded records to name; the rest is counted."""


@dataclass(frozen=True)
class Export:
    """A cluster file.

    Attributes:
        data: its contents.
        remarks: records that were excluded and metrics that are missing, as lines of text.
    """

    data: dict[str, Any]
    hosts: int
    servers: int
    remarks: tuple[str, ...]


def run_export(args: argparse.Namespace) -> int:
    """Reads the cloud and writes the cluster file.

    Raises:
        CloudUnreachable, CloudRefused: the cloud cannot be read completely.
        CommandFailed: the file cannot be written.
    """
    settings = locate_cloud(args).settings
    registry = Registry()
    with cloud_required(settings.cloud), live_cloud(settings, registry) as cloud:
        needs = () if args.no_metrics else wanted(registry.optimizers.strategies)
        found = _read(cloud, needs, anonymise=args.anonymise)
    if not args.anonymise:
        found.data["meta"]["cloud"] = settings.cloud.name
    _write(found, args.out)
    for remark in found.remarks:
        print_line(f"vigil: {remark}", file=sys.stderr)
    return 0


def _write(found: Export, out: Path | None) -> None:
    text = json.dumps(found.data, indent=1)
    if out is None:
        print(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written: {error.strerror}") from error
    print_line(f"{found.hosts} hosts and {found.servers} servers written to {out}", file=sys.stderr)


def _read(cloud: LiveCloud, needs: Sequence[MetricNeed], *, anonymise: bool) -> Export:
    at = SystemClock().now()
    rows = cloud.compute.collect()
    model, quarantined = ComputeModel.build(
        rows.hosts, rows.servers, rows.groups, rows.aggregates, rows.aside
    )
    remarks = [str(one) for one in rows.problems]
    remarks += [f"{one.kind} {one.id} is excluded: {one.because}" for one in quarantined]
    if len(remarks) > REMARKS:
        remarks[REMARKS:] = [f"{len(remarks) - REMARKS} more records were excluded"]
    metrics: Values = {}
    if needs:
        metrics, problems = _measured(cloud, model, needs)
        remarks += problems
    if anonymise:
        model, metrics = anonymised(model, metrics)
    meta = {
        "vigil": version("vigil-optimizer"),
        "collected_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "anonymised": anonymise,
    }
    data = write_cluster(model, metrics, meta)
    servers = len(model.servers) + len(model.unplaced)
    return Export(data, len(model.hosts), servers, tuple(remarks))


def _measured(
    cloud: LiveCloud, model: ComputeModel, needs: Sequence[MetricNeed]
) -> tuple[Values, list[str]]:
    """The values of some metrics, and problems."""
    try:
        fetched = cloud.metrics.fetch(needs, model)
    except MetricsUnavailable as outage:
        return {}, [f"no metrics: {outage}"]
    found: Values = {}
    for need, column in fetched.table.values.items():
        ids = model.hosts.id if need.resource == "host" else model.servers.id
        values = {ids[row]: float(column[row]) for row in np.flatnonzero(~np.isnan(column))}
        found.setdefault(need.name, {}).update(values)
    return found, [str(one) for one in fetched.problems]


def wanted(strategies: Mapping[str, Strategy[Any]]) -> tuple[MetricNeed, ...]:
    """The metrics that any strategy needs with its default parameters.

    One need per metric: that of the first strategy, in order of names, that needs it.
    """
    found: dict[str, MetricNeed] = {}
    for _, strategy in sorted(strategies.items()):
        for need in strategy.requirements(strategy.parameters()).metrics:
            found.setdefault(need.name, need)
    return tuple(found.values())
