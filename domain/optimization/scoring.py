"""The contract of scoring engines: functions that rate a workload, for example trained models."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.reasons import Reason

SCORING_ENGINE_MISSING = Reason(
    "scoring-engine-missing",
    "Strategy {strategy} needs the scoring engine {engine}, which is not installed.",
)
SCORING_ENGINE_CHANGED = Reason(
    "scoring-engine-changed",
    "The decision was made with version {recorded} of scoring engine {engine}; what is installed "
    "now, version {installed}, is another one.",
)


@dataclass(frozen=True)
class EngineIdentity:
    """What tells a scoring engine from another one with its name, as decision records have it.

    Attributes:
        name, version, metainfo: of the engine.
    """

    name: str
    version: str = ""
    metainfo: str = ""


class ScoringEngine(ABC):
    """A function from features to scores. Pure: equal features give equal scores.

    The API lists it, so that authors of strategies know what is installed. A strategy names the
    engines that it needs in its ``Requirements``, and gets them with its context.

    Attributes:
        name: registered name.
        description: shown by the API.
        metainfo: what the features and scores mean, usually as JSON.
        version: another one for each change of scores; a decision can only be repeated with the
            same version.
    """

    name: str
    description: str = ""
    metainfo: str = ""
    version: str = ""

    @property
    def identity(self) -> EngineIdentity:
        """What decision records have of it."""
        return EngineIdentity(self.name, self.version, self.metainfo)

    @abstractmethod
    def score(self, features: Sequence[float]) -> Sequence[float]:
        """The scores of some features.

        Raises:
            ValueError: it does not accept as many features, or such values.
        """


class ScoringEngineContainer(ABC):
    """A plug-in with several scoring engines, which may depend on the installation.

    Attributes:
        name: registered name of the container; the API does not list it.
    """

    name: ClassVar[str]

    @abstractmethod
    def engines(self) -> Sequence[ScoringEngine]:
        """The engines, each with a name of its own; called when a process loads its plug-ins."""
