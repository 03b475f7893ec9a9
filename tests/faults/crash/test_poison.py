"""A run that costs one decision engine after the other ends; the others get their turn."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from application.ports.event_log import RecordedEvent
from domain.audits.reasons import WORKERS_LOST
from infrastructure.event_log import open_event_log
from tests.faults.crash.deadly import GATE
from tests.faults.crash.installation import HASTE, Cloud, Installation, eventually
from tests.world.plugins import distribution

STRATEGIES = "tests.faults.crash.deadly"
ENGINES = ("decision-engine", "decision-engine#2")
LATEST = {"OpenStack-API-Version": "infra-optim latest"}
LIMIT = 3


@dataclass(frozen=True)
class AuditClient:
    """An installation and what a test asks of it."""

    roles: Installation
    database: str

    def request(self, strategy: str, **more: object) -> str:
        body = {
            "audit_type": "ONESHOT",
            "goal": "dummy",
            "strategy": strategy,
            "name": f"{strategy}-{time.monotonic_ns()}",
            **more,
        }
        audit: str = self.roles.ask("POST", "/v1/audits", json=body)["uuid"]
        return audit

    def shown(self, audit: str) -> dict[str, Any]:
        found: dict[str, Any] = self.roles.ask("GET", f"/v1/audits/{audit}", headers=LATEST)
        return found

    def events(self, audit: str, topic: str) -> list[Any]:
        """The events of an audit with a topic."""
        log = open_event_log(self.database)
        history = log.history(UUID(audit))
        log.close()
        return [
            entry.event
            for entry in history
            if isinstance(entry, RecordedEvent) and entry.topic == topic
        ]

    def count(self, audit: str, topic: str, least: int) -> bool | None:
        """Whether an audit has so many events with a topic."""
        return len(self.events(audit, topic)) >= least or None


@pytest.fixture
def client(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AuditClient]:
    monkeypatch.setenv(GATE, str(tmp_path / "gate"))
    strategies = {"deadly": f"{STRATEGIES}:Deadly", "slow": f"{STRATEGIES}:Slow"}
    installed = distribution(tmp_path / "plugins", "deadly", {"vigil.strategies": strategies})
    monkeypatch.setenv("PYTHONPATH", str(installed), prepend=os.pathsep)
    cloud = Cloud(tmp_path, speed=20.0)
    cloud.replace(hosts=3, servers=6, seed=1)
    options = {**HASTE, "vigil.run_losses": str(LIMIT)}
    roles = Installation(tmp_path, database_url, cloud, options)
    roles.start("projector", "relay", "scheduler", "api", ENGINES[0])
    eventually(
        "strategies are listed", lambda: roles.ask("GET", "/v1/strategies")["strategies"] or None
    )
    yield AuditClient(roles, database_url)
    roles.stop()
    cloud.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_strategy_that_kills_its_process_costs_no_engine(client: AuditClient) -> None:
    """It took the engine along, and the runs beside it."""
    poison, others = client.request("deadly"), [client.request("dummy") for _ in range(3)]
    failed = eventually(
        "the poison run fails",
        lambda: found if (found := client.shown(poison))["state"] == "FAILED" else None,
    )
    assert "ended while it ran the strategy: SIGKILL" in failed["status_message"]
    for other in [*others, client.request("dummy")]:
        eventually("the others end", partial(ended, client, other))
    assert not client.roles.died(ENGINES[0])
    assert len(client.events(poison, "audit.run-claimed")) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_that_kills_its_engines_is_given_up_and_the_others_get_their_turn(
    client: AuditClient,
) -> None:
    """Each engine that took the run over died of it too, for ever: audits that shared an engine
    with it never ended, and nothing said why."""
    client.roles.start(ENGINES[1])
    poison = client.request("deadly", parameters={"para2": "engine"})
    others = [client.request("dummy") for _ in range(3)]
    deaths = 0

    def over() -> dict[str, Any] | None:
        nonlocal deaths
        for engine in ENGINES:
            if client.roles.died(engine):
                deaths += 1
                client.roles.start(engine)
        found = client.shown(poison)
        return found if found["state"] == "FAILED" else None

    failed = eventually("the poison run is given up", over, 120)
    assert deaths == LIMIT
    assert f"{LIMIT} workers were lost" in failed["status_message"]
    for other in others:  # each may have shared an engine with it as often as the limit allows
        eventually("the others end", partial(ended_or_given_up, client, other))
    eventually("a later one succeeds", partial(ended, client, client.request("dummy")))
    (end,) = client.events(poison, "audit.run-failed")
    claims = client.events(poison, "audit.run-claimed")
    assert end.because.reason == WORKERS_LOST
    assert end.because.facts["lost"] == [
        {"epoch": claim.epoch, "worker": claim.owner} for claim in claims[:LIMIT]
    ]
    assert len(claims) == LIMIT + 1, "it was not tried again"


def ended(client: AuditClient, audit: str) -> bool | None:
    return client.shown(audit)["state"] == "SUCCEEDED" or None


def ended_or_given_up(client: AuditClient, audit: str) -> bool | None:
    found = client.shown(audit)
    if found["state"] == "FAILED":
        assert f"{LIMIT} workers were lost" in found["status_message"]
        return True
    return ended(client, audit)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_engines_that_are_restarted_on_purpose_do_not_count_as_lost(
    client: AuditClient, tmp_path: Path
) -> None:
    """An operator restarts the engines, and the run takes longer than anybody waits for them."""
    audit = client.request("slow")
    for turn in range(1, LIMIT + 2):
        begun = partial(client.count, audit, "audit.inputs-recorded", turn)
        eventually("the strategy runs", begun)
        client.roles.tell_to_stop(ENGINES[0])
        given_back = partial(client.count, audit, "audit.run-deferred", turn)
        eventually("the claim is given back", given_back)
        client.roles.kill(ENGINES[0])  # the patience of whoever told it to stop has ended
        client.roles.start(ENGINES[0])
    (tmp_path / "gate").touch()
    eventually("the run succeeds", lambda: ended(client, audit))
    claims = client.events(audit, "audit.run-claimed")
    assert [claim.because for claim in claims] == [None] * (LIMIT + 2), "nobody was taken over"
