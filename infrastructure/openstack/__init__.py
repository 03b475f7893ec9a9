"""The OpenStack adapter: connections, collectors of models, and action handlers."""

from infrastructure.openstack.actions import handlers, validate
from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits, connect

__all__ = [
    "CinderCollector",
    "ConnectionLimits",
    "IronicNodes",
    "NovaCollector",
    "connect",
    "handlers",
    "validate",
]
