"""The API behind a real Keystone: its administrator, one of its members, and nobody."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from openstack.connection import Connection
from openstack.exceptions import SDKException

from application.ports.event_log import RecordedEvent
from infrastructure.openstack.connection import connect
from tests.integration.rest.access.process import Running, serving
from tests.world.api import ApiWorld

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]


def named(variable: str, default: str | None = None) -> Connection:
    """The entry of clouds.yaml that a variable names."""
    name = os.environ.get(variable, default)
    if not name:
        pytest.skip(f"{variable} does not name a cloud")
    try:
        return connect(name)
    except SDKException as error:
        pytest.skip(f"{variable}: {error}")


@pytest.fixture(scope="module")
def admin() -> Iterator[Connection]:
    found = named("VIGIL_TEST_CLOUD")
    yield found
    found.session.session.close()


@pytest.fixture(scope="module")
def member(admin: Connection) -> Iterator[Connection]:
    found = named("VIGIL_TEST_CLOUD_MEMBER", f"{admin.config.name}-demo")
    yield found
    found.session.session.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with ApiWorld(tmp_path_factory.mktemp("world")) as opened:
        yield opened


@pytest.fixture(scope="module")
def api(
    admin: Connection, world: ApiWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The API, validating tokens as the cloud's administrator."""
    auth: dict[str, Any] = {
        "auth_type": "password",
        "www_authenticate_uri": admin.config.auth["auth_url"],
        "interface": "public",
        **admin.config.auth,
    }
    file = tmp_path_factory.mktemp("api") / "vigil.conf"
    lines = [f"{name} = {value}" for name, value in auth.items()]
    file.write_text("\n".join(["[keystone_authtoken]", *lines, ""]))
    with serving(world.url, file) as running:
        yield running


def token_of(connection: Connection) -> str:
    """A connection's token."""
    token = connection.auth_token
    assert token
    return token


def ask(api: Running, path: str, **headers: str) -> requests.Response:
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return requests.get(f"{api.url}{path}", headers=sent, timeout=60)


def test_an_administrator_is_let_in(api: Running, admin: Connection) -> None:
    answer = ask(api, "/v1/goals", X_Auth_Token=token_of(admin))
    assert answer.status_code == 200, answer.text
    assert answer.json()["goals"]


def test_a_member_is_known_and_refused(api: Running, member: Connection) -> None:
    token = token_of(member)
    assert ask(api, "/v1", X_Auth_Token=token).status_code == 200
    answer = ask(api, "/v1/goals", X_Auth_Token=token, X_Roles="admin")
    assert answer.status_code == 403
    assert "Policy doesn't allow goal:get_all" in answer.text


def test_nobody_is_sent_to_keystone(api: Running, admin: Connection) -> None:
    for headers in ({}, {"X_Auth_Token": "gAAAAABnonsense"}, {"X_Roles": "admin"}):
        answer = ask(api, "/v1/goals", **headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == 401
        told = answer.headers["WWW-Authenticate"]
        assert told == f'Keystone uri="{admin.config.auth["auth_url"]}"'
    assert ask(api, "/").status_code == 200


def test_a_token_that_was_revoked_before_it_was_seen_is_none(
    api: Running, admin: Connection
) -> None:
    other = connect(admin.config.name)
    token = token_of(other)
    gone = requests.delete(
        f"{admin.config.auth['auth_url']}/auth/tokens",
        headers={"X-Auth-Token": token_of(admin), "X-Subject-Token": token},
        timeout=60,
    )
    assert gone.status_code == 204
    assert ask(api, "/v1/goals", X_Auth_Token=token).status_code == 401


def test_events_carry_keystones_user_and_the_log_none_of_the_secrets(
    api: Running, admin: Connection, world: ApiWorld
) -> None:
    answer = requests.post(
        f"{api.url}/v1/audits",
        json={"audit_type": "EVENT", "goal": "dummy"},
        headers={"X-Auth-Token": token_of(admin)},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    *_, last = world.log.read(0, 10_000)
    assert isinstance(last, RecordedEvent)
    actor = last.event.metadata.actor
    assert actor.id == admin.current_user_id
    assert actor.name == admin.config.auth["username"]
    assert actor.project == admin.current_project_id
    said = Path(api.said).read_text()
    assert token_of(admin) not in said
    assert admin.config.auth["password"] not in said
