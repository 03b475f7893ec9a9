"""The command that switches actuation off and on."""

from application.kernel.unit_of_work import CommandResult, Commands, Transaction
from domain.actuation import Actuation
from domain.kernel.ids import ACTUATION_ID
from domain.kernel.metadata import Context, Metadata


def switch_actuation(
    commands: Commands, metadata: Metadata, reason: str, *, on: bool
) -> CommandResult[None]:
    """Switches actuation off or on, for all appliers of the installation.

    Raises:
        InvalidValue: the reason is empty or too long.
    """

    def decide(tx: Transaction, ctx: Context) -> None:
        actuation = tx.find(Actuation, ACTUATION_ID)
        if actuation is None:
            actuation = Actuation.open(ctx)
            tx.add(actuation)
        actuation.switch(ctx, reason, on=on)

    return commands.run(metadata, decide)
