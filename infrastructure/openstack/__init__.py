"""The cloud adapter: how Vigil reads an OpenStack and what it does to it."""

from infrastructure.openstack.actions import handlers, validate
from infrastructure.openstack.collector import NovaCollector
from infrastructure.openstack.connection import Limits, connect

__all__ = ["Limits", "NovaCollector", "connect", "handlers", "validate"]
