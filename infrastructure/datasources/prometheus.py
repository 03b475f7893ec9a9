"""Metrics from Prometheus (and from Aetos, which is Prometheus behind Keystone), in bulk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from application.ports.metrics import Fetched, MetricCheck, MetricsUnavailable
from domain.cluster.columns import FloatArray, frozen
from domain.cluster.compute import ComputeModel
from domain.kernel.reasons import Because, Reason
from domain.optimization.metrics import (
    HOST_CPU_USAGE,
    HOST_RAM_USAGE,
    INSTANCE_CPU_USAGE,
    INSTANCE_RAM_ALLOCATED,
    INSTANCE_RAM_USAGE,
    INSTANCE_ROOT_DISK_SIZE,
    MetricNeed,
    MetricTable,
)
from infrastructure.datasources.endpoint import QueryApi, Sample, TooLarge
from infrastructure.datasources.names import matched
from infrastructure.datasources.promql import Labels, Mapped, age_of, literally, mapping, only

_UNITS = {
    HOST_CPU_USAGE: "%",
    HOST_RAM_USAGE: "KiB",
    INSTANCE_CPU_USAGE: "%",
    INSTANCE_RAM_USAGE: "MB",
    INSTANCE_RAM_ALLOCATED: "MB",
    INSTANCE_ROOT_DISK_SIZE: "GB",
}
_FROM_MODEL: Mapping[str, Callable[[ComputeModel], FloatArray]] = {
    INSTANCE_RAM_ALLOCATED: lambda model: model.servers.memory_mb.astype(np.float64),
    INSTANCE_ROOT_DISK_SIZE: lambda model: model.servers.disk_gb.astype(np.float64),
}
_KIB_PER_MB = 1024
_SLACK_BELOW = 0.05
"""Rates are extrapolated: an idle host may seem to be a little more than idle."""
_EXAMPLES = 5
"""So many resources are named in a problem."""


@dataclass(frozen=True)
class _Column:
    """Values of a need and what was wrong with them."""

    values: FloatArray
    problems: tuple[Because, ...]


class PrometheusSource:
    """One query per metric for the whole model.

    Args:
        api: the query API.
        labels: names of labels.
        name: ``prometheus`` or ``aetos``.
    """

    def __init__(
        self, api: QueryApi, labels: Labels | None = None, name: str = "prometheus"
    ) -> None:
        self.name = name
        self._api = api
        self._mapping = mapping(labels or Labels())

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """Which of the metrics it has a mapping for."""
        return {need.name: self._knows(need.name) for need in needs}

    def _knows(self, metric: str) -> bool:
        return metric in self._mapping or metric in _FROM_MODEL

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """The values of the needs for all hosts and servers of a model.

        Raises:
            MetricsUnavailable: Prometheus cannot be reached or refuses.
        """
        calls = self._api.calls
        columns = {need: self._column(need, model) for need in dict.fromkeys(needs)}
        table = MetricTable(
            hosts=len(model.hosts),
            servers=len(model.servers),
            values={need: column.values for need, column in columns.items()},
        )
        problems = tuple(why for column in columns.values() for why in column.problems)
        return Fetched(table, problems, self._api.calls - calls)

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """Whether the needs can be met, one row per need.

        Raises:
            MetricsUnavailable: Prometheus cannot be reached or refuses.
        """
        return tuple(self._checked(need, model) for need in needs)

    def _checked(self, need: MetricNeed, model: ComputeModel) -> MetricCheck:
        column = self._column(need, model)
        known = column.values[~np.isnan(column.values)]
        age, doubts = self._age(need.name)
        return MetricCheck(
            metric=need.name,
            resource=need.resource,
            supported=self._knows(need.name),
            unit=_UNITS.get(need.name, ""),
            known=len(known),
            total=len(column.values),
            least=float(known.min()) if len(known) else None,
            most=float(known.max()) if len(known) else None,
            age=age,
            problems=(*column.problems, *doubts),
        )

    def _age(self, metric: str) -> tuple[float | None, tuple[Because, ...]]:
        mapped = self._mapping.get(metric)
        if mapped is None:
            return None, ()
        try:
            samples = self._api.query(age_of(mapped.series))
        except MetricsUnavailable as error:  # worth knowing, not worth failing for
            return None, (Because(Reason.METRICS_UNAVAILABLE, {"error": f"age: {error}"}),)
        return (samples[0].value if samples else None), ()

    def _column(self, need: MetricNeed, model: ComputeModel) -> _Column:
        own = _FROM_MODEL.get(need.name)
        if own is not None:
            return _Column(frozen(own(model)), ())
        mapped = self._mapping.get(need.name)
        size = len(model.hosts if need.resource == "host" else model.servers)
        if mapped is None:
            nowhere = Because(
                Reason.METRIC_UNKNOWN, {"metric": need.name, "resource": f"every {need.resource}"}
            )
            return _Column(frozen(np.full(size, np.nan)), (nowhere,))
        found = {
            label: sample.value * mapped.scale
            for sample in self._samples(mapped, need, _alternatives(need, model))
            if (label := sample.labels.get(mapped.label))
        }
        if need.resource == "host":
            return _host_column(need, model, found)
        return _server_column(need, model, found)

    def _samples(self, mapped: Mapped, need: MetricNeed, wanted: Sequence[str]) -> list[Sample]:
        """Everything in one query; where that is too much, in two halves, and so on."""
        try:
            return self._api.query(mapped.text(need, ""))
        except TooLarge:
            if len(wanted) <= 1:
                raise
        return [sample for half in _halves(wanted) for sample in self._part(mapped, need, half)]

    def _part(self, mapped: Mapped, need: MetricNeed, wanted: Sequence[str]) -> list[Sample]:
        try:
            return self._api.query(mapped.text(need, only(mapped.label, wanted)))
        except TooLarge:
            if len(wanted) <= 1:
                raise
        return [s for half in _halves(wanted) for s in self._part(mapped, need, half)]


def _halves(wanted: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    middle = len(wanted) // 2
    return wanted[:middle], wanted[middle:]


def _alternatives(need: MetricNeed, model: ComputeModel) -> list[str]:
    """Regular expressions, one per host or server, for asking for a part of them."""
    if need.resource == "server":
        return [literally(server) for server in model.servers.id]
    names = dict.fromkeys((*model.hosts.name, *model.hosts.hypervisor_hostname))
    shorts = dict.fromkeys(name.partition(".")[0] for name in names)
    return [f"{literally(short)}([.].*)?" for short in shorts]


def _host_column(need: MetricNeed, model: ComputeModel, found: Mapping[str, float]) -> _Column:
    hosts = model.hosts
    names = list(zip(hosts.name, hosts.hypervisor_hostname, strict=True))
    places, ambiguous = matched(names, found.keys())
    values = np.full(len(hosts), np.nan)
    for index, label in places.items():
        values[index] = found[label]
    limit = np.full(len(hosts), 100.0)
    if need.name == HOST_RAM_USAGE:
        limit = hosts.memory_mb.astype(np.float64) * _KIB_PER_MB
    problems = [
        Because(Reason.METRIC_UNKNOWN, {"metric": need.name, "resource": f"{name} (ambiguous)"})
        for name in (hosts.name[index] for index in sorted(ambiguous))
    ]
    return _usable(need, values, limit, slack=1 + _SLACK_BELOW, names=hosts.name, problems=problems)


def _server_column(need: MetricNeed, model: ComputeModel, found: Mapping[str, float]) -> _Column:
    servers = model.servers
    values = np.array([found.get(server, np.nan) for server in servers.id], dtype=np.float64)
    if need.name == INSTANCE_CPU_USAGE:
        # % of one core → % of its own; a guest may use more than its vCPUs for its emulator
        values = values / np.maximum(servers.vcpus, 1)
        limit = np.full(len(servers), 100.0)
        return _usable(need, values, limit, slack=2.0, names=servers.id, problems=[])
    limit = servers.memory_mb.astype(np.float64)
    return _usable(need, values, limit, slack=1.25, names=servers.id, problems=[])


def _usable(
    need: MetricNeed,
    values: FloatArray,
    limit: FloatArray,
    *,
    slack: float,
    names: Sequence[str],
    problems: list[Because],
) -> _Column:
    """Clamps what is a little outside 0..limit; what is far outside is in a wrong unit: unknown."""
    with np.errstate(invalid="ignore"):
        wrong = np.isinf(values) | (values < -_SLACK_BELOW * limit) | (values > limit * slack)
    for index in map(int, np.flatnonzero(wrong)[:_EXAMPLES]):
        value = f"{values[index]:g}, outside 0 to {limit[index]:g} {_UNITS[need.name]}"
        facts = {"field": need.name, "resource": names[index], "value": value}
        problems.append(Because(Reason.BAD_VALUE, {**facts, "count": int(wrong.sum())}))
    missing = np.flatnonzero(np.isnan(values))
    if len(missing):
        problems.append(_missing(need, len(values), [names[int(index)] for index in missing]))
    values = np.where(wrong, np.nan, np.clip(values, 0.0, limit))
    return _Column(frozen(values), tuple(problems))


def _missing(need: MetricNeed, total: int, names: Sequence[str]) -> Because:
    some = ", ".join(names[:_EXAMPLES]) + (", …" if len(names) > _EXAMPLES else "")
    resource = f"{len(names)} of {total} {need.resource}s ({some})"
    return Because(Reason.METRIC_UNKNOWN, {"metric": need.name, "resource": resource})
