"""The event log that `vigil replay` reads."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from application.ports.event_log import EventLogUnavailable, ReadOnlyLog
from application.replay.aggregate_history import NoSuchMoment
from application.replay.find import AmbiguousSubject, SubjectNotFound
from infrastructure.event_log import SchemaError
from infrastructure.event_log.read_only import open_read_only
from infrastructure.settings import Settings
from interfaces.cli.arguments import locate, quiet_logging
from interfaces.cli.errors import CommandFailed, report_errors


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[tuple[Settings, ReadOnlyLog]]:
    """The settings of an installation and its event log, for reading.

    Raises:
        CommandFailed: the log cannot be read, or has not what the block looks for.
    """
    quiet_logging(args, "replay")
    settings = locate(args).settings
    with report_errors(SchemaError):
        log = open_read_only(settings.database.connection)
    try:
        with report_errors(SubjectNotFound, AmbiguousSubject, NoSuchMoment):
            yield settings, log
    except EventLogUnavailable as error:
        raise CommandFailed(f"the event log cannot be read: {error}") from error
    finally:
        log.close()
