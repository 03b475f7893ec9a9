from application.decision_engine.computation import DirectRunner
from infrastructure.plugins import Registry


def direct_runner() -> DirectRunner:
    """Runs every installed strategy: what the process of a strategy loads."""
    registry = Registry(log_problems=False)  # the engine has logged them
    return DirectRunner(registry.optimizers)
