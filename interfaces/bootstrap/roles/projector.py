import threading
from functools import partial

from infrastructure.settings import Settings
from interfaces.bootstrap.database import OpenDatabase
from interfaces.bootstrap.roles import Work


def prepare(_: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Keeps the read models up to date."""
    return partial(database.projector().run, stop)
