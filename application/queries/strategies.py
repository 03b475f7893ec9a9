from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from application.ports.metrics import NO_DATASOURCE, MetricSource, MetricsUnavailable
from domain.cluster.kinds import ModelKind
from domain.metrics.catalogue import MetricNeed
from domain.optimization.strategy import Strategy


@dataclass(frozen=True)
class Readiness:
    """Whether a strategy could run now.

    Attributes:
        datasource: name of the datasource that answers, or of all if none does; None if the
            strategy needs none.
        available: whether a datasource answers.
        runs_without: whether none is configured: a run then uses allocations only.
        metrics: metric name → whether the datasource has it.
        models: kind → whether models of it are collected here and its service answers.
        needed: the kinds of models that the strategy needs.
    """

    datasource: str | None
    available: bool
    metrics: Mapping[str, bool]
    models: Mapping[ModelKind, bool]
    needed: frozenset[ModelKind]
    runs_without: bool = False


class DatasourceChoice(Protocol):
    """The datasources of a strategy, in order of preference.

    Attributes:
        name: of all of them.
    """

    name: str

    def answering(self, needs: Sequence[MetricNeed]) -> MetricSource:
        """The source that a run would use now; named ``NO_DATASOURCE`` if none is configured.

        Raises:
            MetricsUnavailable: none serves the needs.
        """
        ...


class ReadinessQuery:
    """Checks whether a strategy could run now with its default parameters.

    Args:
        strategies: the registered strategies by name.
        datasources: returns the datasources of a strategy.
        models: kind of the models collected here → checks whether its service answers.
    """

    def __init__(
        self,
        strategies: Mapping[str, Strategy[Any]],
        datasources: Callable[[str], DatasourceChoice],
        *,
        models: Mapping[ModelKind, Callable[[], bool]],
    ) -> None:
        self._strategies = strategies
        self._datasources = datasources
        self._models = models

    def of(self, name: str) -> Readiness:
        """The readiness of a strategy.

        Raises:
            KeyError: it is not registered here.
        """
        strategy = self._strategies[name]
        required = strategy.requirements(strategy.parameters())
        needs, needed = required.metrics, required.models
        models = self._answering()
        if not needs:
            return Readiness(None, available=True, metrics={}, models=models, needed=needed)
        choice = self._datasources(name)
        try:
            source = choice.answering(needs)
        except MetricsUnavailable:
            nothing = {need.name: False for need in needs}
            return Readiness(
                choice.name, available=False, metrics=nothing, models=models, needed=needed
            )
        return Readiness(
            source.name,
            available=source.name != NO_DATASOURCE,
            metrics=source.supports(needs),
            models=models,
            needed=needed,
            runs_without=source.name == NO_DATASOURCE,
        )

    def _answering(self) -> Mapping[ModelKind, bool]:
        """Checks all services in parallel: together they take the longest timeout at most."""
        with ThreadPoolExecutor(len(ModelKind)) as pool:
            asked = {kind: pool.submit(answers) for kind, answers in self._models.items()}
            return {kind: kind in asked and asked[kind].result() for kind in ModelKind}
