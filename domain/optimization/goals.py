"""The goals that audits can pursue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.optimization.efficacy import (
    HARDWARE_MAINTENANCE,
    NO_EFFICACY,
    SERVER_CONSOLIDATION,
    WORKLOAD_BALANCING,
    EfficacySpecification,
)


@dataclass(frozen=True)
class Goal:
    """Something worth optimising for.

    Attributes:
        name: registered name.
        display_name: for people.
        efficacy: how the worth of a solution is told.
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
"""Goal name → goal, in order of name."""
