from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed, MetricTable


class MetricsUnavailable(Exception):
    """The datasource gave no usable answer."""


NO_DATASOURCE = "none"
"""Name of the source of a cloud without datasources."""


@dataclass(frozen=True)
class MetricCheck:
    """The result of a preflight for one metric.

    Attributes:
        metric, resource: of the need.
        supported: whether the datasource has a mapping for the metric.
        unit: of its values.
        known, total: number of the model's hosts or servers with a usable value, and of all.
        least, most: range of the usable values, None if there is none.
        age: seconds since the newest raw sample, None if unknown.
        problems: from the most to the least common.
    """

    metric: str
    resource: str
    supported: bool
    unit: str
    known: int
    total: int
    least: float | None = None
    most: float | None = None
    age: float | None = None
    problems: tuple[Cause, ...] = ()

    @property
    def present(self) -> bool:
        """Whether at least one value is known."""
        return self.known > 0


@dataclass(frozen=True)
class Fetched:
    """The metrics of a model.

    Attributes:
        table: values aligned with the model; NaN = unknown.
        problems: missing or out-of-range values, per metric.
        queries: number of requests to the datasource.
    """

    table: MetricTable
    problems: tuple[Cause, ...]
    queries: int


class MetricSource(Protocol):
    """A datasource with bulk queries: one query per metric for the whole scope.

    Attributes:
        name: ``prometheus``, ``gnocchi``, …
    """

    name: str

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """Metric name → whether the datasource has a mapping for it."""
        ...

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """Fetches the metrics of all hosts and servers of a model.

        Raises:
            MetricsUnavailable: the datasource cannot be reached or refuses.
        """
        ...

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """Checks whether the needs can be met; one result per need.

        Raises:
            MetricsUnavailable: the datasource cannot be reached or refuses.
        """
        ...
