"""The lists of the viewer: which columns each has, and what its rows stand for."""

from interfaces.terminal.viewer.lists.about import DECISIONS, FAULTS, ROLES
from interfaces.terminal.viewer.lists.cloud import HOSTS, SERVERS
from interfaces.terminal.viewer.lists.events import EVENTS, PARTS
from interfaces.terminal.viewer.lists.work import ACTIONS, AUDITS, PLANS

__all__ = [
    "ACTIONS",
    "AUDITS",
    "DECISIONS",
    "EVENTS",
    "FAULTS",
    "HOSTS",
    "PARTS",
    "PLANS",
    "ROLES",
    "SERVERS",
]
