"""The recorded history that `vigil replay` and `vigil why` read."""

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from application.kernel.errors import Unavailable
from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.replay.aggregate_history import NoSuchMoment
from application.replay.expression import InvalidExpression
from application.replay.find import AmbiguousSubject, SubjectNotFound
from infrastructure.event_log import SchemaError
from interfaces.bootstrap.history import History
from interfaces.cli.arguments import locate, quiet_logging
from interfaces.cli.errors import CommandFailed, report_errors

if TYPE_CHECKING:
    from application.queries.decisions import Resource, ResourceKind

ERRORS = (
    *(SubjectNotFound, AmbiguousSubject, NoSuchMoment),
    *(InvalidExpression, SchemaError, Unavailable),
)


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[History]:
    """The recorded history of an installation, for reading.

    Raises:
        CommandFailed: it cannot be read, or has not what the block looks for.
    """
    quiet_logging(args, "replay")
    settings = locate(args).settings
    try:
        with report_errors(*ERRORS), closing(History(settings)) as history:
            yield history
    except EventLogUnavailable as error:
        raise CommandFailed(f"the event log cannot be read: {error}") from error
    except StoreUnavailable as error:
        raise CommandFailed(f"the read models cannot be read: {error}") from error


def wanted_resources(args: argparse.Namespace) -> "list[Resource]":
    """The resources that ``--server`` and ``--host`` name."""
    from application.queries.decisions import Resource  # noqa: PLC0415 - needs all of a decision

    given: tuple[tuple[str | None, ResourceKind], ...] = (
        (args.server, "server"),
        (args.host, "host"),
    )
    return [Resource(name, kind) for name, kind in given if name is not None]
