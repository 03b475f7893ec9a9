"""What commands that read or write the database of an installation begin with."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from application.ports.event_log import EventLogUnavailable, UnreadableEvent
from application.ports.projections import StoreUnavailable
from infrastructure.event_log import SchemaError
from infrastructure.settings import Settings
from interfaces.bootstrap.database import OpenDatabase, opened
from interfaces.cli.arguments import locate, quiet_logging
from interfaces.cli.errors import report_errors

DATABASE_ERRORS = (SchemaError, StoreUnavailable, EventLogUnavailable, UnreadableEvent)


@contextmanager
def database_of(
    args: argparse.Namespace, role: str, *errors: type[Exception]
) -> Iterator[tuple[OpenDatabase, Settings]]:
    """Opens the database that the arguments name.

    Args:
        args: of a parser with ``add_settings``.
        role: for the log.
        errors: further errors of the command that are reported without a traceback.
    """
    quiet_logging(args, role)
    settings = locate(args).settings
    with report_errors(*DATABASE_ERRORS, *errors), opened(settings) as database:
        yield database, settings
