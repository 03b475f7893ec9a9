"""The base class of all datasources: it reads a column per metric need, and checks it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from application.ports.metrics import Fetched, MetricCheck, MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import FloatArray, frozen
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import (
    METRIC_UNKNOWN,
    METRICS_INCOMPLETE,
    METRICS_UNAVAILABLE,
    MetricNeed,
    MetricTable,
)
from infrastructure.datasources.endpoint import ResponseTooLarge
from infrastructure.datasources.measures import MEASURES, MeasuredColumn, checked, unknown

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True)
class Reading:
    """The response of a datasource to a need.

    Attributes:
        values: float64[hosts or servers] in the metric's unit, NaN where it has no value.
        notes: problems besides those of the values.
        age: seconds since the newest sample, if it is known without another request.
    """

    values: FloatArray
    notes: tuple[Cause, ...] = ()
    age: float | None = None


class BulkSource(ABC):
    """A ``MetricSource``. Subclasses map the metrics and read them.

    Attributes:
        name: of the datasource in the configuration.
    """

    name: str

    @abstractmethod
    def _has_mapping(self, metric: str) -> bool:
        """Whether the datasource has a mapping for a metric."""

    @abstractmethod
    def _read(self, need: MetricNeed, model: ComputeModel) -> Reading:
        """Reads a mapped metric, for a model that is not empty."""

    @abstractmethod
    def _probe(self) -> None:
        """Sends a small request, once.

        Raises:
            MetricsUnavailable: there is no response.
        """

    @abstractmethod
    def _calls(self) -> int:
        """The number of requests sent so far."""

    def _age(self, need: MetricNeed, model: ComputeModel, reading: Reading) -> float | None:
        """Seconds since the newest sample, None if unknown."""
        del need, model
        return reading.age

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """Which of the metrics it has a mapping for."""
        return {need.name: self._has_mapping(need.name) for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """The values of the needs for all hosts and servers of a model.

        For an empty model it only checks that the datasource responds.

        Raises:
            MetricsUnavailable: the datasource cannot be reached or refuses.
        """
        calls = self._calls()
        unique = tuple(dict.fromkeys(needs))
        self._probe_if_empty(unique, model)
        columns = {need: self._column(need, model)[1] for need in unique}
        table = MetricTable({need: column.values for need, column in columns.items()})
        problems = tuple(why for column in columns.values() for why in column.problems)
        return Fetched(table, problems, self._calls() - calls)

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """The state of each need, one row per need.

        Raises:
            MetricsUnavailable: the datasource cannot be reached or refuses.
        """
        self._probe_if_empty(needs, model)
        return tuple(self._row(need, model) for need in needs)

    def _probe_if_empty(self, needs: Sequence[MetricNeed], model: ComputeModel) -> None:
        """Checks that the datasource responds, if no need would be read."""
        if needs and not len(model.hosts) and not len(model.servers):
            self._probe()

    def _row(self, need: MetricNeed, model: ComputeModel) -> MetricCheck:
        reading, column = self._column(need, model)
        known = column.values[~np.isnan(column.values)]
        age, age_problems = self._known_age(need, model, reading)
        measure = MEASURES.get(need.name)
        return MetricCheck(
            metric=need.name,
            resource=need.resource,
            supported=self._has_mapping(need.name),
            unit=measure.unit if measure else "",
            known=len(known),
            total=len(column.values),
            least=float(known.min()) if len(known) else None,
            most=float(known.max()) if len(known) else None,
            age=age,
            problems=(*column.problems, *age_problems),
        )

    def _known_age(
        self, need: MetricNeed, model: ComputeModel, reading: Reading | None
    ) -> tuple[float | None, tuple[Cause, ...]]:
        if reading is None:
            return None, ()
        try:
            return self._age(need, model, reading), ()
        except MetricsUnavailable as error:  # only a problem: the values are known
            return None, (Cause(METRICS_UNAVAILABLE, {"error": f"age: {error}"}),)

    def _column(
        self, need: MetricNeed, model: ComputeModel
    ) -> tuple[Reading | None, MeasuredColumn]:
        empty = unknown(need, model)
        if not self._has_mapping(need.name):
            where = f"every {need.resource} in {self.name}"
            unmapped = Cause(METRIC_UNKNOWN, {"metric": need.name, "resource": where})
            return None, MeasuredColumn(frozen(empty), (unmapped,))
        if not len(empty):
            return None, MeasuredColumn(frozen(empty), ())
        reading = self._read(need, model)
        column = checked(need, reading.values, model)
        return reading, MeasuredColumn(column.values, (*reading.notes, *column.problems))


def ambiguous(need: MetricNeed, name: str) -> Cause:
    """The problem that a name in the datasource matches several hosts or servers."""
    return Cause(METRIC_UNKNOWN, {"metric": need.name, "resource": f"{name} (ambiguous)"})


def incomplete(need: MetricNeed, warnings: Iterable[str]) -> tuple[Cause, ...]:
    """The problems that a datasource could not read all, one per distinct warning."""
    return tuple(
        Cause(METRICS_INCOMPLETE, {"metric": need.name, "warning": warning})
        for warning in dict.fromkeys(warnings)
    )


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, in sequences of at most a size."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def read_in_parts(
    items: Sequence[T], read: Callable[[Sequence[T]], Mapping[str, V]]
) -> Mapping[str, V]:
    """Reads all items at once. If the response is too large, reads two halves, and so on.

    Raises:
        ResponseTooLarge: the response for one item is too large.
    """
    try:
        return read(items)
    except ResponseTooLarge:
        if len(items) <= 1:
            raise
    middle = len(items) // 2
    return {**read_in_parts(items[:middle], read), **read_in_parts(items[middle:], read)}
