"""Tests of plug-ins: clusters, scenarios, and conformance suites for pytest.

::

    class TestCooling(StrategyConformance):
        strategy = Cooling
        goal = COOL
"""

from application.simulation.offline import OfflineResult
from vigil.testing.clusters import generated_cluster
from vigil.testing.handlers import HandlerConformance, SimulatedCloud
from vigil.testing.optimizers import PlannerConformance, StrategyConformance
from vigil.testing.runs import Scenario, refused, scenarios, solve, violations

__all__ = [
    "HandlerConformance",
    "OfflineResult",
    "PlannerConformance",
    "Scenario",
    "SimulatedCloud",
    "StrategyConformance",
    "generated_cluster",
    "refused",
    "scenarios",
    "solve",
    "violations",
]
