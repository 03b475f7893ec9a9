"""Chooses the datasource of a strategy: the first of an ordered list that has its metrics."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from application.ports.metrics import (
    NO_DATASOURCE,
    Fetched,
    MetricCheck,
    MetricSource,
    MetricsUnavailable,
)
from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import METRICS_UNAVAILABLE, MetricNeed, MetricTable
from infrastructure.datasources.endpoint import NotConfigured

_log = logging.getLogger(__name__)
T = TypeVar("T")
_NOT_CONFIGURED = "no datasource is configured ([watcher_datasources] datasources)"


@dataclass(frozen=True)
class UndescribedDatasource:
    """A datasource in the list whose settings are missing.

    Attributes:
        name: in the list.
        why: the missing settings.
    """

    name: str
    why: str


Listed = MetricSource | UndescribedDatasource


class NoDatasource:
    """The source of a cloud without datasources: all values are unknown.

    Strategies then use allocations, where they can.
    """

    name = NO_DATASOURCE

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """Nothing."""
        return {need.name: False for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """Unknown values only."""
        table = MetricTable.from_values(model, {need: {} for need in needs})
        problems = (Cause(METRICS_UNAVAILABLE, {"error": _NOT_CONFIGURED}),) if needs else ()
        return Fetched(table, problems, 0)

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """Nothing is supported."""
        sizes = {"host": len(model.hosts), "server": len(model.servers)}
        return tuple(
            MetricCheck(
                metric=need.name,
                resource=need.resource,
                supported=False,
                unit="",
                known=0,
                total=sizes[need.resource],
            )
            for need in needs
        )


class OrderedSources:
    """A ``MetricSource`` that tries others in an order, and uses the first that works.

    One datasource serves all metrics of a strategy. It must map all required metrics, and respond.
    The problems say why earlier ones were not used.

    Args:
        sources: in the order of preference.
    """

    def __init__(self, sources: Sequence[Listed]) -> None:
        self._sources = tuple(sources)
        self.name = ", ".join(source.name for source in sources) or NO_DATASOURCE

    def first_with_mapping(self, needs: Sequence[MetricNeed]) -> MetricSource | None:
        """The first datasource that maps every required metric; no request is sent."""
        fit = (
            source
            for source in self._sources
            if not isinstance(source, UndescribedDatasource) and not _lacking(source, needs)
        )
        return next(fit, None)

    def answering(self, needs: Sequence[MetricNeed]) -> MetricSource:
        """The source that a run would use now; ``NoDatasource`` if none is configured.

        Raises:
            MetricsUnavailable: no datasource serves the needs; the message says why, for each.
        """
        nothing, _ = ComputeModel.build((), (), (), ())

        def tried(source: MetricSource) -> MetricSource:
            source.fetch(needs, nothing)
            return source

        return self._first(needs, tried)[0]

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """The needs for which the first datasource with all required metrics has a mapping."""
        source = self.first_with_mapping(needs)
        return source.supports(needs) if source else {need.name: False for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """The values from the first datasource that works.

        If no datasource is configured, all values are unknown.

        Raises:
            MetricsUnavailable: no datasource serves the needs; the message says why, for each.
        """
        fetched, skipped = self._first(needs, lambda source: source.fetch(needs, model))
        return replace(fetched, problems=(*skipped, *fetched.problems))

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """The rows of the first datasource that works; the first row says why others were skipped.

        Raises:
            MetricsUnavailable: no datasource serves the needs; the message says why, for each.
        """
        rows, skipped = self._first(needs, lambda source: source.preflight(needs, model))
        first = [replace(row, problems=(*skipped, *row.problems)) for row in rows[:1]]
        return (*first, *rows[1:])

    def _first(
        self,
        needs: Sequence[MetricNeed],
        read: Callable[[MetricSource], T],
    ) -> tuple[T, tuple[Cause, ...]]:
        skipped: list[str] = []
        configured = False
        for source in self._sources:
            try:
                return read(_checked(source, needs)), tuple(map(_unavailable, skipped))
            except NotConfigured as absent:
                skipped.append(f"{source.name}: {absent}")
            except MetricsUnavailable as away:
                configured = True
                skipped.append(f"{source.name}: {away}")
                _log.warning("metrics: %s is skipped: %s", source.name, away)
        if configured:
            raise MetricsUnavailable("; ".join(skipped))
        return read(NoDatasource()), tuple(map(_unavailable, skipped))


class Datasources(OrderedSources):
    """All datasources of an installation: as a ``MetricSource`` in the global order.

    Args:
        sources: by name.
        order: the global order.
        own: strategy → its own order, if it has one.
    """

    def __init__(
        self,
        sources: Mapping[str, Listed],
        order: Sequence[str],
        own: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__([sources[name] for name in order])
        self._own = {
            strategy: OrderedSources([sources[name] for name in names])
            for strategy, names in (own or {}).items()
        }

    def of(self, strategy: str) -> OrderedSources:
        """The datasources of a strategy, in its order."""
        return self._own.get(strategy, self)


def _lacking(source: MetricSource, needs: Sequence[MetricNeed]) -> list[str]:
    known = source.supports(needs)
    required = dict.fromkeys(need.name for need in needs if need.required)
    return [name for name in required if not known.get(name, False)]


def _checked(source: Listed, needs: Sequence[MetricNeed]) -> MetricSource:
    if isinstance(source, UndescribedDatasource):
        raise NotConfigured(source.why)
    lacking = _lacking(source, needs)
    if lacking:
        raise MetricsUnavailable(f"it has no {', '.join(lacking)}")
    return source


def _unavailable(error: str) -> Cause:
    return Cause(METRICS_UNAVAILABLE, {"error": error})
