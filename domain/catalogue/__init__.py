"""The catalogue of installed goals, strategies, planners, scoring engines and action types."""

from domain.catalogue.catalogue import PluginCatalogue
from domain.catalogue.definitions import PluginDefinition, PluginKind
from domain.catalogue.installation import Installation

__all__ = ["Installation", "PluginCatalogue", "PluginDefinition", "PluginKind"]
