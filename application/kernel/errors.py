"""Errors of the application, in addition to those of the domain.

::

    ApplicationError
    ├── DefaultsInTheWay    a template's goal or strategy would change under its default parameters
    ├── KeyReused           an idempotency key was used before for a different request
    ├── NotYetVisible       a command was executed, but the read models are behind
    └── Unavailable         something that the response needs is unavailable now
        └── NothingThen         the object did not exist at the requested moment
"""


class ApplicationError(Exception):
    """Base class of the errors of the application.

    Attributes:
        position: as of ``DomainError``.
    """

    position: int | None = None


class DefaultsInTheWay(ApplicationError):
    """A template has default parameters, which were checked against its current strategy."""

    def __init__(self) -> None:
        super().__init__(
            "The audit template has default parameters: its goal or strategy can only be changed "
            "together with default_parameters."
        )


class NotYetVisible(ApplicationError):
    """A command was executed; its result cannot be read yet.

    Args:
        position: the log position that contains it.
    """

    def __init__(self, position: int) -> None:
        super().__init__(
            f"The request was carried out (log position {position}), but the read models have not "
            "caught up, so that its result cannot be shown yet."
        )
        self.position = position


class Unavailable(ApplicationError):
    """Something that the response needs is unavailable now."""


class NothingThen(Unavailable):
    """The object did not exist at the requested moment."""
