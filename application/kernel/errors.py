"""What the application refuses beyond what the domain does.

::

    ApplicationError
    ├── DefaultsInTheWay    a template's goal or strategy would change under its default parameters
    ├── NotYetVisible       a command was carried out, but the read models have not caught up
    └── Unavailable         something that an answer needs cannot be had now
        └── NothingThen         at that moment of the past there was none yet
"""


class ApplicationError(Exception):
    """Root of what the application refuses."""


class DefaultsInTheWay(ApplicationError):
    """A template has default parameters that were checked against the strategy it is to lose."""

    def __init__(self) -> None:
        super().__init__(
            "The audit template has default parameters: its goal or strategy can only be changed "
            "together with default_parameters."
        )


class NotYetVisible(ApplicationError):
    """A command was carried out; what it did cannot be read yet.

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
    """Something that an answer needs cannot be had now."""


class NothingThen(Unavailable):
    """What was asked for did not exist at that moment of the past, or no longer."""
