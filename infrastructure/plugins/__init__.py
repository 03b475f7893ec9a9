"""Plug-ins: goals, strategies, planners, actions, … of all installed distributions."""

from infrastructure.plugins.options import PluginOptions, with_plugins
from infrastructure.plugins.registry import GROUPS, Plugin, Registry

__all__ = ["GROUPS", "Plugin", "PluginOptions", "Registry", "with_plugins"]
