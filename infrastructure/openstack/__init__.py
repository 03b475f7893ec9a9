"""The cloud adapter: how Vigil reads an OpenStack and what it does to it."""

from infrastructure.openstack.actions import handlers, validate
from infrastructure.openstack.baremetal_collector import IronicCollector
from infrastructure.openstack.collector import NovaCollector
from infrastructure.openstack.connection import Limits, connect
from infrastructure.openstack.storage_collector import CinderCollector

__all__ = [
    "CinderCollector",
    "IronicCollector",
    "Limits",
    "NovaCollector",
    "connect",
    "handlers",
    "validate",
]
