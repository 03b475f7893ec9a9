from typing import TYPE_CHECKING

from domain.catalogue.definitions import Definition, DefinitionKind
from domain.kernel.aggregate import Created, Event

if TYPE_CHECKING:
    from domain.catalogue.catalogue import Catalogue


class CatalogueOpened(Created):
    """The installation got its catalogue."""

    TOPIC = "catalogue.opened"


class DefinitionRegistered(Event):
    """A plug-in is new or came back."""

    TOPIC = "catalogue.definition-registered"
    definition: Definition

    def apply(self, aggregate: "Catalogue") -> None:
        aggregate.put(self.definition)


class DefinitionChanged(Event):
    """A plug-in says something else about itself. Only future runs see it."""

    TOPIC = "catalogue.definition-changed"
    definition: Definition

    def apply(self, aggregate: "Catalogue") -> None:
        aggregate.put(self.definition)


class DefinitionRetired(Event):
    """A plug-in is gone. What it once did stays on record."""

    TOPIC = "catalogue.definition-retired"
    kind: DefinitionKind
    name: str

    def apply(self, aggregate: "Catalogue") -> None:
        aggregate.drop(self.kind, self.name)
