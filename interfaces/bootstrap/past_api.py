"""The REST API on a copy of a history, which refuses to write."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf

from infrastructure.read_models import SqlCollectedModels
from infrastructure.settings import Settings
from interfaces.bootstrap.access import announce, cors, server_settings
from interfaces.bootstrap.database import opened, upgrade
from interfaces.bootstrap.roles.api import rest_services
from interfaces.rest.serving.server import serve


def serve_past(
    settings: Settings, position: int, port: int, ready: Callable[[str, int], None]
) -> int:
    """Serves the REST API until the process receives a signal; returns the exit status.

    Args:
        settings: name the copy as their database.
        position: the last one in the copy.
        port: to listen on; 0: any free one.
        ready: called with host and port when connections are accepted.
    """
    announce(settings)
    _build(settings)
    collector = replace(
        settings.collector, compute_period=inf, storage_period=inf, baremetal_period=inf
    )
    return serve(
        partial(rest_services, replace(settings, collector=collector), past=position),
        replace(server_settings(settings), port=port),
        ready,
        wrap=cors(settings),
    )


def _build(settings: Settings) -> None:
    """Builds the read models, and confirms the last collected models as current."""
    upgrade(settings)
    with opened(settings) as database:
        database.projector().catch_up()
        collected = SqlCollectedModels(database.engine)
        for state in collected.states():
            version = None if state.position is None else collected.version(state.position)
            if version is not None:
                collected.confirm(state.model_id, version.base, 0.0)
