from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from application.ports.metrics import MetricSource, MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.metrics.catalogue import MetricNeed
from domain.optimization.strategy import Strategy


@dataclass(frozen=True)
class Readiness:
    """Whether a strategy could run now.

    Attributes:
        datasource: name of the datasource, None if the strategy needs none.
        available: whether the datasource answers.
        metrics: metric name → whether the datasource has it.
        models: kind → whether models of it are collected here and its service answers.
        needed: the kinds of models that the strategy needs.
    """

    datasource: str | None
    available: bool
    metrics: Mapping[str, bool]
    models: Mapping[ModelKind, bool]
    needed: frozenset[ModelKind]


class ReadinessQuery:
    """Checks whether a strategy could run now with its default parameters.

    Args:
        strategies: the registered strategies by name.
        datasource: selects the datasource for a strategy's needs.
        models: kind of the models collected here → checks whether its service answers.
    """

    def __init__(
        self,
        strategies: Mapping[str, Strategy[Any]],
        datasource: Callable[[str, Sequence[MetricNeed]], MetricSource],
        *,
        models: Mapping[ModelKind, Callable[[], bool]],
    ) -> None:
        self._strategies = strategies
        self._datasource = datasource
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
        source = self._datasource(name, needs)
        answers = _answers(source, needs)
        known = source.supports(needs)
        metrics = {need.name: answers and known.get(need.name, False) for need in needs}
        return Readiness(source.name, answers, metrics, models, needed)

    def _answering(self) -> Mapping[ModelKind, bool]:
        """Checks all services in parallel: together they take the longest timeout at most."""
        with ThreadPoolExecutor(len(ModelKind)) as pool:
            asked = {kind: pool.submit(answers) for kind, answers in self._models.items()}
            return {kind: kind in asked and asked[kind].result() for kind in ModelKind}


def _answers(source: MetricSource, needs: Sequence[MetricNeed]) -> bool:
    empty, _ = ComputeModel.build((), (), (), ())
    try:
        source.fetch(needs, empty)
    except MetricsUnavailable:
        return False
    return True
