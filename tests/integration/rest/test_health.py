"""Health: whether the service can answer, and which part of it is not usable."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import falcon.testing
import pytest

from application.ports.read_models import ProjectionStatus
from infrastructure.event_log import postgres
from infrastructure.read_models import SqlReadModels
from interfaces.rest.app import create_app
from interfaces.rest.services import RestSettings
from tests.postgres import read_only
from tests.world.api import ApiWorld, installed


def test_a_service_that_keeps_up_is_ready(used_api: ApiWorld) -> None:
    health = used_api.get("/healthcheck", version=None)
    assert health["status"] == "ready"
    assert {"audits", "plans", "timeline"} <= {one["name"] for one in health["projections"]}
    assert used_api.get("/healthcheck/live", version=None) == {"status": "alive"}


def test_one_whose_projections_lag_is_not(api: ApiWorld) -> None:
    services = replace(api.rest, settings=RestSettings(ready_lag=-1))
    result = falcon.testing.TestClient(create_app(services)).simulate_get("/healthcheck")
    assert (result.status_code, result.json["status"]) == (503, "lagging")


def test_one_that_has_just_started_is_not_ready_before_it_shows_what_is_stored(
    tmp_path: Path,
) -> None:
    """It was ready at position 0 of 23, and answered lists with nothing."""
    api = ApiWorld(tmp_path)
    api.install(installed())
    http = falcon.testing.TestClient(create_app(api.rest))
    before = http.simulate_get("/healthcheck")
    assert (before.status_code, before.json["status"]) == (503, "lagging"), before.text
    with api:
        after = http.simulate_get("/healthcheck")
        assert (after.status_code, after.json["status"]) == (200, "ready")


def test_one_that_starts_behind_is_ready_when_it_has_caught_up(api: ApiWorld) -> None:
    """A few events are nothing for a service that keeps up, and everything after an outage."""

    class Behind:
        lag = 5

        def __getattr__(self, name: str) -> Any:
            return getattr(api.reads, name)

        def projections(self) -> list[ProjectionStatus]:
            found = api.reads.projections()
            return [replace(one, position=one.position - self.lag, lag=self.lag) for one in found]

    reads = Behind()
    services = replace(api.rest, reads=cast("SqlReadModels", reads))
    http = falcon.testing.TestClient(create_app(services))
    statuses = []
    for lag in (5, 1, 0, 3):
        reads.lag = lag
        statuses.append(http.simulate_get("/healthcheck").json["status"])
    assert statuses == ["lagging", "lagging", "ready", "ready"]


def test_one_whose_cloud_cannot_be_read_is_degraded(api: ApiWorld) -> None:
    services = replace(api.rest, cloud_problem=lambda: "the compute model cannot be collected")
    result = falcon.testing.TestClient(create_app(services)).simulate_get("/healthcheck")
    assert (result.status_code, result.json["status"]) == (200, "degraded")
    assert result.json["problems"] == [
        {"part": "cloud", "problem": "the compute model cannot be collected"}
    ]


def test_one_whose_database_is_read_only_is_not_ready_meanwhile(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was ready, answered every write with 500, and only a restart cured it."""
    monkeypatch.setattr(postgres, "CONNECT_TIMEOUT", 1)
    with ApiWorld(postgres_url) as own:
        assert own.get("/healthcheck", version=None)["status"] == "ready"
        with read_only(postgres_url):
            result = own.ask("GET", "/healthcheck", version=None)
            assert (result.status_code, result.json["status"]) == (503, "unusable")
            assert [one["part"] for one in result.json["problems"]] == ["database"]
            assert own.ask("GET", "/v1/goals").status_code == 503
        deadline = time.monotonic() + 5
        while own.ask("GET", "/healthcheck", version=None).status_code != 200:
            assert time.monotonic() < deadline, "it does not recover by itself"
            time.sleep(0.1)
        own.audit()
