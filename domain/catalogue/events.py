from domain.catalogue.definitions import PluginDefinition, PluginKind
from domain.kernel.aggregate import Created, Event


class CatalogueOpened(Created):
    """The catalogue of the installation was created."""

    TOPIC = "catalogue.opened"


class DefinitionRegistered(Event):
    """A plug-in was installed."""

    TOPIC = "catalogue.definition-registered"
    definition: PluginDefinition


class DefinitionChanged(Event):
    """The definition of a plug-in changed; later runs use it."""

    TOPIC = "catalogue.definition-changed"
    definition: PluginDefinition


class DefinitionRetired(Event):
    """A plug-in was removed. Its history stays."""

    TOPIC = "catalogue.definition-retired"
    kind: PluginKind
    name: str
