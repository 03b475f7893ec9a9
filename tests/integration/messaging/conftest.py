from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.event_log.log import SqlEventLog
from tests.integration.messaging.appending import make_log
from tests.nats import nats_server

__all__ = ["nats_server"]


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """Where the log's database lies."""
    return tmp_path / "events.db"


@pytest.fixture
def event_log(log_path: Path) -> Iterator[SqlEventLog]:
    """An empty log."""
    log = make_log(log_path)
    yield log
    log.close()
