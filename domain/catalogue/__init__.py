"""The catalogue of installed goals, strategies, planners, scoring engines and action types."""

from domain.catalogue.catalogue import PluginCatalogue
from domain.catalogue.definitions import PluginDefinition, PluginKind

__all__ = ["PluginCatalogue", "PluginDefinition", "PluginKind"]
