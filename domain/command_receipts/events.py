from uuid import UUID

from domain.kernel.aggregate import Created


class CommandHandled(Created):
    """A command was handled; if it is sent again with the same key, it returns this result.

    Attributes:
        key: the caller's idempotency key.
        request: digest of the request, so that the key cannot be used for a different one.
        result: id of the aggregate that the command created or changed.
    """

    TOPIC = "command.handled"
    key: str
    request: str
    result: UUID
