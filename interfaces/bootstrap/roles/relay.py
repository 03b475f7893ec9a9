import asyncio
import threading

from infrastructure.messaging import Relay
from infrastructure.settings import Settings
from interfaces.bootstrap.database import OpenDatabase
from interfaces.bootstrap.roles import Work
from interfaces.bootstrap.workers import hint_stream, nats, until


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Copies the event log to NATS."""
    relay = Relay(database.log, nats(settings), hint_stream(settings))
    return lambda: asyncio.run(until(stop, relay.run))
