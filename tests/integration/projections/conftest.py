from collections.abc import Iterator

import pytest

from infrastructure.event_log import SqlEventLog
from tests.world.world import World


@pytest.fixture
def world(event_database: str, event_log: SqlEventLog) -> Iterator[World]:
    """A log and its read models; on SQLite and on PostgreSQL."""
    with World(event_database, event_log) as opened:
        yield opened
