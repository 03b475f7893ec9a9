"""Keystone: tokens, the catalogue, and what a plain member may not do."""

from pathlib import Path
from typing import Any

import pytest
import requests

from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from infrastructure.simulator.core.config import PASSWORD
from tests.integration.simulator.clients import IDS, Client, until

ADMIN = ("admin", PASSWORD, "admin")
DEMO = ("demo", PASSWORD, "demo")


def _token(base: str, user: str, password: str, project: str | None) -> requests.Response:
    domain = {"id": "default"}
    identity = {"user": {"name": user, "domain": domain, "password": password}}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": identity}}
    if project:
        auth["scope"] = {"project": {"name": project, "domain": domain}}
    return requests.post(f"{base}/identity/v3/auth/tokens", json={"auth": auth}, timeout=10)


def test_the_catalogue_leads_to_every_service(cloud: Client) -> None:
    for kind, path in (
        ("identity", "/identity/v3"),
        ("compute", "/compute/v2.1"),
        ("placement", "/placement"),
        ("metric-storage", "/prometheus"),
    ):
        for interface in ("public", "internal", "admin"):
            url = cloud.sdk.session.get_endpoint(service_type=kind, interface=interface)
            assert url == cloud.base_url + path


@pytest.mark.parametrize(
    "who",
    [("admin", "wrong", "admin"), ("nobody", PASSWORD, "admin"), ("demo", PASSWORD, "admin")],
    ids=["password", "user", "project"],
)
def test_wrong_credentials_get_no_token(simulator: Simulator, who: tuple[str, str, str]) -> None:
    answer = _token(simulator.base_url, *who)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401
    assert "X-Subject-Token" not in answer.headers


@pytest.mark.parametrize("token", [None, "nonsense", "e30.00", "ü"])
@pytest.mark.parametrize("path", ["/compute/v2.1/servers", "/placement/traits", "/vigil/state"])
def test_without_a_valid_token_nothing_is_shown(
    simulator: Simulator, path: str, token: str | None
) -> None:
    headers = {"X-Auth-Token": token.encode()} if token else {}
    answer = requests.get(simulator.base_url + path, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["title"] == "Unauthorized"


def test_a_forged_token_is_refused(simulator: Simulator) -> None:
    """The claims of one token with the signature of another."""
    tokens = [_token(simulator.base_url, *who).headers["X-Subject-Token"] for who in (ADMIN, DEMO)]
    forged = tokens[0].partition(".")[0] + "." + tokens[1].partition(".")[2]
    headers = {"X-Auth-Token": forged}
    answer = requests.get(f"{simulator.base_url}/vigil/state", headers=headers, timeout=10)
    assert answer.status_code == 401


def test_a_revoked_token_is_refused(simulator: Simulator, cloud: Client) -> None:
    token = _token(simulator.base_url, *DEMO).headers["X-Subject-Token"]
    url = f"{simulator.base_url}/compute/v2.1/servers"
    assert requests.get(url, headers={"X-Auth-Token": token}, timeout=10).status_code == 200
    gone = cloud.ask("DELETE", "/identity/v3/auth/tokens", headers={"X-Subject-Token": token})
    assert gone.status_code == 204
    assert requests.get(url, headers={"X-Auth-Token": token}, timeout=10).status_code == 401


def test_a_token_expires(tmp_path: Path) -> None:
    running = Simulator(SimulatorConfig(hosts=2, servers=2, token_lifetime=1.0))
    running.start()
    try:
        token = _token(running.base_url, *ADMIN).headers["X-Subject-Token"]
        url = f"{running.base_url}/compute/v2.1/servers"
        headers = {"X-Auth-Token": token}
        until(
            lambda: requests.get(url, headers=headers, timeout=10).status_code == 401,
            "the token is refused",
        )
        client = Client(running.base_url, tmp_path)  # openstacksdk just takes a new one
        assert len(list(client.sdk.compute.servers(all_projects=True))) == 2
        client.sdk.close()
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/compute/v2.1/os-hypervisors"),
        ("GET", "/compute/v2.1/os-hypervisors/detail"),
        ("GET", "/compute/v2.1/os-services"),
        ("GET", "/compute/v2.1/os-migrations"),
        ("GET", "/compute/v2.1/os-aggregates"),
        ("GET", "/compute/v2.1/os-availability-zone/detail"),
        ("GET", "/compute/v2.1/servers/detail?all_tenants=1"),
        ("GET", "/compute/v2.1/os-server-groups?all_projects=1"),
        ("GET", "/placement/resource_providers"),
        ("GET", "/identity/v3/users"),
        ("GET", "/vigil/journal"),
        ("GET", "/vigil/state"),
        ("DELETE", "/vigil/faults"),
    ],
)
def test_a_member_is_forbidden_what_administrators_do(
    member: Client, method: str, path: str
) -> None:
    assert member.ask(method, path).status_code == 403


def test_a_member_neither_sees_nor_moves_what_is_anothers(member: Client) -> None:
    assert member.get("/compute/v2.1/servers")["servers"] == []
    assert member.live(IDS["free-1"]).status_code == 404


def test_a_member_sees_its_own_servers_without_their_hosts(tmp_path: Path) -> None:
    running = Simulator(SimulatorConfig(hosts=4, servers=60))
    running.start()
    try:
        client = Client(running.base_url, tmp_path, "simulator-demo")
        servers = client.get("/compute/v2.1/servers/detail")["servers"]
        assert len(servers) == 3
        assert "OS-EXT-SRV-ATTR:host" not in servers[0]
        assert client.live(servers[0]["id"]).status_code == 403
        client.sdk.close()
    finally:
        running.stop()


# webob imports a module of the standard library that is on its way out
@pytest.mark.filterwarnings("ignore:'cgi' is deprecated:DeprecationWarning")
def test_keystonemiddleware_accepts_and_refuses_the_clouds_tokens(simulator: Simulator) -> None:
    """As in front of Vigil's own API: a service user validates what clients bring."""
    from keystonemiddleware.auth_token import AuthProtocol  # noqa: PLC0415 - warns when imported

    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(environ)
        start("200 OK", [])
        return [b""]

    conf = {
        "auth_type": "password",
        "auth_url": f"{simulator.base_url}/identity/v3",
        "www_authenticate_uri": f"{simulator.base_url}/identity/v3",
        "username": "vigil",
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "interface": "public",
        "service_token_roles_required": "true",
    }
    protocol = AuthProtocol(app, conf)

    def status(token: str) -> str:
        answers: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "HTTP_X_AUTH_TOKEN": token,
        }
        protocol(environ, lambda line, _headers, _error=None: answers.append(line))
        return answers[0]

    token = _token(simulator.base_url, *DEMO).headers["X-Subject-Token"]
    assert status(token).startswith("200")
    assert seen[0]["HTTP_X_PROJECT_NAME"] == "demo"
    assert seen[0]["HTTP_X_ROLES"] == "member,reader"
    assert status("nonsense").startswith("401")


def test_another_service_can_be_put_into_the_catalogue(simulator: Simulator, cloud: Client) -> None:
    body = {"url": "http://127.0.0.1:9/vigil"}
    cloud.ask("PUT", "/vigil/endpoints/infra-optim", body=body)
    catalogue = _token(simulator.base_url, *ADMIN).json()["token"]["catalog"]
    entry = next(e for e in catalogue if e["type"] == "infra-optim")
    assert {endpoint["url"] for endpoint in entry["endpoints"]} == {"http://127.0.0.1:9/vigil"}


def test_a_service_can_be_taken_out_of_the_catalogue(simulator: Simulator, cloud: Client) -> None:
    cloud.ask("DELETE", "/vigil/endpoints/baremetal")
    catalogue = _token(simulator.base_url, *ADMIN).json()["token"]["catalog"]
    assert "baremetal" not in {entry["type"] for entry in catalogue}
    cloud.ask("PUT", "/vigil/endpoints/baremetal", body={"url": f"{simulator.base_url}/baremetal"})
    catalogue = _token(simulator.base_url, *ADMIN).json()["token"]["catalog"]
    assert [entry["type"] for entry in catalogue].count("baremetal") == 1


def test_clouds_yaml_names_both_people() -> None:
    text = clouds_yaml("http://127.0.0.1:1", "twin")
    assert "  twin:" in text
    assert "  twin-demo:" in text
