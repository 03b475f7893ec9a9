from collections.abc import Iterator
from contextlib import contextmanager

OK, FAILED, USAGE, NOT_FOUND, REFUSED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
EXIT_CODES = {
    OK: "done",
    FAILED: "failed",
    USAGE: "wrong arguments or settings",
    NOT_FOUND: "no object, or several, have the name",
    REFUSED: "the API refused the request",
    UNREACHABLE: "no API was found, or it does not answer",
    INTERRUPTED: "interrupted (Ctrl-C)",
}
"""Exit code → meaning."""


class CommandFailed(Exception):
    """A command failed; main prints the message.

    Attributes:
        hint: what to do, if that is known.
        code: the exit code.
    """

    def __init__(self, message: str, *, hint: str | None = None, code: int = FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


@contextmanager
def report_errors(*errors: type[Exception]) -> Iterator[None]:
    """Turns the given errors into CommandFailed with the same message."""
    try:
        yield
    except errors as error:
        raise CommandFailed(str(error)) from error
