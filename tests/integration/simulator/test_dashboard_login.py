"""Keystone as a dashboard uses it: login, projects to choose from, and changes of users.

A dashboard logs in with keystoneauth's password plug-in, unscoped, lists what the user has roles
on, and takes a token for the domain and one for the project that was chosen.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.exceptions import Unauthorized
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from infrastructure.simulator import Simulator, SimulatorConfig
from infrastructure.simulator.core.config import PASSWORD
from infrastructure.simulator.core.people import ADMIN, DEMO, DEMO_PROJECT


def _url(simulator: Simulator) -> str:
    return f"{simulator.base_url}/identity/v3"


def _password(simulator: Simulator, user: str, password: str = PASSWORD, **scope: Any) -> Session:
    plugin = v3.Password(
        _url(simulator), username=user, password=password, user_domain_name="Default", **scope
    )
    return Session(auth=plugin)


def _with_token(simulator: Simulator, token: str | None, **scope: Any) -> Session:
    assert token is not None
    return Session(auth=v3.Token(_url(simulator), token, reauthenticate=False, **scope))


def _access(session: Session) -> AccessInfoV3:
    plugin = session.auth
    assert isinstance(plugin, v3.Password | v3.Token)
    access = plugin.get_access(session)
    assert isinstance(access, AccessInfoV3)
    return access


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Simulator]:
    """A cloud whose users a test may change."""
    running = Simulator(SimulatorConfig(hosts=2, servers=2, state_file=tmp_path / "state.db"))
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("name", "projects", "domains"),
    [("admin", {"admin", "demo"}, ["Default"]), ("demo", {"demo"}, [])],
)
def test_a_dashboard_logs_in_and_lists_the_projects_of_the_user(
    simulator: Simulator, name: str, projects: set[str], domains: list[str]
) -> None:
    unscoped = _password(simulator, name, unscoped=True)
    access = _access(unscoped)
    assert not access.scoped
    assert not access.has_service_catalog()

    def names(path: str, plural: str) -> list[str]:
        return [one["name"] for one in unscoped.get(_url(simulator) + path).json()[plural]]

    assert set(names("/auth/projects", "projects")) == projects
    assert set(names(f"/users/{access.user_id}/projects", "projects")) == projects
    assert names("/auth/domains", "domains") == domains
    chosen = _with_token(simulator, access.auth_token, project_id=DEMO_PROJECT.id)
    scoped = _access(chosen)
    assert (scoped.project_name, scoped.user_id) == ("demo", access.user_id)
    assert chosen.get("/servers", endpoint_filter={"service_type": "compute"}).status_code == 200


@pytest.mark.parametrize("domain", [{"domain_id": "default"}, {"domain_name": "Default"}])
def test_an_administrator_gets_a_token_for_the_domain(
    simulator: Simulator, domain: dict[str, str]
) -> None:
    login = _password(simulator, "admin", unscoped=True)
    scoped = _with_token(simulator, login.get_token(), **domain)
    access = _access(scoped)
    assert (access.domain_id, access.domain_name, access.project_id) == ("default", "Default", None)
    assert access.role_names is not None
    assert "admin" in access.role_names
    assert len(scoped.get(f"{_url(simulator)}/users").json()["users"]) == 4
    nova = scoped.get("/servers", endpoint_filter={"service_type": "compute"}, raise_exc=False)
    assert nova.status_code == 403


def test_a_member_gets_no_token_for_the_domain(simulator: Simulator) -> None:
    login = _password(simulator, "demo", unscoped=True)
    with pytest.raises(Unauthorized):
        _with_token(simulator, login.get_token(), domain_id="default").get_token()


def test_a_member_lists_the_projects_of_nobody_else(simulator: Simulator) -> None:
    member = _password(simulator, "demo", unscoped=True)
    path = f"{_url(simulator)}/users/{ADMIN.id}/projects"
    assert member.get(path, raise_exc=False).status_code == 403
    admin = _password(simulator, "admin", project_name="admin", project_domain_id="default")
    assert admin.get(path).status_code == 200
    assert admin.get(path.replace(ADMIN.id, "0" * 32), raise_exc=False).status_code == 404


def _change(simulator: Simulator, user: str, **changes: Any) -> Any:
    admin = _password(simulator, "admin", project_name="admin", project_domain_id="default")
    url = f"{_url(simulator)}/users/{user}"
    return admin.patch(url, json={"user": changes}, raise_exc=False)


def test_an_administrator_changes_a_user_and_a_restart_keeps_it(
    own: Simulator, tmp_path: Path
) -> None:
    answer = _change(own, DEMO.id, email="demo@example.org", default_project_id=None, name="dana")
    assert answer.status_code == 200
    changed = answer.json()["user"]
    assert (changed["name"], changed["email"]) == ("dana", "demo@example.org")
    assert changed["default_project_id"] is None
    own.stop()
    again = Simulator(SimulatorConfig(state_file=tmp_path / "state.db"))
    again.start()
    try:
        session = _password(again, "dana", unscoped=True)
        shown = session.get(f"{_url(again)}/users/{DEMO.id}").json()["user"]
        assert shown["email"] == "demo@example.org"
    finally:
        again.stop()


@pytest.mark.parametrize("changes", [{"password": "another"}, {"enabled": False}])
def test_the_tokens_of_a_user_end_with_its_password(
    own: Simulator, changes: dict[str, Any]
) -> None:
    """As in Keystone: whoever still has a token of the old password has nothing."""
    before = _password(own, "demo", unscoped=True)
    url, token = f"{_url(own)}/auth/projects", before.get_token()
    assert _change(own, DEMO.id, **changes).status_code == 200
    with_old = Session().get(url, headers={"X-Auth-Token": token}, raise_exc=False)
    assert with_old.status_code == 401
    with pytest.raises(Unauthorized):
        _password(own, "demo", unscoped=True).get_token()
    again = {"enabled": True, "password": "another"}
    assert _change(own, DEMO.id, **again).status_code == 200
    assert _password(own, "demo", "another", unscoped=True).get(url).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"domain_id": "other"}, 400),
        ({"id": "0" * 32}, 400),
        ({"enabled": "no"}, 400),
        ({"name": ""}, 400),
        ({"password": None}, 400),
        ({"name": "admin"}, 409),
        ({"domain_id": "default"}, 200),
    ],
)
def test_a_change_that_keystone_refuses_is_refused(
    own: Simulator, changes: dict[str, Any], status: int
) -> None:
    assert _change(own, DEMO.id, **changes).status_code == status
    assert _password(own, "demo", unscoped=True).get_token()


def test_a_member_changes_no_user(simulator: Simulator) -> None:
    member = _password(simulator, "demo", project_name="demo", project_domain_id="default")
    url = f"{_url(simulator)}/users/{DEMO.id}"
    assert member.patch(url, json={"user": {}}, raise_exc=False).status_code == 403
    assert _change(simulator, "0" * 32).status_code == 404
    assert member.get(url).json()["user"]["name"] == "demo"
