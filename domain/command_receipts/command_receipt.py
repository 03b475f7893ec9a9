from typing import Self
from uuid import UUID

from domain.command_receipts.events import CommandHandled
from domain.kernel.aggregate import Aggregate
from domain.kernel.ids import command_id
from domain.kernel.metadata import Context


class CommandReceipt(Aggregate):
    """The result of a command: a stream of one event, saved in the command's transaction."""

    TOPIC = "command"

    key: str
    request: str
    result: UUID

    @classmethod
    def write(cls, ctx: Context, key: str, request: str, result: UUID) -> Self:
        """A receipt. Its id is a function of the key: a second one is a conflict in the log."""
        return cls._new(
            CommandHandled, ctx, command_id(key), key=key, request=request, result=result
        )
