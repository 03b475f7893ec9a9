"""Which datasource serves a strategy: the first of an ordered list that can and does."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from application.ports.metrics import Fetched, MetricCheck, MetricSource, MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import MetricNeed
from infrastructure.datasources.endpoint import NotConfigured
from infrastructure.datasources.unmeasured import NoDatasource

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class UndescribedDatasource:
    """A datasource that is listed but not described.

    Attributes:
        name: how it is listed.
        why: what is missing.
    """

    name: str
    why: str


Listed = MetricSource | UndescribedDatasource


class OrderedSources:
    """A ``MetricSource`` that asks others, in an order, and takes the first one's answer.

    One datasource serves all metrics of a strategy. It has to map all those that the strategy
    requires, and to answer. Why it was not an earlier one is among the problems.

    Args:
        sources: in the order of preference.
    """

    def __init__(self, sources: Sequence[Listed]) -> None:
        self._sources = tuple(sources)
        self.name = ", ".join(source.name for source in sources) or "none"

    def suited(self, needs: Sequence[MetricNeed]) -> MetricSource | None:
        """The first datasource that maps every required metric; whether it answers is not asked."""
        fit = (
            source
            for source in self._sources
            if not isinstance(source, UndescribedDatasource) and not _lacking(source, needs)
        )
        return next(fit, None)

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        """What the datasource that suits the needs has a mapping for."""
        source = self.suited(needs)
        return source.supports(needs) if source else {need.name: False for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        """The first answer.

        Where no datasource is configured at all, everything is unknown.

        Raises:
            MetricsUnavailable: no datasource serves the needs; it says of each why.
        """
        fetched, passed_over = self._first(needs, lambda source: source.fetch(needs, model))
        return replace(fetched, problems=(*passed_over, *fetched.problems))

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        """The rows of the first datasource that answers; the first row says why it was not another.

        Raises:
            MetricsUnavailable: no datasource serves the needs; it says of each why.
        """
        rows, passed_over = self._first(needs, lambda source: source.preflight(needs, model))
        first = [replace(row, problems=(*passed_over, *row.problems)) for row in rows[:1]]
        return (*first, *rows[1:])

    def _first(
        self,
        needs: Sequence[MetricNeed],
        ask: Callable[[MetricSource], T],
    ) -> tuple[T, tuple[Cause, ...]]:
        passed_over: list[str] = []
        configured = False
        for source in self._sources:
            try:
                return ask(_suited(source, needs)), tuple(map(_because, passed_over))
            except NotConfigured as absent:
                passed_over.append(f"{source.name}: {absent}")
            except MetricsUnavailable as away:
                configured = True
                passed_over.append(f"{source.name}: {away}")
                _log.warning("metrics: %s is passed over: %s", source.name, away)
        if configured:
            raise MetricsUnavailable("; ".join(passed_over))
        return ask(NoDatasource()), tuple(map(_because, passed_over))


class Datasources(OrderedSources):
    """All datasources of an installation: as a ``MetricSource`` in the global order.

    Args:
        sources: by name.
        order: the global order.
        own: strategy → its own order, where it has one.
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


def _suited(source: Listed, needs: Sequence[MetricNeed]) -> MetricSource:
    if isinstance(source, UndescribedDatasource):
        raise NotConfigured(source.why)
    lacking = _lacking(source, needs)
    if lacking:
        raise MetricsUnavailable(f"it has no {', '.join(lacking)}")
    return source


def _because(error: str) -> Cause:
    return Cause(Reason.METRICS_UNAVAILABLE, {"error": error})
