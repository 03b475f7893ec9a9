from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from threading import Barrier, Event
from uuid import UUID

import pytest
from openstack.connection import Connection

from application.ports.cloud import CloudRefused, CloudUnreachable, correlated
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.errors import (
    CloudForbidden,
    Conflicting,
    Invalid,
    Misconfigured,
    ResourceNotFound,
)
from infrastructure.openstack.service import CloudService, compute
from tests.integration.openstack.scripted import Asked, Say, ScriptedCloud

ACTION = "/servers/s/action"


@pytest.fixture
def nova(connection: Connection, limits: ConnectionLimits) -> CloudService:
    return compute(connection, limits)


def _said(status: int, message: str) -> Say:
    return Say(status, {"error": {"code": status, "message": message}})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (HTTPStatus.BAD_REQUEST, Invalid),
        (HTTPStatus.UNAUTHORIZED, CloudForbidden),
        (HTTPStatus.FORBIDDEN, CloudForbidden),
        (HTTPStatus.NOT_FOUND, ResourceNotFound),
        (HTTPStatus.CONFLICT, Conflicting),
        (HTTPStatus.UNPROCESSABLE_ENTITY, Invalid),
        (HTTPStatus.TOO_MANY_REQUESTS, CloudUnreachable),
        (HTTPStatus.INTERNAL_SERVER_ERROR, CloudUnreachable),
        (HTTPStatus.SERVICE_UNAVAILABLE, CloudUnreachable),
    ],
)
def test_an_effects_status_says_whether_it_was_had(
    cloud: ScriptedCloud, nova: CloudService, status: int, kind: type[Exception]
) -> None:
    cloud.on("POST", ACTION, _said(status, "because of this"))
    with pytest.raises(kind, match="because of this"):
        nova.send_once("POST", ACTION, {"os-stop": None})


@pytest.mark.parametrize(
    "answer", [Say(lost=True), _said(502, "bad"), _said(503, "down"), _said(504, "slow")]
)
def test_an_effect_is_sent_once_whatever_happens(
    cloud: ScriptedCloud, nova: CloudService, answer: Say
) -> None:
    """Upstream repeats POSTs after connection errors: a lost reply became a second migration."""
    cloud.on("POST", ACTION, answer, Say(202))
    with pytest.raises(CloudUnreachable):
        nova.send_once("POST", ACTION, {"os-migrateLive": {}})
    assert len(cloud.asked_for("POST", ACTION)) == 1


def test_an_effect_is_sent_once_even_if_the_clouds_entry_asks_for_retries(
    cloud: ScriptedCloud, tmp_path: Path, limits: ConnectionLimits
) -> None:
    connection = connect("scripted", cloud.clouds_yaml(tmp_path), limits)
    connection.config.config.update(compute_connect_retries=3, compute_status_code_retries=3)
    cloud.on("POST", ACTION, Say(lost=True), _said(503, "down"), Say(202))
    with pytest.raises(CloudUnreachable):
        compute(connection, limits).send_once("POST", ACTION, {})
    assert len(cloud.asked_for("POST", ACTION)) == 1
    connection.session.session.close()


def test_an_effect_that_is_not_answered_in_time_is_unknown(
    cloud: ScriptedCloud, connection: Connection
) -> None:
    over = Event()
    cloud.on("POST", ACTION, Say(202, delay=lambda: over.wait(30)))
    impatient = compute(connection, ConnectionLimits(effect_timeout=0.2))
    with pytest.raises(CloudUnreachable, match="timed out"):
        impatient.send_once("POST", ACTION, {})
    over.set()


@pytest.mark.parametrize("answer", [Say(lost=True), _said(503, "down")])
def test_a_read_is_repeated(cloud: ScriptedCloud, nova: CloudService, answer: Say) -> None:
    cloud.on("GET", "/servers/s", answer, Say(200, {"server": {"id": "s"}}))
    assert nova.get("/servers/s") == {"server": {"id": "s"}}
    assert len(cloud.asked_for("GET", "/servers/s")) == 2


def test_a_read_is_not_repeated_for_ever(cloud: ScriptedCloud, nova: CloudService) -> None:
    cloud.on("GET", "/servers/s", _said(503, "down"))
    with pytest.raises(CloudUnreachable, match="down"):
        nova.get("/servers/s")
    assert len(cloud.asked_for("GET", "/servers/s")) == 2


def test_a_404_of_something_in_between_is_not_taken_for_a_missing_server(
    cloud: ScriptedCloud, nova: CloudService
) -> None:
    """A load balancer's 404 while Nova restarts must not have an action skipped."""
    cloud.on("GET", "/servers/s", Say(404, "<html>no such backend</html>"))
    with pytest.raises(CloudUnreachable, match="not from the service"):
        nova.get("/servers/s")


@pytest.mark.parametrize("body", ["no json", "[1, 2]"])
def test_an_answer_that_is_no_document_is_no_answer(
    cloud: ScriptedCloud, nova: CloudService, body: str
) -> None:
    cloud.on("GET", "/servers/s", Say(200, body))
    with pytest.raises(CloudUnreachable):
        nova.get("/servers/s")


def test_a_stale_token_is_renewed_and_the_request_repeated_once(
    cloud: ScriptedCloud, nova: CloudService
) -> None:
    cloud.on(
        "POST", ACTION, _said(401, "who are you"), Say(202, {}, {"X-Openstack-Request-Id": "req-1"})
    )
    assert nova.send_once("POST", ACTION, {}).request_id == "req-1"
    assert len(cloud.asked_for("POST", "/auth/tokens")) == 2


def test_a_revoked_token_is_renewed_for_all_parallel_requests(
    cloud: ScriptedCloud, nova: CloudService
) -> None:
    """All but the first failed, because the token was discarded already."""
    cloud.on("GET", "/servers/first", Say(200, {"server": {}}))
    nova.get("/servers/first")
    meeting = Barrier(8)
    revoked = replace(_said(401, "who are you"), delay=lambda: meeting.wait(30))
    cloud.on("GET", "/servers/s", *[revoked] * 8, Say(200, {"server": {"id": "s"}}))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: nova.get("/servers/s")["server"]["id"], range(8)))
    assert found == ["s"] * 8


def test_refused_credentials_are_a_refusal(cloud: ScriptedCloud, nova: CloudService) -> None:
    cloud.on("POST", "/v3/auth/tokens", _said(401, "wrong password"))
    with pytest.raises(CloudForbidden, match="wrong password"):
        nova.get("/servers/s")


@pytest.mark.parametrize("answer", [_said(503, "keystone is down"), Say(lost=True)])
def test_an_identity_service_that_is_down_is_unreachable(
    cloud: ScriptedCloud, nova: CloudService, answer: Say
) -> None:
    cloud.on("POST", "/v3/auth/tokens", answer)
    with pytest.raises(CloudUnreachable):
        nova.get("/servers/s")


def test_nobody_listening_is_unreachable(tmp_path: Path, limits: ConnectionLimits) -> None:
    gone = ScriptedCloud()
    gone.close()
    connection = connect("scripted", gone.clouds_yaml(tmp_path), limits)
    with pytest.raises(CloudUnreachable):
        compute(connection, limits).get("/servers/s")


def test_a_cloud_that_clouds_yaml_lacks_is_a_refusal(cloud: ScriptedCloud, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="elsewhere"):
        connect("elsewhere", cloud.clouds_yaml(tmp_path))


def test_a_cloud_that_is_too_old_is_refused_with_both_versions(
    tmp_path: Path, limits: ConnectionLimits
) -> None:
    old = ScriptedCloud(newest="2.53")
    connection = connect("scripted", old.clouds_yaml(tmp_path), limits)
    with pytest.raises(CloudRefused, match=r"2\.53.*2\.59"):
        compute(connection, limits).get("/servers/s")
    connection.session.session.close()
    old.close()


def test_the_newest_version_that_both_sides_know_is_spoken(
    cloud: ScriptedCloud, nova: CloudService
) -> None:
    cloud.on("GET", "/servers/s", Say(200, {}))
    nova.get("/servers/s")
    nova.get("/servers/s", version="2.53")
    spoken = [a.headers["openstack-api-version"] for a in cloud.asked_for("GET", "/servers/s")]
    assert spoken == ["compute 2.96", "compute 2.53"]
    assert nova.supports("2.80")
    assert not nova.supports("2.97")


def test_requests_carry_the_correlation_id_and_say_who_we_are(
    cloud: ScriptedCloud, nova: CloudService
) -> None:
    cloud.on("GET", "/servers/s", Say(200, {}))
    run = UUID(int=7)
    with correlated(run):
        nova.get("/servers/s")
    nova.get("/servers/s")
    first, second = cloud.asked_for("GET", "/servers/s")
    assert first.headers["x-openstack-request-id"] == f"req-{run}"
    assert "x-openstack-request-id" not in second.headers
    assert first.headers["user-agent"].startswith("vigil/")


def _page(asked: Asked) -> Say:
    servers = [{"id": f"s{n}"} for n in range(5)]
    ids = [server["id"] for server in servers]
    start = ids.index(asked.query["marker"]) + 1 if "marker" in asked.query else 0
    page = servers[start : start + int(asked.query["limit"])]
    more = start + len(page) < len(servers)
    links = [{"rel": "next", "href": "https://a-host-that-we-cannot-reach/"}] if more else []
    return Say(200, {"servers": page, "servers_links": links})


def test_a_list_is_read_page_by_page_by_its_own_marker(
    cloud: ScriptedCloud, connection: Connection
) -> None:
    """Next links name hosts as the service sees them, which may not be how we reach it."""
    cloud.on("GET", "/servers/detail", _page)
    nova = compute(connection, ConnectionLimits(page=2))
    found = nova.list_all("/servers/detail", "servers", {"all_tenants": "true"})
    assert [server["id"] for server in found] == ["s0", "s1", "s2", "s3", "s4"]
    assert nova.calls == 3
    assert all(a.query["all_tenants"] == "true" for a in cloud.asked_for("GET", "/servers/detail"))


def test_a_list_whose_marker_was_deleted_is_begun_again(
    cloud: ScriptedCloud, connection: Connection
) -> None:
    gone = Say(400, {"badRequest": {"code": 400, "message": "marker [s1] not found"}})
    cloud.on("GET", "/servers/detail", _page, gone, _page)
    nova = compute(connection, ConnectionLimits(page=2))
    assert len(nova.list_all("/servers/detail", "servers")) == 5
    cloud.on("GET", "/servers/detail", _page, gone, _page, gone)
    with pytest.raises(CloudUnreachable, match="changes too fast"):
        nova.list_all("/servers/detail", "servers")
