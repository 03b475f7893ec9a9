"""Metrics from Prometheus (and from Aetos, which is Prometheus behind Keystone), in bulk."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import FloatArray
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import (
    INSTANCE_CPU_USAGE,
    INSTANCE_RAM_ALLOCATED,
    INSTANCE_ROOT_DISK_SIZE,
    METRIC_LABELS_FOREIGN,
    MetricNeed,
)
from infrastructure.datasources.bulk import (
    BulkSource,
    Reading,
    ambiguous,
    incomplete,
    read_in_parts,
)
from infrastructure.datasources.measures import unknown
from infrastructure.datasources.metric_map import Names, overridden
from infrastructure.datasources.names import matched
from infrastructure.datasources.prometheus_api import PrometheusApi
from infrastructure.datasources.promql import (
    SERIES,
    Labels,
    age_of,
    age_within_a_day,
    literally,
    mapping,
    only,
)

_FROM_MODEL: Mapping[str, Callable[[ComputeModel], FloatArray]] = {
    INSTANCE_RAM_ALLOCATED: lambda model: model.servers.memory_mb.astype(np.float64),
    INSTANCE_ROOT_DISK_SIZE: lambda model: model.servers.disk_gb.astype(np.float64),
}
_PROBE = "count(up)"
_EXAMPLES = 3
"""Values of a label that a problem names."""


class PrometheusSource(BulkSource):
    """One query per metric for the whole model.

    Args:
        api: the query API.
        labels: names of labels.
        name: ``prometheus`` or ``aetos``.
        names: the operator's names of raw series, where they are not the defaults.
    """

    def __init__(
        self,
        api: PrometheusApi,
        labels: Labels | None = None,
        name: str = "prometheus",
        names: Names | None = None,
    ) -> None:
        self.name = name
        self._api = api
        self._mapping = mapping(labels or Labels(), overridden(SERIES, names or {}, name))

    def _has_mapping(self, metric: str) -> bool:
        return metric in self._mapping or metric in _FROM_MODEL

    def _calls(self) -> int:
        return self._api.calls

    def _probe(self) -> None:
        self._api.query(_PROBE, once=True)

    def _age(self, need: MetricNeed, model: ComputeModel, reading: Reading) -> float | None:
        del model, reading
        mapped = self._mapping.get(need.name)
        if mapped is None:
            return None
        samples = (
            self._api.query(age_of(mapped.series)).samples
            or self._api.query(age_within_a_day(mapped.series)).samples
        )
        return samples[0].value if samples else None

    def _read(self, need: MetricNeed, model: ComputeModel) -> Reading:
        from_model = _FROM_MODEL.get(need.name)
        if from_model is not None:
            return Reading(from_model(model))
        mapped = self._mapping[need.name]
        alternatives = _alternatives(need, model)
        warnings: list[str] = []

        def read(part: Sequence[str]) -> Mapping[str, float]:
            matchers = "" if part is alternatives else only(mapped.label, part)
            result = self._api.query(mapped.text(need, matchers))
            warnings.extend(result.warnings)
            return {
                label: sample.value * mapped.scale
                for sample in result.samples
                if (label := sample.labels.get(mapped.label))
            }

        found = read_in_parts(alternatives, read)
        reading = (_hosts if need.resource == "host" else _servers)(need, model, found)
        notes = [*incomplete(need, warnings), *reading.notes]
        if found and np.isnan(reading.values).all():
            notes.append(_foreign(need, mapped.label, found.keys()))
        return replace(reading, notes=tuple(notes))


def _alternatives(need: MetricNeed, model: ComputeModel) -> list[str]:
    """Regular expressions, one per host or server, for a query of some of them."""
    if need.resource == "server":
        return [literally(server) for server in model.servers.id]
    names = dict.fromkeys((*model.hosts.name, *model.hosts.hypervisor_hostname))
    shorts = dict.fromkeys(name.partition(".")[0] for name in names)
    return [f"(?i:{literally(short)})([.].*)?" for short in shorts]


def _foreign(need: MetricNeed, label: str, found: Collection[str]) -> Cause:
    """The values are of nothing that the model has: perhaps the label holds something else."""
    facts = {"metric": need.name, "label": label, "resource": need.resource, "count": len(found)}
    examples = ", ".join(sorted(found)[:_EXAMPLES])
    return Cause(METRIC_LABELS_FOREIGN, {**facts, "examples": examples})


def _hosts(need: MetricNeed, model: ComputeModel, found: Mapping[str, float]) -> Reading:
    hosts = model.hosts
    names = list(zip(hosts.name, hosts.hypervisor_hostname, strict=True))
    places, ambiguous_hosts = matched(names, found.keys())
    values = unknown(need, model)
    for index, label in places.items():
        values[index] = found[label]
    notes = tuple(ambiguous(need, hosts.name[index]) for index in sorted(ambiguous_hosts))
    return Reading(values, notes)


def _servers(need: MetricNeed, model: ComputeModel, found: Mapping[str, float]) -> Reading:
    servers = model.servers
    values = np.array([found.get(server, np.nan) for server in servers.id], dtype=np.float64)
    if need.name == INSTANCE_CPU_USAGE:
        values = values / np.maximum(servers.vcpus, 1)  # % of one core → % of its own
    return Reading(values)
