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

from application.cluster_models.kinds import BAREMETAL, STORAGE, CollectedKind, M
from application.ports.cloud import CloudCollector, CloudRefused
from application.ports.metrics import MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.anonymise import Models, anonymised
from domain.cluster.formats.cluster_file import write_cluster
from domain.cluster.formats.portable import Values
from domain.cluster.kinds import ModelKind
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
        data: the JSON object.
        contents: how much of what it holds, in words.
        remarks: records that were excluded and metrics that are missing, as lines of text.
    """

    data: dict[str, Any]
    contents: str
    remarks: tuple[str, ...]


def run_export(args: argparse.Namespace) -> int:
    """Reads the cloud and writes the cluster file.

    Raises:
        CloudUnreachable, CloudRefused: the cloud cannot be read completely. (A cloud without block
            storage or bare metal, or that refuses to list them, gives a file without them.)
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
    print_line(f"{found.contents} written to {out}", file=sys.stderr)


def _read(cloud: LiveCloud, needs: Sequence[MetricNeed], *, anonymise: bool) -> Export:
    at = SystemClock().now()
    rows = cloud.compute.collect()
    model, quarantined = ComputeModel.build(
        rows.hosts, rows.servers, rows.groups, rows.aggregates, rows.aside
    )
    remarks = [str(one) for one in rows.problems]
    remarks += [f"{one.kind} {one.id} is excluded: {one.because}" for one in quarantined]
    storage, of_storage = _other(STORAGE, cloud.every[ModelKind.STORAGE])
    nodes, of_nodes = _other(BAREMETAL, cloud.every[ModelKind.BAREMETAL])
    remarks += [*of_storage, *of_nodes]
    if len(remarks) > REMARKS:
        remarks[REMARKS:] = [f"{len(remarks) - REMARKS} more records were excluded"]
    metrics: Values = {}
    if needs:
        metrics, problems = _measured(cloud, model, needs)
        remarks += problems
    models = Models(model, storage, nodes)
    if anonymise:
        models, metrics = anonymised(models, metrics)
    meta = {
        "vigil": version("vigil-optimizer"),
        "collected_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "anonymised": anonymise,
    }
    data = write_cluster(models.compute, metrics, meta, models.baremetal, models.storage)
    return Export(data, _contents(models), tuple(remarks))


def _other(kind: CollectedKind[M], source: CloudCollector[Any]) -> tuple[M | None, list[str]]:
    """The model of another kind and its problems; None if the cloud does not provide it."""
    try:
        model, problems, _ = kind.collect(source)
    except CloudRefused as refused:
        absent = refused.is_service_absent
        return None, [] if absent else [f"no {kind.name} model: {refused.because}"]
    return model, [str(one) for one in problems]


def _contents(models: Models) -> str:
    compute, storage, nodes = models.compute, models.storage, models.baremetal
    servers = len(compute.servers) + len(compute.unplaced)
    parts = [f"{len(compute.hosts)} hosts", f"{servers} servers"]
    if storage is not None:
        volumes = len(storage.volumes) + len(storage.unplaced)
        parts += [f"{len(storage.pools)} pools", f"{volumes} volumes"]
    if nodes is not None:
        parts.append(f"{len(nodes.nodes)} bare-metal nodes")
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


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
