from domain.catalogue.definitions import PluginDefinition, PluginKind
from domain.kernel.aggregate import Created, Event


class CatalogueOpened(Created):
    """The installation got its catalogue."""

    TOPIC = "catalogue.opened"


class DefinitionRegistered(Event):
    """A plug-in is new or came back."""

    TOPIC = "catalogue.definition-registered"
    definition: PluginDefinition


class DefinitionChanged(Event):
    """A plug-in says something else about itself. Only future runs see it."""

    TOPIC = "catalogue.definition-changed"
    definition: PluginDefinition


class DefinitionRetired(Event):
    """A plug-in is gone. What it once did stays on record."""

    TOPIC = "catalogue.definition-retired"
    kind: PluginKind
    name: str
