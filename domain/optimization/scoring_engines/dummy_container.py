"""``dummy_scoring_container``: three engines from one plug-in."""

from collections.abc import Callable, Sequence

from domain.optimization.scoring import ScoringEngine, ScoringEngineContainer


class _Statistic(ScoringEngine):
    """One number from all features.

    Args:
        name, description: of the engine.
        function: of the features.
    """

    version = "1"

    def __init__(
        self, name: str, description: str, function: Callable[[Sequence[float]], float]
    ) -> None:
        self.name = name
        self.description = description
        self._function = function

    def score(self, features: Sequence[float]) -> Sequence[float]:
        """The number.

        Raises:
            ValueError: there are no features.
        """
        if not features:
            raise ValueError("expected at least one feature")
        return (self._function(features),)


class DummyScoringContainer(ScoringEngineContainer):
    """Minimum, maximum and average of the features."""

    name = "dummy_scoring_container"

    def engines(self) -> Sequence[ScoringEngine]:
        """The three engines."""
        return (
            _Statistic("dummy_min_scorer", "Minimum value", min),
            _Statistic("dummy_max_scorer", "Maximum value", max),
            _Statistic("dummy_avg_scorer", "Average value", _average),
        )


def _average(features: Sequence[float]) -> float:
    return sum(features) / len(features)
