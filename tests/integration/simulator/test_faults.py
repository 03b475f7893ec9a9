"""Injected faults: each kind, its limits, and that nothing else is touched."""

import time

import pytest
import requests

from tests.integration.simulator.clients import IDS, Client, until

SERVER = IDS["free-1"]


def _target(cloud: Client) -> str:
    return "a2" if cloud.host_of(SERVER) != "a2" else "a3"


def test_a_migration_fails_half_way_and_the_next_one_does_not(cloud: Client) -> None:
    before, target = cloud.host_of(SERVER), _target(cloud)
    taken = cloud.taken(target)
    cloud.fault(kind="migration", outcome="fail", server=SERVER, times=1)
    answer = cloud.live(SERVER, target)
    assert answer.status_code == 202
    assert cloud.settled(SERVER)["OS-EXT-SRV-ATTR:host"] == before
    assert cloud.migrations(SERVER)[0]["status"] == "failed"
    assert cloud.taken(target) == taken
    assert cloud.live(SERVER, target).status_code == 202
    assert cloud.settled(SERVER)["OS-EXT-SRV-ATTR:host"] == target


def test_a_migration_ends_in_error_before_it_runs(cloud: Client) -> None:
    cloud.fault(kind="migration", outcome="error", server=SERVER)
    before = cloud.host_of(SERVER)
    cloud.live(SERVER, _target(cloud), "2.96")
    assert cloud.settled(SERVER)["OS-EXT-SRV-ATTR:host"] == before
    assert cloud.migrations(SERVER)[0]["status"] == "error"


@pytest.mark.parametrize("kind", ["live", "cold"])
def test_a_server_lands_elsewhere(cloud: Client, kind: str) -> None:
    target = _target(cloud)
    elsewhere = next(h for h in ("a1", "a2", "a3") if h not in (target, cloud.host_of(SERVER)))
    cloud.fault(kind="migration", outcome="elsewhere", server=SERVER, host=elsewhere)
    if kind == "live":
        cloud.live(SERVER, target)
    else:
        cloud.act(SERVER, {"migrate": {"host": target}})
        cloud.settled(SERVER, "VERIFY_RESIZE")
        cloud.act(SERVER, {"confirmResize": None})
    assert cloud.settled(SERVER)["OS-EXT-SRV-ATTR:host"] == elsewhere
    held = cloud.get(f"/placement/allocations/{SERVER}")["allocations"]
    assert list(held) == [cloud.provider(elsewhere)]


def test_a_cold_migration_fails_and_the_server_is_where_it_was(cloud: Client) -> None:
    before = cloud.host_of(SERVER)
    cloud.fault(kind="migration", outcome="fail", server=SERVER)
    cloud.act(SERVER, {"migrate": {"host": _target(cloud)}})
    until(lambda: cloud.migrations(SERVER)[0]["status"] == "error", "it failed")
    assert cloud.settled(SERVER)["OS-EXT-SRV-ATTR:host"] == before


def test_a_rule_strikes_the_next_n_servers_only(cloud: Client) -> None:
    cloud.fault(kind="migration", outcome="error", times=2)
    statuses = []
    for name in ("free-1", "free-2", "free-3"):
        cloud.live(IDS[name])
        cloud.settled(IDS[name])
        statuses.append(cloud.migrations(IDS[name])[0]["status"])
    assert statuses == ["error", "error", "completed"]
    assert cloud.get("/vigil/faults")["faults"] == []


def test_a_probability_spoils_some_of_many(cloud: Client) -> None:
    cloud.fault(kind="migration", outcome="error", times=None, probability=0.5)
    statuses = []
    for _ in range(16):
        cloud.live(SERVER)
        cloud.settled(SERVER)
        statuses.append(cloud.migrations(SERVER)[0]["status"])
    assert set(statuses) == {"error", "completed"}


@pytest.mark.parametrize(
    ("service", "path", "status", "envelope"),
    [
        ("compute", "/compute/v2.1/servers", 500, "computeFault"),
        ("compute", "/compute/v2.1/servers", 503, "serviceUnavailable"),
        ("placement", "/placement/resource_providers", 503, "errors"),
        ("identity", "/identity/v3/users", 500, "error"),
        ("metrics", "/prometheus/api/v1/query?query=up", 503, "error"),
    ],
)
def test_an_endpoint_answers_with_an_error_as_often_as_told(
    cloud: Client, service: str, path: str, status: int, envelope: str
) -> None:
    token = cloud.sdk.session.get_token()
    cloud.fault(kind="endpoint", service=service, status=status, times=2)

    def ask() -> requests.Response:
        url, headers = cloud.base_url + path, {"X-Auth-Token": str(token)}
        return requests.get(url, headers=headers, timeout=10)

    spoilt = [ask(), ask()]
    assert [answer.status_code for answer in spoilt] == [status, status]
    assert envelope in spoilt[0].json()
    assert ask().status_code == 200


def test_an_endpoint_is_slow(cloud: Client) -> None:
    cloud.fault(kind="endpoint", service="compute", path="^/v2.1/flavors", delay=0.4)
    began = time.monotonic()
    assert cloud.ask("GET", "/compute/v2.1/os-services").status_code == 200
    assert cloud.ask("GET", "/compute/v2.1/flavors").status_code == 200
    assert time.monotonic() - began >= 0.4


def test_a_lost_reply_is_a_request_that_was_processed(cloud: Client) -> None:
    """The client gets no answer, but the journal has it and the server moves."""
    target = _target(cloud)
    token = str(cloud.sdk.session.get_token())
    before = len(cloud.journal(SERVER))
    cloud.fault(kind="endpoint", service="compute", method="POST", path="/action$", lost_reply=True)
    with pytest.raises(requests.ConnectionError):
        requests.post(
            f"{cloud.base_url}/compute/v2.1/servers/{SERVER}/action",
            json={"os-migrateLive": {"host": target, "block_migration": "auto"}},
            headers={"X-Auth-Token": token, "OpenStack-API-Version": "compute 2.96"},
            timeout=10,
        )
    assert len(cloud.journal(SERVER)) == before + 1
    uuid = cloud.journal(SERVER)[-1]["migration_uuid"]
    until(
        lambda: (
            next(m for m in cloud.migrations(SERVER) if m["uuid"] == uuid)["status"] == "completed"
        ),
        "it arrives",
    )
    assert cloud.host_of(SERVER) == target


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "migration"}, "outcome must be one of fail, error, hang, elsewhere"),
        (
            {"kind": "migration", "outcome": "explode"},
            "outcome must be one of fail, error, hang, elsewhere",
        ),
        ({"kind": "nonsense"}, "kind must be migration or endpoint"),
        ({"kind": "endpoint", "path": "("}, "path is no regular expression"),
        ({"kind": "endpoint", "tims": 3}, "Object contains unknown field `tims`"),
        ({"kind": "endpoint", "times": 0}, "times: Expected `int` >= 1"),
        ({}, "kind must be migration or endpoint"),
    ],
    ids=str,
)
def test_a_rule_that_is_none_is_refused(cloud: Client, body: dict[str, object], said: str) -> None:
    """The text was that of a library ("Invalid value 'x' - at `$.kind`"); a mistyped field of a
    rule was ignored, so that the rule did something else."""
    answer = cloud.ask("POST", "/vigil/faults", body=body)
    assert answer.status_code == 400
    assert f"not a fault rule: {said}" in answer.text
    assert "$" not in answer.text
    assert cloud.get("/vigil/faults")["faults"] == []


def test_rules_are_listed_and_removed_one_by_one(cloud: Client) -> None:
    first = cloud.fault(kind="endpoint", service="compute", path="nowhere", status=500)
    second = cloud.fault(kind="migration", outcome="hang", server=SERVER)
    assert [rule["id"] for rule in cloud.get("/vigil/faults")["faults"]] == [first, second]
    assert cloud.ask("DELETE", f"/vigil/faults/{first}").status_code == 204
    assert cloud.ask("DELETE", f"/vigil/faults/{first}").status_code == 404
    assert [rule["id"] for rule in cloud.get("/vigil/faults")["faults"]] == [second]
