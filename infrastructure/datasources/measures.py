"""Units and ranges of metrics: every datasource's values are checked here.

A value that is slightly outside its range is a sampling error and is clamped. One that is far
outside probably has another unit: it counts as unknown, and no decision uses it. The same holds for
all values of a metric if the largest of them is smaller than any running host or server has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import BAD_VALUE
from domain.cluster.table.columns import BoolArray, FloatArray, frozen
from domain.kernel.reasons import Cause
from domain.metrics import catalogue as m
from domain.metrics.catalogue import METRIC_UNKNOWN, MetricNeed

Limits = Callable[[ComputeModel], FloatArray]

_EXAMPLES = 5
"""Resources that a problem names."""
_KIB_PER_MB = 1024
_GIB = 1024**3


@dataclass(frozen=True)
class Measure:
    """Unit and range of a metric.

    Attributes:
        unit: of the values.
        least: smallest value.
        most: largest value, or a function that returns it for each host or server.
        below, above: how far outside a value is clamped instead of dropped, as a share of ``most``.
        peak: if all values are smaller, and some are not 0, they probably have another unit.
    """

    unit: str
    least: float
    most: float | Limits
    below: float = 0.05
    above: float = 0.05
    peak: float = 0.0

    def limits(self, model: ComputeModel, size: int) -> FloatArray:
        """The largest value of each host or server (float64[size])."""
        return np.full(size, float(self.most)) if isinstance(self.most, float) else self.most(model)


def _host_memory(model: ComputeModel) -> FloatArray:
    return model.hosts.memory_mb.astype(np.float64) * _KIB_PER_MB


def _server_memory(model: ComputeModel) -> FloatArray:
    return model.servers.memory_mb.astype(np.float64)


MEASURES: Mapping[str, Measure] = {
    m.HOST_CPU_USAGE: Measure("%", 0.0, 100.0),
    m.HOST_RAM_USAGE: Measure("KiB", 0.0, _host_memory, peak=16_384.0),
    m.HOST_OUTLET_TEMP: Measure("°C", -60.0, 150.0, below=0.0, above=0.0),
    m.HOST_INLET_TEMP: Measure("°C", -60.0, 100.0, below=0.0, above=0.0),
    m.HOST_AIRFLOW: Measure("0.1 CFM", 0.0, 10_000.0, below=0.0, above=0.0),
    m.HOST_POWER: Measure("W", 0.0, 100_000.0, below=0.0, above=0.0, peak=2.0),
    # a guest may use more than its vCPUs, for its emulator
    m.INSTANCE_CPU_USAGE: Measure("%", 0.0, 100.0, above=1.0, peak=0.01),
    m.INSTANCE_RAM_USAGE: Measure("MB", 0.0, _server_memory, above=0.25, peak=4.0),
    m.INSTANCE_RAM_ALLOCATED: Measure("MB", 0.0, _server_memory, above=0.25),
    m.INSTANCE_L3_CACHE_USAGE: Measure("bytes", 0.0, 4.0 * _GIB, below=0.0, above=0.0),
    m.INSTANCE_ROOT_DISK_SIZE: Measure("GB", 0.0, 1_000_000.0, below=0.0, above=0.0),
}
"""Metric name → unit and range, in every datasource."""


@dataclass(frozen=True)
class MeasuredColumn:
    """Usable values of a need (float64[hosts or servers], NaN = unknown) and the problems."""

    values: FloatArray
    problems: tuple[Cause, ...]


def size_of(need: MetricNeed, model: ComputeModel) -> int:
    """The number of hosts or servers, as the need's resource is."""
    return len(model.hosts if need.resource == "host" else model.servers)


def unknown(need: MetricNeed, model: ComputeModel) -> FloatArray:
    """A column of unknown values."""
    return np.full(size_of(need, model), np.nan)


def checked(need: MetricNeed, values: FloatArray, model: ComputeModel) -> MeasuredColumn:
    """The usable values, and the problems of the others.

    Args:
        need: the metric and its resource.
        values: float64[hosts or servers] in the metric's unit, NaN where the datasource has none.
        model: its order of hosts or servers.
    """
    names = model.hosts.name if need.resource == "host" else model.servers.id
    measure = MEASURES[need.name]
    limit = measure.limits(model, len(values))
    with np.errstate(invalid="ignore"):
        below = values < measure.least - measure.below * limit
        wrong = np.isinf(values) | below | (values > limit * (1 + measure.above))
    problems = [*_wrong(need, values, wrong, limit, names)]
    missing = np.flatnonzero(np.isnan(values))
    if len(missing):
        problems.append(_missing(need, len(values), [names[int(index)] for index in missing]))
    usable = np.where(wrong, np.nan, np.clip(values, measure.least, limit))
    peak = np.fmax.reduce(usable, initial=0.0)
    if 0.0 < peak < measure.peak:
        problems.insert(0, _too_small(need, int(np.count_nonzero(~np.isnan(usable))), float(peak)))
        usable = unknown(need, model)
    return MeasuredColumn(frozen(usable), tuple(problems))


def _wrong(
    need: MetricNeed, values: FloatArray, wrong: BoolArray, limit: FloatArray, names: Sequence[str]
) -> list[Cause]:
    measure = MEASURES[need.name]
    problems = []
    for index in map(int, np.flatnonzero(wrong)[:_EXAMPLES]):
        span = f"{measure.least:g} to {limit[index]:g} {measure.unit}"
        value = f"{values[index]:g}, outside {span}"
        facts = {"field": need.name, "resource": names[index], "value": value}
        problems.append(Cause(BAD_VALUE, {**facts, "count": int(wrong.sum())}))
    return problems


def _too_small(need: MetricNeed, known: int, peak: float) -> Cause:
    value = f"at most {peak:g} {MEASURES[need.name].unit}: the unit is probably another one"
    facts = {"field": need.name, "resource": f"all {known} {need.resource}s", "value": value}
    return Cause(BAD_VALUE, {**facts, "count": known})


def _missing(need: MetricNeed, total: int, names: Sequence[str]) -> Cause:
    some = some_of(names)
    resource = f"{len(names)} of {total} {need.resource}s ({some})"
    return Cause(METRIC_UNKNOWN, {"metric": need.name, "resource": resource})


def some_of(names: Sequence[str]) -> str:
    """The first names, with an ellipsis if there are more."""
    return ", ".join(names[:_EXAMPLES]) + (", …" if len(names) > _EXAMPLES else "")
