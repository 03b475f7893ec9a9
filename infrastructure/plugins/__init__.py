"""Plug-ins: goals, strategies, planners, actions, … of all installed distributions."""

from infrastructure.plugins.registry import GROUPS, Plugin, Registry

__all__ = ["GROUPS", "Plugin", "Registry"]
