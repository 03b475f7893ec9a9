"""The action types: one file per type, with its declaration and what builds its actions.

An action of a declared type can be planned; it can be executed if the type has a handler
(``application.ports.cloud.ActionHandler``), too.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from domain.plans.action_types import (
    change_node_power_state,
    change_nova_service_state,
    delete,
    nop,
    resize,
    shelve,
    sleep,
    stop,
    volume_migrate,
)
from domain.plans.action_types import migrate as _migrate
from domain.plans.action_types.change_nova_service_state import (
    CHANGE_SERVICE_STATE,
    disable_host,
    enable_host,
)
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.migrate import MIGRATE, migrate
from domain.plans.action_types.nop import NOP
from domain.plans.action_types.sleep import SLEEP

__all__ = [
    "ACTION_TYPES",
    "CHANGE_SERVICE_STATE",
    "MIGRATE",
    "NOP",
    "SLEEP",
    "ActionType",
    "ResourceKind",
    "default_parallelization",
    "default_weights",
    "disable_host",
    "enable_host",
    "migrate",
]

ACTION_TYPES: Final[Mapping[str, ActionType]] = {
    module.DECLARATION.name: module.DECLARATION
    for module in (
        _migrate,
        resize,
        change_nova_service_state,
        change_node_power_state,
        volume_migrate,
        stop,
        shelve,
        delete,
        nop,
        sleep,
    )
}
"""Name → the product's action type."""

_WITHOUT_ACTION = {"turn_host_to_acpi_s3_state": (10, 2)}
"""Names that the options of Watcher's planner list, of action types that do not exist."""


def default_weights(types: Iterable[ActionType] = ACTION_TYPES.values()) -> dict[str, int]:
    """Action type → default weight in the weight planner, the heaviest first."""
    weights = {one.name: one.weight for one in types}
    weights |= {name: weight for name, (weight, _) in _WITHOUT_ACTION.items()}
    return dict(sorted(weights.items(), key=lambda item: -item[1]))


def default_parallelization(types: Iterable[ActionType] = ACTION_TYPES.values()) -> dict[str, int]:
    """Action type → default parallelization in the weight planner, in the order of the weights."""
    chosen = list(types)
    limits = {one.name: one.parallelization for one in chosen}
    limits |= {name: limit for name, (_, limit) in _WITHOUT_ACTION.items()}
    return {name: limits[name] for name in default_weights(chosen)}
