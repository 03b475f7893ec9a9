from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed, MetricTable


class MetricsUnavailable(Exception):
    """The datasource gave no usable answer at all."""


@dataclass(frozen=True)
class MetricCheck:
    """How one metric fares with a datasource: a row of a preflight.

    Attributes:
        metric, resource: of the need.
        supported: whether the datasource has a mapping for it.
        unit: what its values are in.
        known, total: for how many of the model's hosts or servers there is a usable value.
        least, most: range of the usable values, None if there is none.
        age: seconds since the newest raw sample, None if it cannot be told.
        problems: what is wrong, from the most to the least common.
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
        """Whether there is any value."""
        return self.known > 0


@dataclass(frozen=True)
class Fetched:
    """Metrics for a model.

    Attributes:
        table: values aligned with the model; NaN = unknown.
        problems: what was missing or out of range, per metric.
        queries: how many requests it took.
    """

    table: MetricTable
    problems: tuple[Cause, ...]
    queries: int


class MetricSource(Protocol):
    """A datasource that answers in bulk: one query per metric for the whole scope.

    Attributes:
        name: ``prometheus``, ``gnocchi``, …
    """

    name: str

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """Which of the metrics it has a mapping for."""
        ...

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """The values of the needs for all hosts and servers of a model.

        Raises:
            MetricsUnavailable: the datasource cannot be reached or refuses.
        """
        ...

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """Whether the needs can be met, one row per need.

        Raises:
            MetricsUnavailable: the datasource cannot be reached or refuses.
        """
        ...
