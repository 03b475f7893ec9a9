"""PostgreSQL fails over under a whole installation: the work continues by itself.

The standby has every acknowledged commit (synchronous replication): an asynchronous one may lose
the last events, of which the cloud has the effects already.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests

from tests.faults.crash.installation import Cloud, Installation, eventually
from tests.faults.crash.test_kill import FINAL, judge
from tests.postgres import Cluster, read_only

LIMIT = 10.0
"""Seconds from the promotion until the work continues."""


@pytest.fixture
def primary() -> Iterator[Cluster]:
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.remove()


@pytest.fixture
def standby(primary: Cluster) -> Iterator[Cluster]:
    cluster = Cluster(copied_from=primary)
    cluster.start()
    primary.replicate_synchronously()
    yield cluster
    cluster.remove()


def both(primary: Cluster, standby: Cluster) -> str:
    """One URL with the two servers, as libpq has it."""
    hosts = ",".join(f"127.0.0.1:{cluster.port}" for cluster in (primary, standby))
    return urlsplit(primary.url)._replace(netloc=f"postgres@{hosts}").geturl()


def installed(directory: Path, url: str) -> Iterator[tuple[Installation, Cloud]]:
    cloud = Cloud(directory, speed=10.0)
    cloud.replace(hosts=8, servers=40, seed=5)
    installation = Installation(directory, url, cloud)
    installation.start()
    yield installation, cloud
    installation.stop()
    cloud.stop()


@pytest.fixture
def running(
    tmp_path: Path, primary: Cluster, standby: Cluster
) -> Iterator[tuple[Installation, Cloud]]:
    yield from installed(tmp_path, both(primary, standby))


@pytest.fixture
def on_one(tmp_path: Path, postgres_url: str) -> Iterator[tuple[Installation, Cloud]]:
    yield from installed(tmp_path, postgres_url)


def ready(installation: Installation) -> bool:
    try:
        return requests.get(f"{installation.url}/healthcheck", timeout=5).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False


def begun(installation: Installation, cloud: Cloud) -> str:
    """Starts a plan and waits until it migrates servers; returns its id."""
    eventually("goals are listed", lambda: installation.ask("GET", "/v1/goals")["goals"] or None)
    body = {"audit_type": "ONESHOT", "goal": "server_consolidation", "auto_trigger": True}
    audit = installation.ask("POST", "/v1/audits", json=body)["uuid"]

    def plan() -> str | None:
        found = installation.ask("GET", f"/v1/action_plans?audit_uuid={audit}")["action_plans"]
        return found[0]["uuid"] if found else None

    eventually("migrations are in progress", lambda: cloud.migrations_of() or None)
    eventually("it is ready", lambda: ready(installation) or None)
    return eventually("there is a plan", plan)


def stays_unready(installation: Installation) -> None:
    eventually("it is not ready", lambda: not ready(installation) or None, LIMIT)
    for _ in range(5):
        assert not ready(installation)
        time.sleep(0.2)


def continues(installation: Installation, cloud: Cloud, url: str, plan: str, before: int) -> None:
    """Checks that the work goes on within the limit, and what became of the plan."""
    eventually("it is ready again", lambda: ready(installation) or None, LIMIT)
    eventually("work continues", lambda: len(cloud.migrations_of()) > before or None, LIMIT)

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = installation.ask("GET", f"/v1/action_plans/{plan}")
        return found if found["state"] in FINAL else None

    assert eventually("the plan has ended", ended, 120)["state"] == "SUCCEEDED"
    assert judge(installation, cloud, url, UUID(plan)) > before


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_work_continues_on_the_promoted_standby(
    running: tuple[Installation, Cloud], primary: Cluster, standby: Cluster
) -> None:
    installation, cloud = running
    plan = begun(installation, cloud)
    before = len(cloud.migrations_of())
    primary.remove()  # for good
    stays_unready(installation)  # sessions find only the standby, which refuses them
    standby.promote()
    continues(installation, cloud, both(primary, standby), plan, before)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_work_continues_after_the_database_was_read_only(
    on_one: tuple[Installation, Cloud], postgres_url: str
) -> None:
    installation, cloud = on_one
    plan = begun(installation, cloud)
    with read_only(postgres_url):
        before = len(cloud.migrations_of())
        stays_unready(installation)
    continues(installation, cloud, postgres_url, plan, before)
