"""The metrics that strategies can request, and tables of their values.

An unknown value is NaN, never 0 or 100 %: each strategy decides how to handle it. A table is
addressed by need: mean and maximum of one metric are two columns.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import FloatArray, frozen, mapping, sequence
from domain.kernel.reasons import Reason

METRICS_UNAVAILABLE = Reason("metrics-unavailable", "The metrics could not be read: {error}")
METRIC_UNKNOWN = Reason("metric-unknown", "{metric} of {resource} is unknown")
METRICS_INCOMPLETE = Reason(
    "metrics-incomplete", "The values of {metric} may be incomplete: {warning}"
)
METRIC_LABELS_FOREIGN = Reason(
    "metric-labels-foreign",
    "{metric} has {count} values, but label {label} names no {resource} of the cloud; it has for "
    "example {examples}",
    count="number",
)

Resource = Literal["host", "server", "pool", "volume", "node"]
"""What a metric is measured of."""
COMPUTE_RESOURCES: frozenset[Resource] = frozenset({"host", "server"})
"""Resources of the compute model; those of the others are ``pool``, ``volume`` and ``node``."""

HOST_CPU_USAGE = "host_cpu_usage"
"""% of the host's cores."""
HOST_RAM_USAGE = "host_ram_usage"
"""KiB used."""
HOST_OUTLET_TEMP = "host_outlet_temp"
"""Degrees Celsius."""
HOST_INLET_TEMP = "host_inlet_temp"
"""Degrees Celsius."""
HOST_AIRFLOW = "host_airflow"
"""Tenths of a CFM (cubic foot per minute)."""
HOST_POWER = "host_power"
"""W."""
INSTANCE_CPU_USAGE = "instance_cpu_usage"
"""% of the server's vCPUs."""
INSTANCE_RAM_USAGE = "instance_ram_usage"
"""MB."""
INSTANCE_RAM_ALLOCATED = "instance_ram_allocated"
"""MB."""
INSTANCE_L3_CACHE_USAGE = "instance_l3_cache_usage"
"""Bytes."""
INSTANCE_ROOT_DISK_SIZE = "instance_root_disk_size"
"""GB."""


@dataclass(frozen=True)
class MetricNeed:
    """A metric that a strategy requests.

    Attributes:
        name: name of the metric.
        resource: the kind of resource that it is measured of.
        aggregate: ``mean``, ``max``, ``min`` or ``count``, over the period.
        period: how far back, s.
        granularity: width of a sample, s.
        required: whether the strategy fails without a source of it.
    """

    name: str
    resource: Resource
    aggregate: str = "mean"
    period: float = 300.0
    granularity: float = 300.0
    required: bool = True


@dataclass(frozen=True)
class Coverage:
    """For how many hosts or servers a metric is known.

    Attributes:
        known: how many hosts or servers have a value.
        total: how many there are.
    """

    known: int
    total: int


class UndeclaredMetric(LookupError):
    """A strategy read a metric that its requirements do not list."""


@dataclass(frozen=True, eq=False)
class MetricTable:
    """Metric values aligned with the models of a run.

    Attributes:
        values: need → float64[resources of the need's kind], in the order of the model; NaN where
            unknown.
    """

    values: Mapping[MetricNeed, FloatArray] = field(default_factory=dict)

    @staticmethod
    def from_values(
        model: ComputeModel, values: Mapping[MetricNeed, Mapping[str, float | None]]
    ) -> "MetricTable":
        """Builds the table of given values of hosts and servers.

        Args:
            model: the model that the arrays align with.
            values: need → id of a host or server → value. Missing, None,
                infinite and negative values (except temperatures) are unknown; unknown ids are
                ignored.

        Raises:
            ValueError: a need is of a resource that the compute model does not have.
        """
        for need in values:
            if need.resource not in COMPUTE_RESOURCES:
                raise ValueError(f"{need.name} is measured per {need.resource}, not in the model")
        return MetricTable({need: _aligned(model, need, found) for need, found in values.items()})

    def __getitem__(self, need: MetricNeed) -> FloatArray:
        """The column of a need.

        Raises:
            UndeclaredMetric: the table has no such column: the need was not declared.
        """
        try:
            return self.values[need]
        except KeyError:
            raise UndeclaredMetric(f"{need} is not in the strategy's requirements") from None

    def coverage(self) -> dict[MetricNeed, Coverage]:
        """The number of known values of each metric."""
        return {
            need: Coverage(int(np.count_nonzero(~np.isnan(column))), len(column))
            for need, column in self.values.items()
        }

    def to_columns(self) -> dict[str, object]:
        """The JSON form (null where unknown), in a canonical order of needs."""
        ordered = sorted(self.values, key=_order)
        return {
            "metrics": [
                {"need": asdict(need), "values": _nullable(self.values[need])} for need in ordered
            ],
        }

    @staticmethod
    def from_columns(data: Mapping[str, object]) -> "MetricTable":
        """Builds the table from its JSON form."""
        entries = [mapping(entry) for entry in sequence(data["metrics"])]
        return MetricTable(
            {
                MetricNeed(**mapping(entry["need"])): _column(sequence(entry["values"]))  # type: ignore[arg-type]
                for entry in entries
            }
        )


def unknown_column(size: int) -> FloatArray:
    """float64[size]: a column of unknown values."""
    return frozen(np.full(size, np.nan))


_MAY_BE_NEGATIVE = frozenset({HOST_OUTLET_TEMP, HOST_INLET_TEMP})


def _aligned(
    model: ComputeModel, need: MetricNeed, found: Mapping[str, float | None]
) -> FloatArray:
    ids = model.hosts.id if need.resource == "host" else model.servers.id
    column = _column(map(found.get, ids))
    bad = np.isinf(column)
    if need.name not in _MAY_BE_NEGATIVE:
        bad |= column < 0
    return frozen(np.where(bad, np.nan, column))


def _column(values: Iterable[object]) -> FloatArray:
    numbers = [v if isinstance(v, (int, float)) else np.nan for v in values]
    return frozen(np.array(numbers, dtype=np.float64))


def _nullable(column: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in column]


def _order(need: MetricNeed) -> tuple[str, str, str, float, float, bool]:
    return (
        need.name,
        need.resource,
        need.aggregate,
        need.period,
        need.granularity,
        need.required,
    )
