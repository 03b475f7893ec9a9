"""Rebuilds the read models of an installation, on two cores if there are two."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection

from application.ports.read_tables import SCHEMAS, TIMELINE_SCHEMA
from application.projections import RebuildReport
from infrastructure.settings import Settings
from interfaces.bootstrap.database import CLOCK, opened

_APART = TIMELINE_SCHEMA.projection
"""It has a row per event: its rebuild takes as long as that of all others together."""
_ALL = tuple(schema.projection for schema in SCHEMAS)


class RebuildInterrupted(Exception):
    """The second process of a rebuild ended without a result; its old tables are still active."""


def rebuild(settings: Settings, *names: str) -> RebuildReport:
    """Rebuilds read tables next to the active ones, then activates them.

    Projections have positions of their own and are activated one by one, so two processes can share
    them: if one fails, the projections of the other one are rebuilt all the same.

    Args:
        settings: of the installation.
        names: of projections; none: all.

    Raises:
        RebuildInterrupted: see there.
        KeyError, RebuildRefused, RebuildLost, StoreUnavailable, EventLogUnavailable: see
            ``Projector.rebuild``.
    """
    wanted = names or _ALL
    others = [name for name in wanted if name != _APART]
    if len(others) in {0, len(wanted)} or len(os.sched_getaffinity(0)) == 1:
        return _rebuilt(settings, wanted)
    begun = CLOCK.monotonic()
    with _second_process(settings, [_APART]) as result:
        mine = _rebuilt(settings, others)
        try:
            theirs = result.recv()
        except EOFError:
            raise RebuildInterrupted(f"the process that rebuilt {_APART} ended early") from None
    if isinstance(theirs, Exception):
        raise theirs
    return RebuildReport(
        projections=mine.projections + theirs.projections,
        position=max(mine.position, theirs.position),
        events=max(mine.events, theirs.events),
        seconds=CLOCK.monotonic() - begun,
    )


def _rebuilt(settings: Settings, names: Sequence[str]) -> RebuildReport:
    with opened(settings) as database:
        return database.projector().rebuild(*names)


@contextmanager
def _second_process(settings: Settings, names: Sequence[str]) -> Iterator[Connection]:
    """A process that rebuilds projections, forked before this one opens the database."""
    context = multiprocessing.get_context("fork")
    result, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(result, sending, settings, names))
    process.start()
    sending.close()
    try:
        yield result
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
        process.close()
        result.close()


def _send_result(
    unused: Connection, sending: Connection, settings: Settings, names: Sequence[str]
) -> None:
    unused.close()
    try:
        sending.send(_rebuilt(settings, names))
    except Exception as error:  # noqa: BLE001 - the first process raises it
        sending.send(error)
