"""The goals that audits can pursue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.kernel.errors import InvalidValue
from domain.optimization.efficacy import (
    HARDWARE_MAINTENANCE,
    NO_EFFICACY,
    SERVER_CONSOLIDATION,
    WORKLOAD_BALANCING,
    EfficacySpecification,
    Indicators,
)
from domain.plans.action import EfficacyIndicator


@dataclass(frozen=True)
class Goal:
    """A goal of an audit.

    Attributes:
        name: registered name.
        display_name: shown to users.
        efficacy: its indicators and global figures.
    """

    name: str
    display_name: str
    efficacy: EfficacySpecification = NO_EFFICACY


def _catalogue(*goals: Goal) -> Mapping[str, Goal]:
    return {goal.name: goal for goal in goals}


GOALS: Final[Mapping[str, Goal]] = _catalogue(
    Goal("airflow_optimization", "Airflow Optimization"),
    Goal("cluster_maintaining", "Cluster Maintaining"),
    Goal("dummy", "Dummy goal"),
    Goal("hardware_maintenance", "Hardware Maintenance", HARDWARE_MAINTENANCE),
    Goal("noisy_neighbor", "Noisy Neighbor"),
    Goal("saving_energy", "Saving Energy"),
    Goal("server_consolidation", "Server Consolidation", SERVER_CONSOLIDATION),
    Goal("thermal_optimization", "Thermal Optimization"),
    Goal("unclassified", "Unclassified"),
    Goal("workload_balancing", "Workload Balancing", WORKLOAD_BALANCING),
)
"""Goal name → goal, sorted by name."""


def global_efficacy(goal: Goal, indicators: Indicators) -> tuple[EfficacyIndicator, ...]:
    """The global figures of a plan; none if the goal has none or nothing was reported.

    Raises:
        InvalidValue: as ``validate_indicators``.
    """
    validate_indicators(goal, indicators)
    if not indicators:
        return ()
    return tuple(ratio.of(indicators) for ratio in goal.efficacy.ratios)


def validate_indicators(goal: Goal, indicators: Indicators) -> None:
    """Checks reported indicators against a goal. Reporting none is allowed.

    Raises:
        InvalidValue: names the indicator that is unknown, missing or out of range.
    """
    if not indicators:
        return
    known = {indicator.name: indicator for indicator in goal.efficacy.indicators}
    for name, value in indicators.items():
        if name not in known:
            raise InvalidValue(name, f"is no indicator of goal {goal.name}")
        known[name].check(value)
    for name, indicator in known.items():
        if indicator.required and name not in indicators:
            raise InvalidValue(name, f"is required by goal {goal.name}")
