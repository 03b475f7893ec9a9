"""The contract of scoring engines: functions that rate a workload, for example trained models."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar


class ScoringEngine(ABC):
    """A function from features to scores. Pure: equal features give equal scores.

    The API lists it, so that authors of strategies know what is installed.

    Attributes:
        name: registered name.
        description: shown by the API.
        metainfo: what the features and scores mean, usually as JSON.
    """

    name: str
    description: str = ""
    metainfo: str = ""

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
