"""The connection to the cloud."""

from openstack.connection import Connection

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.settings import Settings


def connection(settings: Settings) -> Connection:
    """A connection to the configured cloud; sends no request yet."""
    return connect(settings.cloud.name, settings.cloud.config_file, limits(settings))


def limits(settings: Settings) -> ConnectionLimits:
    """Time limits of requests to the cloud."""
    return ConnectionLimits(timeout=settings.cloud.timeout, settle=settings.applier.settle_seconds)
