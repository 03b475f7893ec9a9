from collections.abc import Iterator
from contextlib import contextmanager


class CommandFailed(Exception):
    """A command failed; main prints the message."""


@contextmanager
def report_errors(*errors: type[Exception]) -> Iterator[None]:
    """Turns the given errors into CommandFailed with the same message."""
    try:
        yield
    except errors as error:
        raise CommandFailed(str(error)) from error
