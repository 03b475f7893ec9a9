"""Requests that a web page makes its visitor's browser send to this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infrastructure.simulator import Simulator, SimulatorConfig
from tests.integration.rest.access.keystone import Keystone
from tests.integration.rest.access.process import Running, serving
from tests.world.api import ApiWorld

pytestmark = pytest.mark.timeout(180)

EVIL = "http://evil.example"
AUDIT = {"audit_type": "EVENT", "goal": "dummy"}


def serve(api: ApiWorld, folder: Path, text: str) -> Iterator[Running]:
    conf = folder / "vigil.conf"
    conf.write_text(text)
    with serving(api.url, conf) as running:
        yield running


@pytest.fixture(scope="module")
def laptop(used_api: ApiWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The API of a laptop, which needs no token."""
    text = "[vigil]\nallowed_hosts = laptop.lan\n"
    yield from serve(used_api, tmp_path_factory.mktemp("laptop"), text)


def error_of(answer: requests.Response) -> str:
    text: str = answer.json()["error_message"]
    return text


class TestWithoutAuthentication:
    """Every client is an administrator there, hence also a page that the browser shows."""

    @pytest.mark.parametrize("path", ["/", "/v1/goals", "/metrics", "/healthcheck", "/nowhere"])
    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:9322", "127.0.0.1.evil.example"]
    )
    def test_a_foreign_name_is_refused_as_dns_rebinding_needs_one(
        self, laptop: Running, path: str, host: str
    ) -> None:
        answer = requests.get(f"{laptop.url}{path}", headers={"Host": host}, timeout=30)
        assert answer.status_code == 421
        assert "[vigil] allowed_hosts" in error_of(answer)
        assert answer.headers["X-OpenStack-Request-Id"].startswith("req-")

    @pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:1", "https://127.0.0.1"])
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
    def test_a_foreign_page_is_refused(self, laptop: Running, origin: str, method: str) -> None:
        before = requests.get(f"{laptop.url}/v1/audits", timeout=30).json()
        answer = requests.request(
            method, f"{laptop.url}/v1/audits", json=AUDIT, headers={"Origin": origin}, timeout=30
        )
        assert answer.status_code == 403
        assert "Origin" in error_of(answer)
        assert requests.get(f"{laptop.url}/v1/audits", timeout=30).json() == before

    def test_the_names_of_this_machine_and_those_of_the_option_are_answered(
        self, laptop: Running
    ) -> None:
        port = laptop.url.rpartition(":")[2]
        for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.0.0.2", "laptop.lan"):
            for host in (name, f"{name}:{port}"):
                headers = {"Host": host, "Origin": f"http://{host}"}
                answer = requests.post(
                    f"{laptop.url}/v1/audits", json=AUDIT, headers=headers, timeout=30
                )
                assert answer.status_code == 201, host


@pytest.fixture
def guarded(used_api: ApiWorld, keystone: Keystone) -> Iterator[Running]:
    """An API that needs tokens, for a page of Horizon's."""
    conf = keystone.file("[cors]", "allowed_origin = https://horizon.example")
    with serving(used_api.url, conf) as running:
        yield running


class TestCors:
    """oslo.middleware's options; the section was ignored."""

    def test_a_preflight_of_an_allowed_origin_is_answered(self, guarded: Running) -> None:
        asked = {
            "Origin": "https://horizon.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-auth-token,openstack-api-version,content-type",
        }
        answer = requests.options(f"{guarded.url}/v1/audits", headers=asked, timeout=30)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://horizon.example"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "OpenStack-API-Version".lower() in (
            answer.headers["Access-Control-Allow-Headers"].lower()
        )

    def test_a_request_of_an_allowed_origin_shows_the_pages_scripts_our_headers(
        self, guarded: Running, keystone: Keystone
    ) -> None:
        headers = {"Origin": "https://horizon.example", "X-Auth-Token": keystone.token()}
        answer = requests.get(f"{guarded.url}/v1/goals", headers=headers, timeout=30)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://horizon.example"
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert "X-OpenStack-Request-Id" in exposed
        assert "Vigil-Position" in exposed

    def test_another_origin_gets_none(self, guarded: Running, keystone: Keystone) -> None:
        headers = {"Origin": EVIL, "X-Auth-Token": keystone.token()}
        answer = requests.get(f"{guarded.url}/v1/goals", headers=headers, timeout=30)
        assert "Access-Control-Allow-Origin" not in answer.headers
        asked = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
        answer = requests.options(f"{guarded.url}/v1/audits", headers=asked, timeout=30)
        assert "Access-Control-Allow-Origin" not in answer.headers

    def test_without_tokens_only_the_pages_of_allowed_origins_are_answered(
        self, used_api: ApiWorld, tmp_path: Path
    ) -> None:
        text = "[cors]\nallowed_origin = http://localhost:3000\n"
        for running in serve(used_api, tmp_path, text):
            for origin, status in (("http://localhost:3000", 200), (EVIL, 403)):
                answer = requests.get(
                    f"{running.url}/v1/goals", headers={"Origin": origin}, timeout=30
                )
                assert answer.status_code == status


def test_the_simulators_control_is_not_for_web_pages() -> None:
    """Its faults and its clock need no token, and the passwords of its Keystone are known."""
    simulator = Simulator(SimulatorConfig(hosts=1, servers=0))
    simulator.start()
    try:
        url = f"{simulator.base_url}/vigil/clock"
        for headers, status in (({"Host": "evil.example"}, 421), ({"Origin": EVIL}, 403)):
            for method in ("GET", "POST"):
                answer = requests.request(method, url, json={}, headers=headers, timeout=30)
                assert answer.status_code == status
        assert requests.get(f"{simulator.base_url}/identity/v3", timeout=30).status_code == 200
    finally:
        simulator.stop()
