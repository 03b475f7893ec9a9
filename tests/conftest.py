from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from infrastructure.event_log import SqlEventLog, open_event_log, upgrade
from tests.postgres import _postgres_scratch, postgres_server, postgres_url

__all__ = ["_postgres_scratch", "postgres_server", "postgres_url"]

# a busy machine is no counterexample: tests have time-outs of their own
settings.register_profile("vigil", deadline=None)
settings.load_profile("vigil")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'events.db'}"


@pytest.fixture(params=["sqlite_url", "postgres_url"], ids=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a new, empty database; a test that asks for it runs once for each kind."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def event_database(database_url: str) -> str:
    """URL of a database with the event log's schema."""
    upgrade(database_url)
    return database_url


@pytest.fixture
def event_log(event_database: str) -> Iterator[SqlEventLog]:
    """An empty event log."""
    log = open_event_log(event_database)
    yield log
    log.close()
