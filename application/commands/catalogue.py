from collections.abc import Iterable

from application.kernel.unit_of_work import CommandResult, Commands, Transaction
from domain.catalogue import PluginCatalogue, PluginDefinition
from domain.kernel.ids import CATALOGUE_ID
from domain.kernel.metadata import Context, Metadata


def synchronise(
    commands: Commands, metadata: Metadata, installed: Iterable[PluginDefinition]
) -> CommandResult[None]:
    """Lists what is installed: new definitions, changed ones, and those that are gone.

    Processes that start together may all call it: the log lets one of them record a difference.
    """
    definitions = tuple(installed)

    def decide(tx: Transaction, ctx: Context) -> None:
        catalogue = tx.find(PluginCatalogue, CATALOGUE_ID)
        if catalogue is None:
            catalogue = PluginCatalogue.open(ctx)
            tx.add(catalogue)
        catalogue.synchronise(ctx, definitions)

    return commands.run(metadata, decide)
