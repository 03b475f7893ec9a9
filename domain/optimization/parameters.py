"""Parameters that several strategies publish: the rules of their JSON Schema, with descriptions."""

from typing import Final

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
