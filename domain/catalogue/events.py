from domain.catalogue.definitions import PluginDefinition, PluginKind
from domain.catalogue.installation import Installation
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
    """A plug-in was removed from all installations. Its history stays."""

    TOPIC = "catalogue.definition-retired"
    kind: PluginKind
    name: str


class InstallationRecorded(Event):
    """A decision engine started with plug-ins that its host did not have before."""

    TOPIC = "catalogue.installation-recorded"
    installation: Installation


class InstallationResumed(Event):
    """A decision engine started with the plug-ins of an earlier one of its host."""

    TOPIC = "catalogue.installation-resumed"
    instance: str
    previous: str


class InstallationForgotten(Event):
    """A decision engine ended, or its host is gone: its plug-ins do not count any more."""

    TOPIC = "catalogue.installation-forgotten"
    instance: str
