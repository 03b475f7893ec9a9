"""Parameters that several strategies publish: the rules of their JSON Schema, with descriptions."""

from dataclasses import dataclass
from typing import Final, Literal

from domain.kernel.aggregate import JsonObject

PERIOD: Final = "Period over which metrics are aggregated, in seconds."
GRANULARITY: Final = "Time between two samples of a metric, in seconds."
MAX_MIGRATIONS: Final[JsonObject] = {
    "description": "Maximum number of migrations in a plan; 0 for no limit.",
    "type": "integer",
    "minimum": 0,
    "default": 0,
}
MAX_HOSTS: Final[JsonObject] = {
    "description": "Maximum number of hosts that servers leave in one audit; 0 for no limit.",
    "type": "integer",
    "minimum": 0,
    "default": 1,
}
COOLDOWN: Final[JsonObject] = {
    "description": "Time for which a server is not migrated again after a migration, in seconds.",
    "type": "number",
    "minimum": 0,
    "default": 0.0,
}
AGGREGATION_METHOD: Final[JsonObject] = {
    "description": "Functions that aggregate metrics: mean, max, min or count.",
    "type": "object",
    "properties": {
        "instance": {
            "description": "Of metrics of servers.",
            "type": "string",
            "default": "mean",
        },
        "compute_node": {
            "description": "Of metrics of hosts.",
            "type": "string",
            "default": "mean",
        },
        "node": {
            "description": "Replaces compute_node, unless empty.",
            "type": "string",
            "default": "",
        },
    },
    "default": {"instance": "mean", "compute_node": "mean", "node": ""},
}

Aggregate = Literal["mean", "max", "min", "count"]


@dataclass(frozen=True)
class Aggregates:
    """Over the period. ``node``, unless empty, replaces ``compute_node``.

    The rule of the parameter is ``AGGREGATION_METHOD``.
    """

    instance: Aggregate = "mean"
    compute_node: Aggregate = "mean"
    node: Literal["", "mean", "max", "min", "count"] = ""

    @property
    def host(self) -> str:
        """The function for metrics of hosts."""
        return self.node or self.compute_node
