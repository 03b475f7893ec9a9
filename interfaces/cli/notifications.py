import argparse
from collections.abc import Iterator, Sequence
from functools import partial

from application.notifier.publisher import PER_EVENT
from application.notifier.resending import Resender
from application.ports.notifier import TransportPosition
from application.ports.poison import PoisonedMessage
from infrastructure.notifications.listener import NotInstalled
from infrastructure.settings import Settings
from interfaces.bootstrap.database import OpenDatabase
from interfaces.bootstrap.notifier import composer, transports
from interfaces.cli.arguments import add_settings
from interfaces.cli.database import database_of
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_line, print_lines

SHOWN = 20
"""Notifications given up that are listed for each transport."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Notifications of what Vigil does. `status` prints how far each transport is, and what was "
        "given up; `resend` sends that again, for example when a receiver is mended; `forget` "
        "deletes the stored position of a transport that is not used any more."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_settings(actions.add_parser("status", help="print the state of each transport"))
    again = actions.add_parser("resend", help="send again what was given up")
    again.add_argument("name", nargs="?", default="all", metavar="NAME", help="a transport (all)")
    add_settings(again)
    forget = actions.add_parser("forget", help="delete the position of a transport")
    forget.add_argument("name", metavar="NAME", help="a transport")
    add_settings(forget)


def run(args: argparse.Namespace) -> int:
    """Shows, resends or forgets."""
    with database_of(args, "notifications", NotInstalled) as (database, settings):
        if args.action == "resend":
            return _resend(settings, database, args.name)
        if args.action == "forget":
            return _forget(database, args.name)
        print_lines(_lines(database))
    return 0


def _lines(database: OpenDatabase) -> Iterator[str]:
    end = database.log.end()
    positions = database.transports.rows()
    yield f"{'transport':<24} {'position':>9} {'lag':>6} {'given up':>9}  sent by"
    for one in positions:
        given_up = database.poison.rows(SHOWN + 1, consumer=one.transport)
        yield from _transport_lines(one, end, given_up)
    if not positions:
        yield "no notifier has run yet"


def _transport_lines(
    one: TransportPosition, end: int, given_up: Sequence[PoisonedMessage]
) -> Iterator[str]:
    count = f"{SHOWN}+" if len(given_up) > SHOWN else str(len(given_up))
    lag = max(0, end - one.position)
    yield f"{one.transport:<24} {one.position:>9} {lag:>6} {count:>9}  {one.holder}"
    for message in given_up[:SHOWN]:
        yield (
            f"  given up: {message.subject} of position {message.sequence // PER_EVENT} after "
            f"{message.deliveries} attempts: {message.error}"
        )


def _resend(settings: Settings, database: OpenDatabase, name: str) -> int:
    found = [one for one in transports(settings) if name in ("all", one.name)]
    if not found:
        raise CommandFailed(f"no transport {name} is configured")
    resender = Resender(database.log, partial(composer, settings, database), database.poison)
    failed = 0
    for transport in found:
        for message, problem in resender.resend(transport):
            failed += problem is not None
            what = f"{message.subject} of position {message.sequence // PER_EVENT}"
            print_line(f"{transport.name}: {what}: {problem or 'sent'}")
        transport.close()
    return 1 if failed else 0


def _forget(database: OpenDatabase, name: str) -> int:
    if not database.transports.remove(name):
        raise CommandFailed(f"there is no transport {name}; `status` lists them")
    print_line(f"{name}: forgotten; if it is used again, it starts at the end of the log")
    return 0
