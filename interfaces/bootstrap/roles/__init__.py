"""The roles: one module per kind of process. Only the module of the role that runs is imported."""

import importlib
import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Protocol, cast

from infrastructure.settings import Settings
from infrastructure.threads import noticed_threads
from interfaces.bootstrap.database import OpenDatabase, opened

LOG = logging.getLogger(__name__)
ROLES = (
    "api",
    "projector",
    "relay",
    "scheduler",
    "collector",
    "listener",
    "notifier",
    "decision-engine",
    "applier",
)
Work = Callable[[], None]
"""Runs a prepared role until its stop event is set."""


class RoleModule(Protocol):
    """What the module of a role defines; the API's differs (``api.serve_api``)."""

    def prepare(self, settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
        """Builds the role from the settings."""
        ...


def run_role(
    role: str,
    settings: Settings,
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
    listener: socket.socket | None = None,
) -> int:
    """Runs a role until ``stop`` is set.

    Args:
        role: its name.
        settings: of the installation.
        stop: ends the role.
        ready: called when the role is prepared and starts to work.
        listener: socket on which the API accepts connections, instead of its host and port.

    Returns:
        The exit status of the process: 1 if an error ended one of its threads.

    Raises:
        KeyError: there is no such role.
    """
    if role not in ROLES:
        raise KeyError(role)
    if role == "api":
        # Only here: no other role needs the REST application in memory.
        from interfaces.bootstrap.roles.api import serve_api  # noqa: PLC0415

        return serve_api(settings, ready, listener)
    module = importlib.import_module(f"{__name__}.{role.replace('-', '_')}")
    with opened(settings) as database, noticed_threads(stop) as lost:
        unknown = database.log.unknown_topics()
        if unknown:
            LOG.error("events unknown to this version are quarantined: %s", unknown)
        work = cast("RoleModule", module).prepare(settings, database, stop)
        ready()
        work()
    return 1 if lost else 0


def instance_name(settings: Settings) -> str:
    """The name of this process: ``host/pid``."""
    return f"{settings.host}/{os.getpid()}"
