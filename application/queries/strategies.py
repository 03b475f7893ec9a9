"""Whether strategies could run now."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from application.ports.metrics import MetricSource, MetricsUnavailable
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.metrics.catalogue import MetricNeed
from domain.optimization.strategy import Strategy


@dataclass(frozen=True)
class Readiness:
    """Whether what a strategy needs is there.

    Attributes:
        datasource: name of the datasource, None if the strategy needs none.
        available: whether it answers.
        metrics: metric name → whether the datasource has it.
        models: whether a model of each kind can be had now: it is kept here, and its service
            answers.
        needed: the kinds that the strategy needs.
    """

    datasource: str | None
    available: bool
    metrics: Mapping[str, bool]
    models: Mapping[ModelKind, bool]
    needed: frozenset[ModelKind]


class ReadinessQuery:
    """Tells of each strategy whether it could run now, on its default parameters.

    Args:
        strategies: registered ones, by name.
        suited: the datasource that serves a strategy's needs.
        models: of each kind that is kept here, whether its service answers now.
        defaults: of a schema; what it requires beside them is not known here.
    """

    def __init__(
        self,
        strategies: Mapping[str, Strategy],
        suited: Callable[[str, Sequence[MetricNeed]], MetricSource],
        *,
        models: Mapping[ModelKind, Callable[[], bool]],
        defaults: Callable[[Mapping[str, object]], Mapping[str, object]],
    ) -> None:
        self._strategies = strategies
        self._suited = suited
        self._models = models
        self._defaults = defaults

    def of(self, name: str) -> Readiness:
        """The readiness of a strategy.

        Raises:
            KeyError: it is not registered here.
        """
        strategy = self._strategies[name]
        parameters = self._defaults(strategy.parameters_schema)
        needs, needed = strategy.metrics(parameters), strategy.models(parameters)
        models = self._answering()
        if not needs:
            return Readiness(None, available=True, metrics={}, models=models, needed=needed)
        source = self._suited(name, needs)
        answers = _answers(source, needs)
        known = source.supports(needs)
        metrics = {need.name: answers and known.get(need.name, False) for need in needs}
        return Readiness(source.name, answers, metrics, models, needed)

    def _answering(self) -> Mapping[ModelKind, bool]:
        """All services are asked at once: one that hangs costs its own time-out only."""
        with ThreadPoolExecutor(len(ModelKind)) as pool:
            asked = {kind: pool.submit(answers) for kind, answers in self._models.items()}
            return {kind: kind in asked and asked[kind].result() for kind in ModelKind}


def _answers(source: MetricSource, needs: Sequence[MetricNeed]) -> bool:
    nothing, _ = ComputeModel.build((), (), (), ())
    try:
        source.fetch(needs, nothing)
    except MetricsUnavailable:
        return False
    return True
