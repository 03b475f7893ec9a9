"""An operator's policy file, with callers that a real policy judges."""

import os
from pathlib import Path

import pytest

from domain.cluster_models import ClusterModel
from domain.kernel.metadata import Actor, ActorKind
from infrastructure.settings import LibraryOptions, library_options, load
from interfaces.rest.auth import Caller, NoAuth
from interfaces.rest.policy import PolicyAuthorizer, PolicyEnforcer, PolicyUnusable, list_rules
from interfaces.rest.rules import RULES
from tests.given import context
from tests.integration.rest.access.keystone import Keystone, guard, guarded_by
from tests.integration.rest.test_policy import BODIES, Everything, guarded
from tests.world.api import ApiWorld, refused
from tests.world.collected import collect

CONTRACT = {
    "action:detail action:get action:get_all action:update action_plan:delete action_plan:detail",
    "action_plan:get action_plan:get_all action_plan:update action_plan:start audit:create",
    "audit:delete audit:detail audit:get audit:get_all audit:update audit_template:create",
    "audit_template:delete audit_template:detail audit_template:get audit_template:get_all",
    "audit_template:update data_model:get_all goal:detail goal:get goal:get_all",
    "scoring_engine:detail scoring_engine:get scoring_engine:get_all service:detail service:get",
    "service:get_all strategy:detail strategy:get strategy:get_all strategy:state",
    "webhook:trigger admin_api admin_or_service_api show_password",
}


def caller(*roles: str, **credentials: str) -> Caller:
    return Caller(Actor(ActorKind.USER, "u-1", "user", "p-1"), frozenset(roles), credentials)


class Files:
    """A directory with an operator's configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "vigil.conf"
        self.conf.write_text("[oslo_policy]\npolicy_file = rules.yaml\n")
        self.rules = folder / "rules.yaml"
        self._age = 1_700_000_000

    def write(self, text: str, path: Path | None = None) -> None:
        """Writes the policy file; each writing is newer than the one before."""
        path = path or self.rules
        path.write_text(text)
        self._age += 10
        os.utime(path, (self._age, self._age))

    def options(self) -> LibraryOptions:
        return library_options(load(files=[self.conf]).settings)

    def policy(self) -> PolicyEnforcer:
        return PolicyEnforcer(self.options())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def defaults() -> PolicyEnforcer:
    return PolicyEnforcer(library_options(load(files=[]).settings))


def test_every_rule_of_the_contract_is_there_with_its_default() -> None:
    known = {rule.name: rule.check_str for rule in list_rules()}
    names = {name for line in CONTRACT for name in line.split()}
    assert names <= set(known)
    assert known.pop("admin_api") == "role:admin or role:administrator"
    assert known.pop("admin_or_service_api") == "rule:admin_api or role:service"
    assert known.pop("show_password") == "!"
    assert known.pop("webhook:trigger") == "rule:admin_or_service_api"
    assert set(known.values()) == {"rule:admin_api"}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rules_default_allows_administrators_and_nobody_else(rule: str) -> None:
    policy = defaults()
    assert policy.allows(caller("admin"), rule, {})
    assert policy.allows(caller("administrator", "reader"), rule, {})
    assert policy.allows(caller("service"), rule, {}) == (rule == "webhook:trigger")
    assert not policy.allows(caller("member", "reader", "manager"), rule, {})
    assert not policy.allows(caller(), rule, {})


def test_what_no_rule_names_nobody_may_do() -> None:
    assert not defaults().allows(caller("admin"), "audit:repaint", {})


def test_both_ways_of_identifying_judge_by_the_same_defaults() -> None:
    policy = defaults()
    for rule in RULES:
        for role in ("admin", "administrator", "service", "member"):
            who = caller(role)
            assert policy.allows(who, rule, {}) == NoAuth().allows(who, rule, {})


def test_a_file_overrides_one_rule_and_leaves_the_others(files: Files) -> None:
    files.write('"audit:get_all": "role:Reader or rule:admin_api"\n')
    policy = files.policy()
    assert policy.source == str(files.rules)
    assert policy.allows(caller("reader"), "audit:get_all", {})
    assert policy.allows(caller("admin"), "audit:get_all", {})
    assert not policy.allows(caller("reader"), "audit:get", {})


def test_an_override_of_a_base_rule_changes_all_that_refer_to_it(files: Files) -> None:
    files.write('"admin_api": "role:optimizer"\n')
    policy = files.policy()
    assert policy.allows(caller("optimizer"), "audit:create", {})
    assert policy.allows(caller("optimizer"), "webhook:trigger", {})
    assert not policy.allows(caller("admin"), "audit:create", {})


def test_a_file_that_disappears_opens_no_door(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    """Deployment tools delete and write anew: in between, the defaults were in force."""
    files.write('"audit:create": "!"\n')
    policy = files.policy()
    assert not policy.allows(caller("admin"), "audit:create", {})
    files.rules.unlink()
    for _ in range(3):
        assert not policy.allows(caller("admin"), "audit:create", {})
    assert caplog.text.count("is gone, its rules stay in force") == 1
    files.write('"audit:create": "role:optimizer"\n')
    assert policy.allows(caller("optimizer"), "audit:create", {})
    assert not policy.allows(caller("admin"), "audit:create", {})


def test_a_rule_may_refer_to_the_caller_and_to_the_target(files: Files) -> None:
    files.write(
        '"audit:get": "project_id:%(project_id)s"\n'
        '"goal:get": "user_domain_id:ops"\n'
        '"strategy:get": "\'dummy\':%(name)s"\n'
        '"service:get": "\'7\':%(id)s"\n'
    )
    policy = files.policy()
    owner = caller(project_id="p-1")
    assert policy.allows(owner, "audit:get", {"project_id": "p-1"})
    assert not policy.allows(owner, "audit:get", {"project_id": "p-2"})
    assert not policy.allows(owner, "audit:get", {})
    assert policy.allows(caller(user_domain_id="ops"), "goal:get", {})
    assert policy.allows(caller(), "strategy:get", {"name": "dummy"})
    assert not policy.allows(caller(), "strategy:get", {"name": "basic"})
    assert policy.allows(caller(), "service:get", {"id": 7})


def test_a_changed_file_is_read_again(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    files.write('"goal:get": "role:a"\n')
    policy = files.policy()
    assert policy.allows(caller("a"), "goal:get", {})
    files.write('"goal:get": "role:b"\n')
    with caplog.at_level("INFO"):
        assert not policy.allows(caller("a"), "goal:get", {})
    assert policy.allows(caller("b"), "goal:get", {})
    assert "was read again" in caplog.text
    files.write("")
    assert policy.allows(caller("admin"), "goal:get", {})
    assert not policy.allows(caller("b"), "goal:get", {})


def test_a_file_that_comes_later_is_found(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.conf.write_text("[DEFAULT]\n")
    policy = files.policy()
    assert policy.source is None
    files.write('"goal:get": "role:late"\n', tmp_path / "policy.yaml")
    assert policy.allows(caller("late"), "goal:get", {})


def test_a_directory_of_files_counts_too(files: Files) -> None:
    (files.folder / "policy.d").mkdir()
    files.write('"goal:get": "role:a"\n"goal:detail": "role:a"\n')
    files.write('"goal:get": "role:b"\n', files.folder / "policy.d" / "10-more.yaml")
    policy = files.policy()
    assert policy.allows(caller("b"), "goal:get", {})
    assert policy.allows(caller("a"), "goal:detail", {})


@pytest.mark.parametrize("broken", ['"goal:get": [unclosed', "- a\n- list\n", "just words: [}"])
def test_a_file_that_breaks_while_we_run_leaves_the_rules_of_before(
    files: Files, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    files.write('"goal:get": "role:a"\n')
    policy = files.policy()
    files.write(broken)
    for _ in range(3):
        assert policy.allows(caller("a"), "goal:get", {})
        assert not policy.allows(caller("b"), "goal:get", {})
        assert not policy.allows(caller("member"), "audit:create", {})
    assert "the previous rules stay in force" in caplog.text
    files.write('"goal:get": "role:b"\n')
    assert policy.allows(caller("b"), "goal:get", {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('"goal:get": [unclosed', "rules.yaml"),
        ("- a\n- list\n", "rules.yaml"),
        ('"goal:get": "rule:nosuch"\n', "refers to a rule that does not exist"),
        ('"goal:get": "rule:goal:get"\n', "refers to a rule that does not exist"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(
    files: Files, text: str, complaint: str
) -> None:
    files.write(text)
    with pytest.raises(PolicyUnusable, match=complaint):
        files.policy()


def test_a_file_that_is_named_must_be_there(files: Files) -> None:
    with pytest.raises(PolicyUnusable, match=r"\[oslo_policy\] policy_file: file not found: rules"):
        files.policy()


def test_a_rule_that_cannot_be_understood_allows_nobody(files: Files) -> None:
    files.write('"goal:get": "role admin"\n')
    policy = files.policy()
    assert not policy.allows(caller("admin"), "goal:get", {})
    assert policy.allows(caller("admin"), "goal:detail", {})


# -- every route, with real tokens ----------------------------------------------------------------


def test_each_rule_denies_a_member_and_lets_an_administrator_pass(
    api: ApiWorld, keystone: Keystone
) -> None:
    api.worker()
    api.model.rows = []
    collect(api, ClusterModel.open(context(), "default", "compute"))
    everything = Everything(api)
    api.http = guarded_by(api, guard(keystone.options()))
    admin, member = ({"X-Auth-Token": keystone.token(who)} for who in ("admin", "demo"))
    for route, endpoint in guarded(api):
        path, body = everything.path(route.path), BODIES.get(endpoint.rule or "", ...)
        text = refused(api.ask(endpoint.method, path, body, headers=member), 403)
        assert text == f"Policy doesn't allow {endpoint.rule} to be performed."
    for route, endpoint in guarded(api):
        path, body = everything.path(route.path), BODIES.get(endpoint.rule or "", ...)
        passed = api.ask(endpoint.method, path, body, headers=admin)
        assert passed.status_code not in {401, 403}, (path, passed.text)
        assert passed.status_code < 500, (path, passed.text)


def test_each_rule_can_be_turned_round_by_a_file(api: ApiWorld, tmp_path: Path) -> None:
    """Overridden to let members in and nobody else, a rule does so; another does not."""
    api.worker()
    api.model.rows = []
    everything = Everything(api)
    routes = sorted(guarded(api), key=lambda one: one[1].method == "DELETE")
    for number, (route, endpoint) in enumerate(routes):
        folder = tmp_path / str(number)
        folder.mkdir()
        files = Files(folder)
        files.write(f'"{endpoint.rule}": "role:member"\n')
        api.http = guarded_by(api, PolicyAuthorizer(NoAuth(), files.policy()))
        path, body = everything.path(route.path), BODIES.get(endpoint.rule or "", ...)
        refused(api.ask(endpoint.method, path, body, headers={"X-Roles": "admin"}), 403)
        passed = api.ask(endpoint.method, path, body, headers={"X-Roles": "member"})
        assert passed.status_code not in {401, 403}, (path, passed.text)
        other = next(one for _, one in routes if one.rule != endpoint.rule)
        assert other.rule is not None
        assert not files.policy().allows(caller("member"), other.rule, {})
