"""The goals that audits can pursue: the contract, and the goals that ship with Vigil."""

from dataclasses import dataclass

from domain.kernel.errors import InvalidValue
from domain.optimization import efficacy as figures
from domain.optimization.efficacy import NO_EFFICACY, EfficacySpecification, Indicators
from domain.plans.action import EfficacyIndicator


@dataclass(frozen=True)
class Goal:
    """A goal of an audit.

    Attributes:
        name: registered name.
        display_name: shown to users.
        efficacy: its indicators and global figures.
        strategy: name of the strategy of audits that name none; empty: see ``choose_strategy``.
    """

    name: str
    display_name: str
    efficacy: EfficacySpecification = NO_EFFICACY
    strategy: str = ""


AIRFLOW_OPTIMIZATION = Goal("airflow_optimization", "Airflow Optimization")
CLUSTER_MAINTAINING = Goal("cluster_maintaining", "Cluster Maintaining")
DUMMY = Goal("dummy", "Dummy goal")
HARDWARE_MAINTENANCE = Goal(
    "hardware_maintenance", "Hardware Maintenance", figures.HARDWARE_MAINTENANCE
)
NOISY_NEIGHBOR = Goal("noisy_neighbor", "Noisy Neighbor")
SAVING_ENERGY = Goal("saving_energy", "Saving Energy")
SERVER_CONSOLIDATION = Goal(
    "server_consolidation",
    "Server Consolidation",
    figures.SERVER_CONSOLIDATION,
    strategy="vm_workload_consolidation",
)
THERMAL_OPTIMIZATION = Goal("thermal_optimization", "Thermal Optimization")
UNCLASSIFIED = Goal("unclassified", "Unclassified")
WORKLOAD_BALANCING = Goal(
    "workload_balancing",
    "Workload Balancing",
    figures.WORKLOAD_BALANCING,
    strategy="workload_balance",
)


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
