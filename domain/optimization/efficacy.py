"""Efficacy of a solution: the indicators that strategies report, and global figures from them."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from domain.kernel.errors import InvalidValue
from domain.plans.action import EfficacyIndicator
from domain.plans.action_types import MIGRATE
from domain.plans.proposal import PlannedAction

Indicators = Mapping[str, float]
MIGRATIONS = "instance_migrations_count"
COUNT_SCHEMA = {"type": "integer", "minimum": 0}
AMOUNT_SCHEMA = {"type": "number", "minimum": 0}


def as_planned(indicators: Indicators, plan: Iterable[PlannedAction]) -> Indicators:
    """The indicators of a strategy, with the migrations that its plan executes.

    A planner may add some: it moves a server to a third host for the time being.
    """
    if MIGRATIONS not in indicators:
        return indicators
    return {**indicators, MIGRATIONS: sum(one.action.type == MIGRATE for one in plan)}


@dataclass(frozen=True)
class IndicatorSpecification:
    """An indicator that strategies of a goal report.

    Attributes:
        name: stable name.
        description: what it measures.
        whole: whether it must be a whole number.
        required: whether a strategy that reports indicators must report it.
        unit: unit, None for a plain number.
    """

    name: str
    description: str
    whole: bool = True
    required: bool = True
    unit: str | None = None

    @property
    def schema(self) -> dict[str, object]:
        """JSON Schema of its value."""
        return dict(COUNT_SCHEMA if self.whole else AMOUNT_SCHEMA)

    @property
    def schema_text(self) -> str:
        """The schema as JSON text, as shown in the API."""
        return json.dumps(self.schema)

    def check(self, value: object) -> None:
        """Raises InvalidValue, naming the indicator, if a value does not fit."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(float(str(value))):
            raise InvalidValue(self.name, f"must be a number, not {value!r}")
        if float(str(value)) < 0:
            raise InvalidValue(self.name, f"must be at least 0, not {value!r}")
        if self.whole and float(str(value)) % 1:
            raise InvalidValue(self.name, f"must be a whole number, not {value!r}")


@dataclass(frozen=True)
class Ratio:
    """A global figure in % with two decimals: 100 x part / whole; 0 if either is missing.

    Attributes:
        name: stable name.
        description: what it means.
        part: name of the indicator in the numerator.
        whole: name of the indicator in the denominator.
    """

    name: str
    description: str
    part: str
    whole: str

    def of(self, indicators: Indicators) -> EfficacyIndicator:
        """The figure for some indicators."""
        whole = float(indicators.get(self.whole, 0))
        part = float(indicators.get(self.part, 0))
        value = round(100.0 * part / whole, 2) if whole else 0.0
        return EfficacyIndicator(self.name, self.description, "%", value)


@dataclass(frozen=True)
class EfficacySpecification:
    """The indicators of a goal and the global figures computed from them.

    Attributes:
        name: stable name.
        indicators: those that strategies report.
        ratios: the global figures.
    """

    name: str
    indicators: tuple[IndicatorSpecification, ...] = ()
    ratios: tuple[Ratio, ...] = field(default=())


_count: Callable[..., IndicatorSpecification] = IndicatorSpecification

NO_EFFICACY = EfficacySpecification("unclassified")

SERVER_CONSOLIDATION = EfficacySpecification(
    "server_consolidation",
    (
        _count("compute_nodes_count", "Number of compute hosts that the strategy considered."),
        _count(
            "released_compute_nodes_count",
            "Number of compute hosts that held servers and that the plan takes out of service, "
            "less those that it puts into service.",
        ),
        _count(MIGRATIONS, "Number of migrations of servers in the plan."),
    ),
    (
        Ratio(
            "released_nodes_ratio",
            "Share of the considered compute hosts that the plan releases.",
            "released_compute_nodes_count",
            "compute_nodes_count",
        ),
    ),
)

WORKLOAD_BALANCING = EfficacySpecification(
    "workload_balancing",
    (
        _count(MIGRATIONS, "Number of migrations of servers in the plan."),
        _count("instances_count", "Number of servers that the strategy examined.", required=False),
        _count(
            "standard_deviation_after_audit",
            "Standard deviation of the load of the hosts that is expected after the plan.",
            whole=False,
            required=False,
        ),
        _count(
            "standard_deviation_before_audit",
            "Standard deviation of the load of the hosts that was measured before the plan.",
            whole=False,
            required=False,
        ),
    ),
    (
        Ratio(
            "live_migrations_count",
            "Share of the examined servers that the plan migrates.",
            MIGRATIONS,
            "instances_count",
        ),
    ),
)


def _pair(
    stem: str, candidates: str, planned: str
) -> tuple[IndicatorSpecification, IndicatorSpecification]:
    return (
        _count(f"{stem}_count", f"Number of {candidates}."),
        _count(f"planned_{stem}_count", f"Number of {planned} in the plan."),
    )


def _share(name: str, stem: str, candidates: str) -> Ratio:
    description = f"Share of the {candidates} that the plan migrates."
    return Ratio(name, description, f"planned_{stem}_count", f"{stem}_count")


HARDWARE_MAINTENANCE = EfficacySpecification(
    "hardware_maintenance",
    (
        *_pair("live_migrate_instance", "servers that can be migrated live", "live migrations"),
        *_pair("cold_migrate_instance", "servers that have to be migrated cold", "cold migrations"),
        *_pair(
            "volume_migrate",
            "detached volumes that can be migrated",
            "migrations of detached volumes",
        ),
        *_pair(
            "volume_update",
            "attached volumes that can be migrated",
            "migrations of attached volumes",
        ),
    ),
    (
        _share("live_instance_migrate_ratio", "live_migrate_instance", "live candidates"),
        _share("cold_instance_migrate_ratio", "cold_migrate_instance", "cold candidates"),
        _share("volume_migrate_ratio", "volume_migrate", "detached volumes"),
        _share("volume_update_ratio", "volume_update", "attached volumes"),
    ),
)
