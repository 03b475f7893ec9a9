"""Commands that may be repeated: the second one finds the first one's result."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from application.kernel.unit_of_work import CommandResult, Commands, Transaction
from domain.kernel.metadata import Context, Metadata


@dataclass(frozen=True)
class IdempotencyKey:
    """That a command is to be carried out once however often it is sent.

    Attributes:
        key: unique per caller and intention.
        request: digest of what is asked, so that the key cannot be used for something else.
    """

    key: str
    request: str


def perform(
    commands: Commands,
    metadata: Metadata,
    decide: Callable[[Transaction, Context], UUID],
    once: IdempotencyKey | None,
) -> CommandResult[UUID]:
    """Runs a decision, once if asked to.

    Raises:
        KeyReused: the key was used for another request.
    """
    if once is None:
        return commands.run(metadata, decide)
    return commands.run_once(metadata, decide, key=once.key, request=once.request)
