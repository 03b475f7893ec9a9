from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.cluster.compute import ComputeModel
from domain.kernel.reasons import Because
from domain.optimization.metrics import MetricNeed, MetricTable


class MetricsUnavailable(Exception):
    """The datasource gave no usable answer at all."""


@dataclass(frozen=True)
class Fetched:
    """Metrics for a model.

    Attributes:
        table: values aligned with the model; NaN = unknown.
        problems: what was missing or out of range, per metric.
        queries: how many requests it took.
    """

    table: MetricTable
    problems: tuple[Because, ...]
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
