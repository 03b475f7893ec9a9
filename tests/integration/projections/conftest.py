from collections.abc import Iterator

import pytest

from infrastructure.event_log import SqlEventLog
from tests.integration.projections.world import World


@pytest.fixture
def world(event_database: str, event_log: SqlEventLog) -> Iterator[World]:
    """A log and its read models; on SQLite and on PostgreSQL."""
    opened = World.open(event_database, event_log)
    yield opened
    opened.close()
