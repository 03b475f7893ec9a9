"""The strategies that ship with Vigil, one per file."""

from typing import Any, Final

from domain.optimization.strategies.actuator import Actuator
from domain.optimization.strategies.dummy import Dummy
from domain.optimization.strategies.vm_workload_consolidation import VmWorkloadConsolidation
from domain.optimization.strategy import Strategy

STRATEGIES: Final[dict[str, Strategy[Any]]] = {
    strategy.name: strategy for strategy in (Actuator(), Dummy(), VmWorkloadConsolidation())
}
"""Strategy name → strategy."""

__all__ = ["STRATEGIES"]
