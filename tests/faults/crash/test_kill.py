"""``kill -9`` at random moments: nothing acknowledged is lost, no migration happens twice.

Every process of an installation is killed again and again while audits are requested, plans
launched and migrations carried out. The cloud itself stays and keeps a journal: that is the judge.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ports.event_log import RecordedEvent
from domain.plans.events import ActionIntended
from infrastructure.event_log import open_event_log
from tests.faults.crash.installation import Cloud, Installation, eventually
from tests.faults.crash.striking import KILLS, Killer, Rounds, struck_through

FINAL = {"SUCCEEDED", "FAILED"}
ENDED = {"SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED"}
VICTIMS = {
    "applier": 6,
    "decision-engine": 4,
    **dict.fromkeys(("projector", "relay", "scheduler", "api", "nats", "nats-store"), 1),
    "everything": 1,
}


@dataclass
class Consolidations(Rounds):
    """Requests, launches and judges a plan of consolidation, each on a new cloud."""

    installation: Installation
    cloud: Cloud
    database: str
    migrations: int = 0

    def one(self) -> None:
        self.cloud.replace(hosts=12, servers=70, seed=self.chance.randrange(10_000))
        plan = one_round(self.installation)
        self.migrations += judge(self.installation, self.cloud, self.database, plan)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path, speed=20.0)
    yield cloud
    cloud.stop()


@pytest.fixture
def installation(tmp_path: Path, database_url: str, cloud: Cloud) -> Iterator[Installation]:
    cloud.replace(hosts=12, servers=70, seed=1)
    installation = Installation(tmp_path, database_url, cloud)
    yield installation
    installation.stop()


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_kill_9_anywhere_is_a_non_event(
    installation: Installation, cloud: Cloud, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    installation.start()
    eventually("goals are listed", lambda: installation.ask("GET", "/v1/goals")["goals"] or None)
    killer = Killer(installation, random.Random(seed), VICTIMS, pause=(0.2, 1.6))
    rounds = Consolidations(random.Random(seed + 1), installation, cloud, database_url)
    seconds = struck_through(killer, rounds, KILLS)
    with capsys.disabled():
        print(
            f"\n{database_url.partition(':')[0]}: {len(killer.strikes)} kills in {rounds.count} "
            f"rounds, {rounds.migrations} migrations, {seconds:.0f} s, seed {seed}"
        )
    if rounds.failure is not None:
        raise rounds.failure
    assert rounds.migrations > 0


def one_round(installation: Installation) -> UUID:
    """Requests an audit, launches its plan, and waits until it has ended."""
    key = {"Idempotency-Key": str(uuid4())}
    body = {"audit_type": "ONESHOT", "goal": "server_consolidation", "name": f"round-{uuid4()}"}
    audit = installation.ask("POST", "/v1/audits", json=body, headers=key)
    acknowledged = audit["uuid"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = installation.ask("GET", f"/v1/audits/{acknowledged}")
        return found if found["state"] in {"SUCCEEDED", "FAILED", "CANCELLED"} else None

    state = eventually("the audit has ended", ended, 120)["state"]
    assert state == "SUCCEEDED", state
    plans = installation.ask("GET", f"/v1/action_plans?audit_uuid={acknowledged}")["action_plans"]
    assert len(plans) == 1
    plan = plans[0]["uuid"]
    launched = {"Idempotency-Key": str(uuid4())}
    if plans[0]["state"] == "RECOMMENDED":
        installation.ask("POST", f"/v1/action_plans/{plan}/start", json={}, headers=launched)

    def finished() -> dict[str, Any] | None:
        found: dict[str, Any] = installation.ask("GET", f"/v1/action_plans/{plan}")
        return found if found["state"] in FINAL else None

    eventually("the plan has ended", finished, 240)
    return UUID(plan)


def judge(installation: Installation, cloud: Cloud, database: str, plan: UUID) -> int:
    """Compares what the log says with what the cloud was asked; returns the migrations."""
    actions = installation.ask("GET", f"/v1/actions/detail?action_plan_uuid={plan}")["actions"]
    assert {action["state"] for action in actions} <= ENDED
    moved = {
        action["input_parameters"]["resource_id"]: action
        for action in actions
        if action["action_type"] == "migrate"
    }
    asked = cloud.migrations_of()
    assert set(asked) <= set(moved)
    log = open_event_log(database)
    intents = [
        entry.event.action_id
        for entry in log.history(plan)
        if isinstance(entry, RecordedEvent) and isinstance(entry.event, ActionIntended)
    ]
    log.close()
    for server, times in asked.items():
        action = moved[server]
        assert times == 1, f"server {server} was migrated {times} times"
        assert intents.count(UUID(action["uuid"])) >= 1, "a migration without an intent"
        assert action["state"] in {"SUCCEEDED", "FAILED"}, action
    for server, action in moved.items():
        if action["state"] == "SUCCEEDED":
            assert asked.get(server) == 1, f"server {server}: success without a migration"
    return len(asked)
