from collections.abc import Iterable
from typing import Self

from domain.catalogue.definitions import PluginDefinition, PluginKind
from domain.catalogue.events import (
    CatalogueOpened,
    DefinitionChanged,
    DefinitionRegistered,
    DefinitionRetired,
)
from domain.kernel.aggregate import Aggregate
from domain.kernel.ids import CATALOGUE_ID
from domain.kernel.metadata import Context


class PluginCatalogue(Aggregate):
    """The goals, strategies, planners, scoring engines and action types of an installation."""

    TOPIC = "catalogue"

    def __init__(self) -> None:
        self.definitions: dict[tuple[PluginKind, str], PluginDefinition] = {}

    @classmethod
    def open(cls, ctx: Context) -> Self:
        """An empty catalogue."""
        return cls._born(CatalogueOpened, ctx, CATALOGUE_ID)

    def synchronise(self, ctx: Context, installed: Iterable[PluginDefinition]) -> None:
        """Records how what is installed differs from what is listed; nothing if it does not."""
        found = {(definition.kind, definition.name): definition for definition in installed}
        for key, definition in sorted(found.items()):
            if key not in self.definitions:
                self._record(DefinitionRegistered, ctx, definition=definition)
            elif self.definitions[key] != definition:
                self._record(DefinitionChanged, ctx, definition=definition)
        for kind, name in sorted(set(self.definitions) - set(found)):
            self._record(DefinitionRetired, ctx, kind=kind, name=name)

    def put(self, definition: PluginDefinition) -> None:
        """Assigns a definition (used by events)."""
        self.definitions[definition.kind, definition.name] = definition

    def drop(self, kind: PluginKind, name: str) -> None:
        """Forgets a definition (used by events)."""
        self.definitions.pop((kind, name), None)
