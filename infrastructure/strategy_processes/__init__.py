"""Strategies in processes of their own, with limits on time and memory (docs/adr/0019)."""

from infrastructure.strategy_processes.run_process import ProcessLimits
from infrastructure.strategy_processes.runner import ProcessRunner

__all__ = ["ProcessLimits", "ProcessRunner"]
