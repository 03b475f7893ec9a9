"""Action handlers: one class per action type that changes the cloud."""

import time
from collections.abc import Iterable

from openstack.connection import Connection

from application.ports.cloud import ActionHandler
from infrastructure.openstack.actions.base import Handler, Now, validate
from infrastructure.openstack.actions.idle import Nop, Sleep
from infrastructure.openstack.actions.nova.migrate import Migrate
from infrastructure.openstack.actions.nova.resize import Resize
from infrastructure.openstack.actions.nova.server_state import Delete, Shelve, Stop
from infrastructure.openstack.actions.nova.service_state import ChangeNovaServiceState
from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits

__all__ = ["handlers", "validate"]

_TYPES: Iterable[type[Handler]] = (
    Migrate,
    ChangeNovaServiceState,
    Resize,
    Stop,
    Shelve,
    Delete,
    Nop,
    Sleep,
)


def handlers(
    connection: Connection, limits: ConnectionLimits | None = None, now: Now = time.time
) -> dict[str, ActionHandler]:
    """Returns a handler for each action type. Sends nothing.

    Args:
        connection: to the cloud.
        limits: time-outs and deadlines.
        now: the wall clock, s since the epoch.
    """
    chosen = limits or ConnectionLimits()
    clouds = Clouds(connection, chosen)
    return {kind.declaration.name: kind(clouds, chosen, now) for kind in _TYPES}
