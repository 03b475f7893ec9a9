"""Keystone decides who calls (docs/authentication.md)."""

import time
from dataclasses import replace
from pathlib import Path

import falcon.testing
import pytest

from application.ports.event_log import RecordedEvent
from domain.kernel.metadata import ActorKind
from infrastructure.settings import LibraryOptions
from interfaces.rest.app import create_app
from interfaces.rest.keystone import IdentityMisconfigured, KeystoneIdentity
from interfaces.rest.services import RestSettings
from tests.integration.rest.access.keystone import (
    Keystone,
    a_keystone,
    guard,
    guarded_by,
    options_of,
)
from tests.memcached import memcached, stored_items
from tests.ports import free_port
from tests.world.api import ApiWorld, refused

PUBLIC = ("/", "/healthcheck", "/healthcheck/live")


@pytest.fixture
def http(used_api: ApiWorld, keystone: Keystone) -> falcon.testing.TestClient:
    return guarded_by(used_api, guard(keystone.options()))


def health_of(api: ApiWorld, options: LibraryOptions) -> falcon.testing.Result:
    """The health of an API whose tokens are validated with these options."""
    services = replace(api.rest, identity_problem=KeystoneIdentity(options).problem)
    return falcon.testing.TestClient(create_app(services)).simulate_get("/healthcheck")


def assert_unauthenticated(answer: falcon.testing.Result, keystone: Keystone) -> None:
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["www-authenticate"] == f'Keystone uri="{keystone.url}"'
    assert answer.json == {
        "error": {
            "code": 401,
            "title": "Unauthorized",
            "message": "The request you have made requires authentication.",
        }
    }
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    assert "openstack-api-maximum-version" not in answer.headers


def test_an_administrators_token_opens_the_api(
    http: falcon.testing.TestClient, keystone: Keystone
) -> None:
    answer = http.simulate_get("/v1/goals", headers={"X-Auth-Token": keystone.token()})
    assert answer.status_code == 200
    assert [goal["name"] for goal in answer.json["goals"]] == [
        "dummy",
        "server_consolidation",
        "unclassified",
    ]


def test_a_plain_member_is_known_but_may_not(
    http: falcon.testing.TestClient, keystone: Keystone
) -> None:
    headers = {"X-Auth-Token": keystone.token("demo")}
    assert http.simulate_get("/v1", headers=headers).status_code == 200
    text = refused(http.simulate_get("/v1/goals", headers=headers), 403)
    assert text == "Policy doesn't allow goal:get_all to be performed."


@pytest.mark.parametrize("path", ["/v1", "/v1/goals", "/v1/nosuch", "/nosuch", "/v1//goals/"])
def test_without_a_token_nothing_is_told_of_what_is_there(
    http: falcon.testing.TestClient, keystone: Keystone, path: str
) -> None:
    assert_unauthenticated(http.simulate_get(path), keystone)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b", "x" * 3000, "t\xf6ken", "a b\tc"])
def test_a_token_that_keystone_does_not_know_is_no_token(
    http: falcon.testing.TestClient, keystone: Keystone, token: str
) -> None:
    answer = http.simulate_get("/v1/goals", headers={"X-Auth-Token": token})
    assert_unauthenticated(answer, keystone)


def test_a_revoked_token_is_no_token(http: falcon.testing.TestClient, keystone: Keystone) -> None:
    token = keystone.token()
    keystone.revoke(token)
    assert_unauthenticated(
        http.simulate_get("/v1/goals", headers={"X-Auth-Token": token}), keystone
    )


def test_a_token_expires_although_its_validation_is_cached(
    used_api: ApiWorld, tmp_path: Path
) -> None:
    with a_keystone(tmp_path, token_lifetime=4.0) as keystone:
        http = guarded_by(used_api, guard(keystone.options()))
        headers = {"X-Auth-Token": keystone.token()}
        assert http.simulate_get("/v1/goals", headers=headers).status_code == 200
        deadline = time.monotonic() + 30
        while http.simulate_get("/v1/goals", headers=headers).status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert_unauthenticated(http.simulate_get("/v1/goals", headers=headers), keystone)


def test_public_routes_need_no_token_and_do_not_look_at_one(
    http: falcon.testing.TestClient,
) -> None:
    for path in PUBLIC:
        for headers in ({}, {"X-Auth-Token": "nonsense"}):
            assert http.simulate_get(path, headers=headers).status_code == 200, path


class TestMemcached:
    def test_keeps_validated_tokens_for_all_processes(
        self, used_api: ApiWorld, keystone: Keystone
    ) -> None:
        """The section of docs/authentication.md: each request ended as a 500."""
        with memcached() as address:
            http = guarded_by(used_api, guard(keystone.options(f"memcached_servers = {address}")))
            headers = {"X-Auth-Token": keystone.token()}
            assert http.simulate_get("/v1/goals", headers=headers).status_code == 200
            assert stored_items(address) == 1

    # python-memcached leaves a socket open that could not be connected
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_that_is_away_only_costs_its_help(self, used_api: ApiWorld, keystone: Keystone) -> None:
        away = f"memcached_servers = 127.0.0.1:{free_port()}"
        http = guarded_by(used_api, guard(keystone.options(away)))
        headers = {"X-Auth-Token": keystone.token()}
        assert http.simulate_get("/v1/goals", headers=headers).status_code == 200

    @pytest.mark.parametrize(
        ("lines", "complaint"),
        [
            (
                ("memcache_sasl_enabled = true", "memcached_servers = ctl:11211"),
                "memcache_sasl_enabled: needs the package python-binary-memcached",
            ),
            (("memcache_security_strategy = ENCRYPT",), "memcache_secret_key must be defined"),
        ],
    )
    def test_that_cannot_work_is_refused_at_the_start(
        self, keystone: Keystone, lines: tuple[str, ...], complaint: str
    ) -> None:
        with pytest.raises(IdentityMisconfigured, match=complaint):
            KeystoneIdentity(keystone.options(*lines))


def test_what_a_client_says_of_itself_is_not_believed(
    http: falcon.testing.TestClient, keystone: Keystone
) -> None:
    """The headers in which the filter tells who calls, sent from outside."""
    forged = {
        "X-Roles": "admin",
        "X-Role": "admin",
        "X-Identity-Status": "Confirmed",
        "X-User-Id": "somebody",
        "X-Is-Admin-Project": "True",
        "X-Service-Roles": "admin",
        "OpenStack-System-Scope": "all",
    }
    assert_unauthenticated(http.simulate_get("/v1/goals", headers=forged), keystone)
    member = {**forged, "X-Auth-Token": keystone.token("demo")}
    refused(http.simulate_get("/v1/goals", headers=member), 403)


def test_system_scope_is_the_tokens_and_not_a_headers(keystone: Keystone) -> None:
    identity = KeystoneIdentity(keystone.options())
    headers = {"X-Auth-Token": keystone.token("demo"), "OpenStack-System-Scope": "all"}
    caller = identity.identify(falcon.Request(falcon.testing.create_environ(headers=headers)))
    assert caller.credentials["system_scope"] is None


class TestServiceTokens:
    def test_one_of_a_service_is_accepted_beside_the_users(
        self, http: falcon.testing.TestClient, keystone: Keystone
    ) -> None:
        headers = {
            "X-Auth-Token": keystone.token(),
            "X-Service-Token": keystone.token("vigil", "service"),
        }
        assert http.simulate_get("/v1/goals", headers=headers).status_code == 200

    def test_rules_see_the_services_roles_apart_from_the_users(self, keystone: Keystone) -> None:
        options = keystone.options(
            "[oslo_policy]", "policy_file = p.yaml", p='"goal:get_all": "service_roles:service"'
        )
        who = guard(options)
        both = {
            "X-Auth-Token": keystone.token("demo"),
            "X-Service-Token": keystone.token("vigil", "service"),
        }
        env = falcon.testing.create_environ(headers=both)
        caller = who.identify(falcon.Request(env))
        assert caller.roles == {"member", "reader"}
        assert caller.credentials["service_roles"] == ["admin", "service", "member", "reader"]
        assert who.allows(caller, "goal:get_all", {})
        assert not who.allows(caller, "goal:get", {})

    @pytest.mark.parametrize("service", ["nonsense", "a member's"])
    def test_one_that_is_none_spoils_the_request(
        self, http: falcon.testing.TestClient, keystone: Keystone, service: str
    ) -> None:
        told = keystone.token("demo") if service == "a member's" else service
        headers = {"X-Auth-Token": keystone.token(), "X-Service-Token": told}
        assert_unauthenticated(http.simulate_get("/v1/goals", headers=headers), keystone)


def test_events_carry_who_asked(api: ApiWorld, keystone: Keystone) -> None:
    http = guarded_by(api, guard(keystone.options()))
    body = {"audit_type": "EVENT", "goal": "dummy"}
    answer = http.simulate_post(
        "/v1/audits", json=body, headers={"X-Auth-Token": keystone.token(), "X-User-Name": "eve"}
    )
    assert answer.status_code == 201, answer.text
    *_, last = api.log.read(0, 10_000)
    assert isinstance(last, RecordedEvent)
    metadata = last.event.metadata
    assert metadata.actor.kind is ActorKind.USER
    assert metadata.actor.name == "admin"
    assert len(metadata.actor.id) == len(metadata.actor.project or "") == 32
    assert metadata.request_id == answer.headers["x-openstack-request-id"]


class TestAnIdentityServiceThatIsAway:
    def test_is_told_as_such_and_public_routes_go_on(
        self, used_api: ApiWorld, tmp_path: Path
    ) -> None:
        nowhere = Keystone(f"http://127.0.0.1:{free_port()}/identity", tmp_path)
        http = guarded_by(used_api, guard(nowhere.options("http_request_max_retries = 0")))
        answer = http.simulate_get("/v1/goals", headers={"X-Auth-Token": "some-token"})
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/json"
        assert answer.json == {
            "message": "The Keystone service is temporarily unavailable.",
            "code": "503 Service Unavailable",
            "title": "Service Unavailable",
        }
        assert http.simulate_get("/").status_code == 200

    def test_that_refuses_our_own_credentials_is_our_fault_and_not_the_clients(
        self, used_api: ApiWorld, keystone: Keystone, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = keystone.file()
        file.write_text(file.read_text().replace("password = simulator", "password = wrong-pw"))
        http = guarded_by(used_api, guard(options_of(file)))
        answer = http.simulate_get("/v1/goals", headers={"X-Auth-Token": keystone.token()})
        assert answer.status_code == 503
        assert "Keystone refuses Vigil's own credentials ([keystone_authtoken])" in caplog.text
        assert "wrong-pw" not in caplog.text
        health = health_of(used_api, options_of(file))
        assert health.status_code == 503
        assert health.json["status"] == "unusable"
        assert health.json["problems"] == [
            {
                "part": "identity",
                "problem": "Keystone refuses Vigil's own credentials ([keystone_authtoken])",
            }
        ]
        assert "wrong-pw" not in health.text

    def test_shows_in_the_health(self, used_api: ApiWorld, tmp_path: Path) -> None:
        nowhere = Keystone(f"http://127.0.0.1:{free_port()}/identity", tmp_path)
        health = health_of(used_api, nowhere.options())
        assert (health.status_code, health.json["status"]) == (503, "unusable")
        assert [one["problem"] for one in health.json["problems"]] == ["Keystone does not answer"]

    def test_costs_those_without_a_token_nothing(self, used_api: ApiWorld, tmp_path: Path) -> None:
        nowhere = Keystone(f"http://127.0.0.1:{free_port()}/identity", tmp_path)
        http = guarded_by(used_api, guard(nowhere.options()))
        assert_unauthenticated(http.simulate_get("/v1/goals"), nowhere)


class TestConfiguration:
    def test_without_credentials_is_refused_by_name(self, tmp_path: Path) -> None:
        file = tmp_path / "vigil.conf"
        file.write_text("[keystone_authtoken]\nwww_authenticate_uri = http://k\n")
        with pytest.raises(IdentityMisconfigured, match=r"\[keystone_authtoken\] auth_type: must"):
            KeystoneIdentity(options_of(file))

    @pytest.mark.parametrize(
        ("line", "complaint"),
        [
            ("token_cache_time = soon", "token_cache_time"),
            ("auth_type = palmistry", "palmistry"),
        ],
    )
    def test_that_cannot_be_used_is_refused_by_name(
        self, keystone: Keystone, line: str, complaint: str
    ) -> None:
        file = keystone.file()
        name = line.partition(" ")[0]
        kept = [one for one in file.read_text().splitlines() if not one.startswith(f"{name} ")]
        file.write_text("\n".join([*kept, line]))
        with pytest.raises(IdentityMisconfigured, match=complaint):
            KeystoneIdentity(options_of(file))

    def test_may_stand_in_a_section_of_another_name(
        self, used_api: ApiWorld, keystone: Keystone
    ) -> None:
        file = keystone.file()
        text = file.read_text().replace("[keystone_authtoken]", "[keystone]")
        file.write_text(f"{text}\n[keystone_authtoken]\nauth_section = keystone\n")
        http = guarded_by(used_api, guard(options_of(file)))
        headers = {"X-Auth-Token": keystone.token()}
        assert http.simulate_get("/v1/goals", headers=headers).status_code == 200

    def test_may_come_from_the_environment(
        self, used_api: ApiWorld, keystone: Keystone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = keystone.file()
        file.write_text(file.read_text().replace("password = simulator\n", ""))
        monkeypatch.setenv("OS_KEYSTONE_AUTHTOKEN__PASSWORD", "simulator")
        http = guarded_by(used_api, guard(options_of(file)))
        headers = {"X-Auth-Token": keystone.token()}
        assert http.simulate_get("/v1/goals", headers=headers).status_code == 200

    def test_cannot_leave_the_decision_to_nobody(
        self, used_api: ApiWorld, keystone: Keystone
    ) -> None:
        """delay_auth_decision lets the filter pass everything on, which nobody would check."""
        http = guarded_by(used_api, guard(keystone.options("delay_auth_decision = true")))
        assert_unauthenticated(http.simulate_get("/v1/goals"), keystone)


def test_an_open_webhook_needs_no_token_and_a_closed_one_does(
    api: ApiWorld, keystone: Keystone
) -> None:
    uuid = api.audit(audit_type="EVENT")["uuid"]
    asks = guard(keystone.options())
    closed = guarded_by(api, asks)
    opened = guarded_by(api, asks, RestSettings(webhooks_auth=False))
    path = f"/v1/webhooks/{uuid}"
    assert closed.simulate_post(path, json={}).status_code == 401
    assert opened.simulate_post(path, json={}).status_code == 202
    assert opened.simulate_get("/v1/audits").status_code == 401
