"""What all datasources have in common: they read a column per need, and it is checked one way."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from application.ports.metrics import Fetched, MetricCheck, MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.table.columns import FloatArray, frozen
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import MetricNeed, MetricTable
from infrastructure.datasources.measures import MEASURES, MeasuredColumn, checked, unknown

T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """What a datasource says about a need.

    Attributes:
        values: float64[hosts or servers] in the metric's unit, NaN where it says nothing.
        notes: what else is worth knowing.
        age: seconds since the newest sample if that is known anyway.
    """

    values: FloatArray
    notes: tuple[Cause, ...] = ()
    age: float | None = None


class BulkSource(ABC):
    """A ``MetricSource``. Subclasses say what they know and read it.

    Attributes:
        name: how operators call it.
    """

    name: str

    @abstractmethod
    def _knows(self, metric: str) -> bool:
        """Whether there is a mapping."""

    @abstractmethod
    def _read(self, need: MetricNeed, model: ComputeModel) -> Reading:
        """Reads a metric that it knows, for a model that is not empty."""

    @abstractmethod
    def _probe(self) -> None:
        """Asks for something small, once.

        Raises:
            MetricsUnavailable: there is no answer.
        """

    @abstractmethod
    def _calls(self) -> int:
        """How many requests have been sent so far."""

    def _age(self, need: MetricNeed, model: ComputeModel, reading: Reading) -> float | None:
        """Seconds since the newest sample, None if it cannot be told."""
        del need, model
        return reading.age

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """Which of the metrics it has a mapping for."""
        return {need.name: self._knows(need.name) for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """The values of the needs for all hosts and servers of a model.

        For a model without any it only finds out whether the datasource answers.

        Raises:
            MetricsUnavailable: it cannot be reached or refuses.
        """
        calls = self._calls()
        wanted = tuple(dict.fromkeys(needs))
        if wanted and not len(model.hosts) and not len(model.servers):
            self._probe()
        columns = {need: self._column(need, model)[1] for need in wanted}
        table = MetricTable(
            hosts=len(model.hosts),
            servers=len(model.servers),
            values={need: column.values for need, column in columns.items()},
        )
        problems = tuple(why for column in columns.values() for why in column.problems)
        return Fetched(table, problems, self._calls() - calls)

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """Whether the needs can be met, one row per need.

        Raises:
            MetricsUnavailable: it cannot be reached or refuses.
        """
        return tuple(self._row(need, model) for need in needs)

    def _row(self, need: MetricNeed, model: ComputeModel) -> MetricCheck:
        reading, column = self._column(need, model)
        known = column.values[~np.isnan(column.values)]
        age, doubts = self._told_age(need, model, reading)
        measure = MEASURES.get(need.name)
        return MetricCheck(
            metric=need.name,
            resource=need.resource,
            supported=self._knows(need.name),
            unit=measure.unit if measure else "",
            known=len(known),
            total=len(column.values),
            least=float(known.min()) if len(known) else None,
            most=float(known.max()) if len(known) else None,
            age=age,
            problems=(*column.problems, *doubts),
        )

    def _told_age(
        self, need: MetricNeed, model: ComputeModel, reading: Reading | None
    ) -> tuple[float | None, tuple[Cause, ...]]:
        if reading is None:
            return None, ()
        try:
            return self._age(need, model, reading), ()
        except MetricsUnavailable as error:  # worth knowing, not worth failing for
            return None, (Cause(Reason.METRICS_UNAVAILABLE, {"error": f"age: {error}"}),)

    def _column(
        self, need: MetricNeed, model: ComputeModel
    ) -> tuple[Reading | None, MeasuredColumn]:
        empty = unknown(need, model)
        if not self._knows(need.name):
            where = f"every {need.resource} in {self.name}"
            nowhere = Cause(Reason.METRIC_UNKNOWN, {"metric": need.name, "resource": where})
            return None, MeasuredColumn(frozen(empty), (nowhere,))
        if not len(empty):
            return None, MeasuredColumn(frozen(empty), ())
        reading = self._read(need, model)
        column = checked(need, reading.values, model)
        return reading, MeasuredColumn(column.values, (*reading.notes, *column.problems))


def ambiguous(need: MetricNeed, name: str) -> Cause:
    """A host or server that the datasource's names do not tell apart from others."""
    return Cause(Reason.METRIC_UNKNOWN, {"metric": need.name, "resource": f"{name} (ambiguous)"})


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
