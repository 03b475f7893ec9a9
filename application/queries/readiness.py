from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from application.ports.metrics import MetricSource, MetricsUnavailable
from domain.cluster.compute import ComputeModel
from domain.optimization.metrics import MetricNeed
from domain.optimization.strategy import Strategy


@dataclass(frozen=True)
class Readiness:
    """Whether what a strategy needs is there.

    Attributes:
        datasource: name of the datasource, None if the strategy needs none.
        available: whether it answers.
        metrics: metric name → whether the datasource has it.
        compute: whether the compute side of the cloud answers.
    """

    datasource: str | None
    available: bool
    metrics: Mapping[str, bool]
    compute: bool


class ReadinessQuery:
    """Tells of each strategy whether it could run now, on its default parameters.

    Args:
        strategies: registered ones, by name.
        suited: the datasource that serves a strategy's needs.
        compute: whether the cloud answers now.
        defaults: fills in a schema's defaults.
    """

    def __init__(
        self,
        strategies: Mapping[str, Strategy],
        suited: Callable[[str, Sequence[MetricNeed]], MetricSource],
        *,
        compute: Callable[[], bool],
        defaults: Callable[[Mapping[str, object]], Mapping[str, object]],
    ) -> None:
        self._strategies = strategies
        self._suited = suited
        self._compute = compute
        self._defaults = defaults

    def of(self, name: str) -> Readiness:
        """The readiness of a strategy.

        Raises:
            KeyError: it is not registered here.
        """
        strategy = self._strategies[name]
        needs = strategy.metrics(self._defaults(strategy.parameters_schema))
        if not needs:
            return Readiness(None, available=True, metrics={}, compute=self._compute())
        source = self._suited(name, needs)
        answers = _answers(source, needs)
        known = source.supports(needs)
        metrics = {need.name: answers and known.get(need.name, False) for need in needs}
        return Readiness(source.name, answers, metrics, self._compute())


def _answers(source: MetricSource, needs: Sequence[MetricNeed]) -> bool:
    nothing, _ = ComputeModel.build((), (), (), ())
    try:
        source.fetch(needs, nothing)
    except MetricsUnavailable:
        return False
    return True
