"""Action handlers: one class per action type that changes the cloud; see pyproject.toml."""

import time
from collections.abc import Mapping

from openstack.connection import Connection

from application.ports.cloud import ActionHandler
from infrastructure.openstack.actions.base import Handler, Now, validate
from infrastructure.openstack.baremetal.nodes import Nodes
from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits

__all__ = ["handlers", "validate"]


def handlers(
    installed: Mapping[str, type[Handler]],
    connection: Connection,
    limits: ConnectionLimits | None = None,
    now: Now = time.time,
    options: Mapping[str, object] | None = None,
    nodes: Nodes | None = None,
) -> dict[str, ActionHandler]:
    """Returns a handler for each action type that has one. Sends nothing.

    Args:
        installed: action type → class of its handler.
        connection: to the cloud.
        limits: time-outs and deadlines.
        now: the wall clock, s since the epoch.
        options: action type → options of its handler; None: the defaults.
        nodes: manages the bare metal; None: the cloud's Ironic.
    """
    chosen = limits or ConnectionLimits()
    clouds = Clouds(connection, chosen, nodes)
    given = options or {name: kind.options() for name, kind in installed.items()}
    return {name: kind(clouds, chosen, now, given[name]) for name, kind in installed.items()}
