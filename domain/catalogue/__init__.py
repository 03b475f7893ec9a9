from domain.catalogue.catalogue import Catalogue
from domain.catalogue.definitions import Definition, DefinitionKind

__all__ = ["Catalogue", "Definition", "DefinitionKind"]
