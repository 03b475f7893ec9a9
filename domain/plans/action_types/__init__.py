"""The action types: one file per type, with its declaration and what builds its actions.

pyproject.toml registers them. An action of a declared type can be planned; it can be executed if
the type has a handler (``application.ports.cloud.ActionHandler``), too.
"""

from domain.plans.action_types.change_node_power_state import CHANGE_POWER_STATE, switch_power
from domain.plans.action_types.change_nova_service_state import (
    CHANGE_SERVICE_STATE,
    disable_host,
    enable_host,
)
from domain.plans.action_types.declaration import ActionType, ResourceKind
from domain.plans.action_types.migrate import MIGRATE, migrate
from domain.plans.action_types.nop import NOP
from domain.plans.action_types.resize import RESIZE
from domain.plans.action_types.sleep import SLEEP
from domain.plans.action_types.stop import STOP, stop_server

__all__ = [
    "CHANGE_POWER_STATE",
    "CHANGE_SERVICE_STATE",
    "MIGRATE",
    "NOP",
    "RESIZE",
    "SLEEP",
    "STOP",
    "ActionType",
    "ResourceKind",
    "disable_host",
    "enable_host",
    "migrate",
    "stop_server",
    "switch_power",
]
