import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from hypothesis import settings

from infrastructure.event_log import SqlEventLog, open_event_log, upgrade
from tests.postgres import _postgres_scratch, postgres_server, postgres_url

__all__ = ["_postgres_scratch", "postgres_server", "postgres_url"]

# a busy machine is no counterexample: tests have time-outs of their own
settings.register_profile("vigil", deadline=None)
settings.load_profile("vigil")


def pytest_sessionstart() -> None:
    """Stops if the installed metadata is older than the code: its plug-ins would be missing."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    declared = tomllib.loads(text)["project"]["entry-points"]
    found = distribution("vigil-optimizer").entry_points
    listed = {(one.group, one.name, one.value) for one in found if one.group in declared}
    expected = {(group, *pair) for group, named in declared.items() for pair in named.items()}
    if listed != expected:
        pytest.exit("the installed entry points are not those of pyproject.toml: `make install`", 4)


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
