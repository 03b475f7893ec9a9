"""An OpenStack for rehearsals over loopback HTTP, with its bare metal and its metrics.

Clients reach it as they reach any cloud, through clouds.yaml. See docs/simulator.md.
"""

from infrastructure.simulator.cli import add_arguments, run
from infrastructure.simulator.core.config import SimulatorConfig, clouds_yaml
from infrastructure.simulator.server import Simulator, serve

__all__ = [
    "Simulator",
    "SimulatorConfig",
    "add_arguments",
    "clouds_yaml",
    "run",
    "serve",
]
