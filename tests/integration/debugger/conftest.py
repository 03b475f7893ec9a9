from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from application.ports.records import RecordStore
from application.replay.debugger.session import Session
from infrastructure.event_log import SqlEventLog, open_event_log, open_records, upgrade
from tests.world.executed import executed_plan
from tests.world.plugins import ACTION_TYPES


@dataclass(frozen=True)
class Recorded:
    """A log that several tests read."""

    url: str
    log: SqlEventLog
    records: RecordStore
    audit: UUID
    plan: UUID
    actions: list[UUID]

    def session(self) -> Session:
        return Session(self.log, lambda: self.records, lambda: ACTION_TYPES)


@contextmanager
def recording(folder: Path) -> Iterator[Recorded]:
    """A new log in a folder."""
    url = f"sqlite:///{folder / 'events.db'}"
    upgrade(url)
    log, records = open_event_log(url), open_records(url)
    plan = executed_plan(log, records)
    yield Recorded(url, log, records, plan.audit_id, plan.id, list(plan.actions))
    log.close()
    records.close()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with recording(tmp_path_factory.mktemp("log")) as found:
        yield found


@pytest.fixture
def session(recorded: Recorded) -> Session:
    return recorded.session()
