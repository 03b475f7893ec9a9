"""The plug-ins that are installed here, and distributions of others."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from openstack.connection import Connection

from application.ports.cloud import ActionHandler
from application.simulation import offline
from application.simulation.offline import OfflineResult
from infrastructure.datasources.selection import Datasources
from infrastructure.openstack import actions
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.plugins import Registry
from infrastructure.settings import Settings
from interfaces.bootstrap import datasources as sources

REGISTRY = Registry()
OPTIMIZERS = REGISTRY.optimizers
GOALS = OPTIMIZERS.goals
STRATEGIES = OPTIMIZERS.strategies
PLANNERS = OPTIMIZERS.planners
ACTION_TYPES = OPTIMIZERS.action_types


def handlers(
    connection: Connection,
    limits: ConnectionLimits | None = None,
    now: Callable[[], float] = time.time,
) -> dict[str, ActionHandler]:
    """The installed action handlers."""
    return actions.handlers(REGISTRY.handlers, connection, limits, now)


def datasources(settings: Settings, connection: Connection) -> Datasources:
    """The configured datasources."""
    return sources.datasources(settings, connection, REGISTRY)


def solve_offline(
    data: Mapping[str, object],
    strategy: str = "vm_workload_consolidation",
    parameters: Mapping[str, object] | None = None,
) -> OfflineResult:
    """Runs an installed strategy on a cluster file."""
    return offline.solve_offline(OPTIMIZERS, data, strategy, parameters)


def distribution(
    folder: Path, name: str, entry_points: Mapping[str, Mapping[str, str]], version: str = "1.0"
) -> Path:
    """Installs a distribution that has only entry points into a folder for ``sys.path``.

    Args:
        folder: may hold several.
        name: of the distribution.
        entry_points: group → name → ``module:attribute``.
        version: of the distribution.
    """
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, named in entry_points.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in named.items())]
    (place / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder
