"""The OpenStack adapter: connections, collectors of models, and action handlers."""

from infrastructure.openstack.actions import handlers, validate
from infrastructure.openstack.collectors.baremetal import IronicCollector
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits, connect

__all__ = [
    "CinderCollector",
    "ConnectionLimits",
    "IronicCollector",
    "NovaCollector",
    "connect",
    "handlers",
    "validate",
]
