from collections.abc import Iterable
from dataclasses import field
from typing import Self

from domain.catalogue.definitions import PluginDefinition, PluginKind
from domain.catalogue.events import (
    CatalogueOpened,
    DefinitionChanged,
    DefinitionRegistered,
    DefinitionRetired,
)
from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.ids import CATALOGUE_ID
from domain.kernel.metadata import Context


class PluginCatalogue(Aggregate):
    """The goals, strategies, planners, scoring engines and action types of an installation."""

    TOPIC = "catalogue"

    definitions: dict[tuple[PluginKind, str], PluginDefinition] = field(default_factory=dict)

    @classmethod
    def open(cls, ctx: Context) -> Self:
        """Creates an empty catalogue."""
        return cls._new(CatalogueOpened, ctx, CATALOGUE_ID)

    def synchronise(self, ctx: Context, installed: Iterable[PluginDefinition]) -> None:
        """Records new, changed and removed plug-ins; nothing if there is no difference."""
        found = {(definition.kind, definition.name): definition for definition in installed}
        for key, definition in sorted(found.items()):
            if key not in self.definitions:
                self._trigger(DefinitionRegistered, ctx, definition=definition)
            elif self.definitions[key] != definition:
                self._trigger(DefinitionChanged, ctx, definition=definition)
        for kind, name in sorted(set(self.definitions) - set(found)):
            self._trigger(DefinitionRetired, ctx, kind=kind, name=name)

    @evolves
    def _listed(self, event: DefinitionRegistered | DefinitionChanged) -> None:
        definition = event.definition
        self.definitions[definition.kind, definition.name] = definition

    @evolves
    def _retired(self, event: DefinitionRetired) -> None:
        self.definitions.pop((event.kind, event.name), None)
