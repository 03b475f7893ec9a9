from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.ids import definition_id


class PluginKind(StrEnum):
    """The kinds of plug-ins that the catalogue lists."""

    GOAL = "goal"
    STRATEGY = "strategy"
    PLANNER = "planner"
    SCORING_ENGINE = "scoring-engine"
    ACTION_TYPE = "action-type"


@dataclass(frozen=True)
class PluginDefinition:
    """The definition of a plug-in.

    Attributes:
        kind, name: its identity.
        display_name: shown to users.
        details: kind-specific plain data:
            goal: ``efficacy_specification`` (list of {name, description, unit, schema});
            strategy: ``goal`` (name) and ``parameters_spec`` (JSON Schema);
            action type: ``description`` and ``schema`` (of its parameters);
            scoring engine: ``description``, ``metainfo``.
    """

    kind: PluginKind
    name: str
    display_name: str
    details: JsonObject

    @property
    def id(self) -> UUID:
        """Stable id, derived from kind and name."""
        return definition_id(self.kind, self.name)

    @property
    def key(self) -> tuple[PluginKind, str]:
        """Kind and name."""
        return self.kind, self.name
