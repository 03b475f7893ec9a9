"""Everything twice, at once, on one database: each run and each action still happens once."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from application.ports.event_log import RecordedEvent
from infrastructure.event_log import open_event_log
from tests.faults.crash.installation import ROLES, Cloud, Installation, eventually
from tests.faults.crash.test_kill import judge, one_round

TWINS = tuple(f"{role}#2" for role in ROLES if role != "api")


@pytest.fixture
def twins(tmp_path: Path, postgres_url: str) -> Iterator[tuple[Installation, Cloud]]:
    cloud = Cloud(tmp_path, speed=40.0)
    cloud.replace(hosts=8, servers=40, seed=5)
    installation = Installation(tmp_path, postgres_url, cloud)
    installation.start(*ROLES, *TWINS)
    yield installation, cloud
    installation.stop()
    cloud.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_of_everything_do_each_thing_once(
    twins: tuple[Installation, Cloud], postgres_url: str
) -> None:
    installation, cloud = twins
    eventually("goals are listed", lambda: installation.ask("GET", "/v1/goals")["goals"] or None)
    plan = one_round(installation)
    assert judge(installation, cloud, postgres_url, plan) > 0
    assert_said_once(postgres_url, plan)


def assert_said_once(database: str, plan: UUID) -> None:
    """No action has two outcomes, two receipts, or more than one intent."""
    log = open_event_log(database)
    said = [
        (entry.topic, getattr(entry.event, "action_id", None))
        for entry in log.history(plan)
        if isinstance(entry, RecordedEvent) and hasattr(entry.event, "action_id")
    ]
    everything = [entry for entry in log.read(0, 100_000) if isinstance(entry, RecordedEvent)]
    log.close()
    assert len(said) == len(set(said))
    assert sum(entry.topic == "audit.run-claimed" for entry in everything) == 1
    assert sum(entry.topic == "plan.claimed" for entry in everything) == 1
