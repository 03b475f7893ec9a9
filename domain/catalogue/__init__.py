from domain.catalogue.catalogue import PluginCatalogue
from domain.catalogue.definitions import PluginDefinition, PluginKind

__all__ = ["PluginCatalogue", "PluginDefinition", "PluginKind"]
